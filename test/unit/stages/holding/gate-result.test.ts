import { describe, expect, it } from 'vitest';
import type { Decided, Decision, Head, Target, Verdict } from '../../../../src/gate/gate.ts';
import { Failure } from '../../../../src/outcome/outcome.ts';
import { codeOfMain, type Gated, resultOfGate } from '../../../../src/stages/holding/gate-result.ts';
import { verdict } from '../../gate/verdicts.ts';

const SHA = 'a'.repeat(40);
const GREEN: Verdict = verdict();
const RED: Verdict = { ...GREEN, state: 'red', open: false };
const freeze = {
  environment: 'production',
  why: 'inventory',
  owner: null,
  since: null,
  until: null,
  source: 'person' as const,
  inWords: 'production is frozen',
};
const ALL: Target = { kind: 'all', pushed: null };
const PULL: Target = { kind: 'pull', number: 7, headRef: 'x', readOnly: false };

function decided(number: number, code: Decision['code'], inQueue = false): Decided {
  const state = code === 'gate-open' ? 'success' : 'failure';
  const finding = { code, weight: 'blocks' as const, text: `why ${code}`, next: `repair ${code}` };
  const head = { sha: SHA, pulls: [{ number, title: '' }], inQueue, status: null } as unknown as Head;
  const findings = state === 'success' ? [] : [finding];
  return { head, decision: { state, description: code, code, findings, override: null } };
}

function gated(more: {
  verdict?: Verdict;
  target?: Target;
  decided?: Decided[];
  swept?: object;
  freezes?: boolean;
}): Gated {
  const swept = { written: 1, unchanged: 2, gone: 0, left: 0, reads: 2, rounds: 1, behind: null };
  return {
    target: more.target ?? ALL,
    taken: null,
    written: {
      snapshot: {
        verdict: more.verdict ?? GREEN,
        heads: [],
        freezes: more.freezes ? [freeze] : [],
        overrides: [],
        past: null,
        now: new Date(0),
      },
      swept: { ...swept, late: { count: 0, longest: 0 }, decided: more.decided ?? [], ...more.swept },
      denied: null,
    },
    waited: 0,
  };
}

describe('the code', () => {
  it.each([
    ['an open main', GREEN, [], 'gate-open'],
    ['an open main and a freeze', GREEN, [freeze], 'frozen'],
    ['a red main and a freeze', RED, [freeze], 'gate-red'],
    ['a pending main', { ...RED, state: 'pending' as const }, [], 'gate-unknown'],
  ])('of %s', (_, verdict, freezes, code) => {
    expect(codeOfMain(verdict, freezes)).toBe(code);
  });

  it('is that of the one pull request, not that of the group that holds it', () => {
    const both = [decided(7, 'gate-open', true), decided(7, 'review-missing')];
    const result = resultOfGate(gated({ target: PULL, decided: both }));
    expect(result).toMatchObject({
      outcome: 'passed',
      code: 'review-missing',
      summary: 'why review-missing',
      next: 'repair review-missing',
      outputs: { open: false, state: 'green' },
    });
  });

  it('is that of main for a sweep, whatever single pull requests lack', () => {
    const result = resultOfGate(gated({ decided: [decided(7, 'review-missing')] }));
    expect(result).toMatchObject({ code: 'gate-open', outputs: { open: true } });
    expect(result.summary).toContain('1 status written, 2 stood right');
    expect(result.markdown).toContain('why review-missing');
  });

  it('is closed to all while a freeze is on', () => {
    expect(resultOfGate(gated({ freezes: true }))).toMatchObject({ code: 'frozen', outputs: { open: false } });
  });

  it('is that of main where the pull request is not open any more, which is said', () => {
    const result = resultOfGate(gated({ verdict: RED, target: PULL }));
    expect([result.code, result.summary]).toEqual(['gate-red', expect.stringContaining('not open any more')]);
  });

  it('is gate-behind, and no green step, where heads are left', () => {
    const cause = new Failure({ code: 'github-unreachable', what: 'a limit', next: 'wait' });
    const behind = { why: 'a limit', until: '2026-11-20T11:00:00.000Z', cause };
    const result = resultOfGate(gated({ decided: [decided(7, 'gate-open')], swept: { left: 1, behind } }));
    expect(result).toMatchObject({
      outcome: 'inconclusive',
      code: 'gate-behind',
      summary: expect.stringContaining('1 of 1 heads do not bear the verdict yet: a limit'),
      next: expect.stringContaining('after 2026-11-20T11:00:00.000Z'),
    });
  });
});
