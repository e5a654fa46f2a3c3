import { describe, expect, it } from 'vitest';
import type { Diagnosis, Verdict } from '../../../src/judge/judge.ts';
import { conclude, type Judged, verdictFacts } from '../../../src/observation/conclusion.ts';

type More = Partial<Omit<Judged, 'verdict'>> & { critical?: boolean };

const judged = (
  metric: string,
  outcome: Verdict['outcome'],
  code: Verdict['code'],
  { critical = true, silence = null, gone = [], hosts = [] }: More = {},
): Judged => ({
  verdict: { metric, outcome, code, critical, sentence: `${metric}: ${outcome}`, visible: {} } as Verdict,
  silence,
  gone,
  hosts,
});

const passed = judged('a', 'passed', 'ok');
const failed = judged('b', 'failed', 'metric-worse');
const silent = judged('c', 'inconclusive', 'metric-silent', { silence: { why: 'HTTP 502', code: null } });
const unsure = judged('d', 'inconclusive', 'metric-unsure');
const short = judged('e', 'passed', 'ok', { gone: ['deploy@web2'] });
const harmless = { critical: false };
const broken = (code: NonNullable<Judged['silence']>['code']) =>
  judged('c', 'inconclusive', 'metric-silent', { silence: { why: 'no', code } });

describe('several verdicts together', () => {
  it.each([
    ['all passed', [passed], 'passed', 'ok', 0],
    ['one worse', [passed, unsure, silent, failed], 'failed', 'metric-worse', 3],
    ['one silent', [passed, unsure, silent], 'inconclusive', 'metric-silent', 2],
    ['one whose source errs', [passed, broken('metric-error')], 'inconclusive', 'metric-error', 1],
    ['one whose source is gone', [passed, broken('metric-unreachable')], 'inconclusive', 'metric-unreachable', 1],
    ['one that its source does not know', [broken('metric-missing')], 'inconclusive', 'metric-missing', 0],
    ['one whose clock is off', [broken('metric-clock'), unsure], 'inconclusive', 'metric-clock', 0],
    ['one unsure', [passed, unsure], 'inconclusive', 'metric-unsure', 1],
    ['one whose host ended', [passed, short], 'inconclusive', 'metric-silent', 1],
    ['one worse, another whose host ended', [short, failed], 'failed', 'metric-worse', 1],
    ['worse, but not critical', [passed, judged('b', 'failed', 'metric-worse', harmless)], 'passed', 'ok', 0],
    ['silent, but not critical', [judged('c', 'inconclusive', 'metric-silent', harmless), passed], 'passed', 'ok', 1],
    [
      'a host ended, but not critical',
      [judged('e', 'passed', 'ok', { ...harmless, gone: ['web2'] })],
      'passed',
      'ok',
      0,
    ],
  ] as const)('%s', (_, all, outcome, code, deciding) => {
    expect(conclude('watch', all, null)).toMatchObject({ outcome, code, deciding });
  });

  it('all together may be worse where none is alone', () => {
    expect(conclude('watch', [passed, unsure], 1)).toMatchObject({
      outcome: 'failed',
      code: 'metric-worse',
      deciding: 1,
      summary: expect.stringContaining('together'),
    });
  });

  it('what a person can do stands in next, an override only where nothing was proven', () => {
    for (const one of [unsure, silent, short]) expect(conclude('watch', [one], null).next).toContain('--override');
    expect(conclude('watch', [failed], null).next).not.toContain('override');
  });

  it('says where nothing could stop the change', () => {
    expect(conclude('watch', [judged('a', 'passed', 'ok', harmless)], null).summary).toMatch(
      /no metric that was watched is critical/,
    );
  });

  it('says why a source was silent, which host ended, and which stands out', () => {
    expect(conclude('watch', [silent], null).summary).toContain('HTTP 502');
    expect(conclude('watch', [short], null).summary).toContain('deploy@web2 ended during the watch');
    const hosts = [{ host: 'web3', side: 'up', effect: 9, scale: 'factor', sentence: 'web3: ×9' } as Diagnosis];
    const strange = judged('b', 'failed', 'metric-worse', { hosts, gone: ['web2'] });
    expect(conclude('watch', [strange], null).summary).toBe('watch: b: failed; web3: ×9');
    expect(verdictFacts([strange])[0]).toMatchObject({
      'hosts-gone': ['web2'],
      'hosts-standing-out': [{ host: 'web3', side: 'up', effect: 9 }],
    });
  });
});
