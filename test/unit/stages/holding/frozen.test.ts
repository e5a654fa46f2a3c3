import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../../src/config/config.ts';
import type { GitHub } from '../../../../src/github/github.ts';
import { type EnvironmentState, emptyState, type Freeze, type Holder } from '../../../../src/ledger/ledger.ts';
import { Failure } from '../../../../src/outcome/outcome.ts';
import { refuseFrozen } from '../../../../src/stages/holding/frozen.ts';
import type { Overriding } from '../../../../src/stages/holding/overriding.ts';

const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };
const freeze: Freeze = { id: 'f', since: '', until: null, why: 'the bank is down', owner: 'bob', change: null };
const frozen = { ...emptyState('production'), freezes: [freeze] };

function environment(windows: [from: string, to: string][] = []): Environment {
  const all = windows.map(([from, to]) => ({ from, to, timezone: 'UTC', why: `from ${from}` }));
  const parts = { hosts: [], databases: [], 'config-files': [] };
  return { name: 'production', ...parts, freeze: { 'during-change': false, windows: all } };
}

/** A run in a shell; the clock is GitHub's where one is given. */
function asking(override = '', now?: string): Overriding {
  const github = () => {
    if (now) return { now: () => new Date(now) } as GitHub;
    throw new Failure({ code: 'not-configured', what: 'there is no GitHub', next: 'x' });
  };
  return { inputs: { override }, config: null, runner: null, change: { holder }, github };
}

function refused(state: EnvironmentState, parts: Partial<{ verb: string; at: Environment; as: Overriding }> = {}) {
  return refuseFrozen(parts.verb ?? 'deploy', parts.as ?? asking(), parts.at ?? environment(), state);
}

describe('a freeze', () => {
  it.each(['deliver', 'migrate', 'deploy'])('refuses %s, with why, owner, end and the ways on', async (verb) => {
    const failure = await refused(frozen, { verb }).catch((thrown) => thrown);
    expect(failure).toMatchObject({ code: 'frozen', outcome: 'failed' });
    expect(failure.message).toContain('production is frozen until it is ended: the bank is down (bob)');
    expect(failure.next).toBe(
      'end it with the freeze action (`changeline freeze --environment production --end --why "…"`), or say in the input override (`--override "…"`) why this may pass',
    );
  });

  it('never refuses a rollback', async () => {
    await expect(refused(frozen, { verb: 'rollback' })).resolves.toEqual([]);
  });

  it('that is over refuses nothing, and nothing is recorded', async () => {
    const state = { ...frozen, freezes: [{ ...freeze, until: '2026-01-01T00:00:00.000Z' }] };
    await expect(refused(state, { as: asking('just in case') })).resolves.toEqual([]);
  });

  it('names all that is on, and does not offer to end a window', async () => {
    const as = asking('', '2026-11-21T12:00:00Z');
    const at = environment([['Fri 16:00', 'Mon 08:00']]);
    const failure = await refused(frozen, { at, as }).catch((thrown) => thrown);
    expect(failure.message).toContain('the bank is down');
    expect(failure.message).toContain('until Mon 23 Nov 08:00 UTC: from Fri 16:00');
    expect(failure.next).toBe('say in the input override (`--override "…"`) why this may pass');
    const window = await refused(emptyState('production'), { at, as }).catch((thrown) => thrown);
    expect(window.next).toBe(
      'wait until it is over, or say in the input override (`--override "…"`) why this may pass',
    );
  });

  it('goes by the clock of GitHub where there is one', async () => {
    const at = environment([['2001-01-01', '2001-01-02']]);
    await expect(refused(emptyState('production'), { at })).resolves.toEqual([]);
    const as = asking('', '2001-01-02T23:59:59Z');
    await expect(refused(emptyState('production'), { at, as })).rejects.toMatchObject({ code: 'frozen' });
  });
});

describe('an override', () => {
  it('in a shell lets it pass, and says who and why in the ledger', async () => {
    const events = await refused(frozen, { as: asking('  the fix for\nthe bank ') });
    expect(events).toMatchObject([
      { kind: 'override', stage: 'deploy', why: 'the fix for the bank', facts: { by: 'ann' } },
    ]);
    expect(events[0]!.summary).toContain('the bank is down');
  });

  it('of nothing but unseen characters is none', async () => {
    await expect(refused(frozen, { as: asking(' \u202e\u0000 ') })).rejects.toMatchObject({ code: 'frozen' });
  });
});
