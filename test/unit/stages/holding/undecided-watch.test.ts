import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../../src/ledger/ledger.ts';
import { RecordingLog } from '../../../../src/log/log.ts';
import { Failure, type Result } from '../../../../src/outcome/outcome.ts';
import { letPass, planLetPass } from '../../../../src/stages/holding/undecided-watch.ts';
import type { Planned, StageContext } from '../../../../src/stages/stage.ts';

const inShell = (override: string) => {
  const recorded: LedgerEvent[] = [];
  const context = {
    verb: 'watch',
    inputs: { override },
    config: null,
    runner: null,
    change: { holder: { actor: 'ada' } },
    log: new RecordingLog(),
    book: { record: async (entry: LedgerEvent) => void recorded.push(entry) },
  } as unknown as StageContext<'watch'>;
  return { context, recorded };
};
const result = (outcome: Result['outcome'], code: Result['code']): Result => ({
  outcome,
  code,
  summary: 'watch: orders: unclear',
  facts: {},
  next: 'ask',
});

describe('a watch that cannot tell', () => {
  it('passes where a person takes it upon themselves, and that is recorded', async () => {
    const { context, recorded } = inShell('the <b>shop</b> is quiet at night');
    const passed = await letPass(context, result('inconclusive', 'metric-unsure'));
    expect(passed).toMatchObject({
      outcome: 'passed',
      code: 'ok',
      summary: 'watch: orders: unclear; ada let it pass: the <b>shop</b> is quiet at night',
      facts: { override: { by: 'ada', undecided: 'metric-unsure' } },
    });
    expect(passed.next).toBeUndefined();
    expect(passed.markdown).not.toMatch(/(?<!\\)<b>/);
    expect(recorded).toMatchObject([{ kind: 'override', stage: 'watch', why: 'the <b>shop</b> is quiet at night' }]);
  });

  it.each([
    ['a failed watch never passes', 'because', 'failed', 'metric-worse'],
    ['nothing passes without a word', '', 'inconclusive', 'metric-unsure'],
    ['one that passed is as it was', 'because', 'passed', 'ok'],
  ] as const)('%s', async (_, override, outcome, code) => {
    const { context, recorded } = inShell(override);
    const before = result(outcome, code);
    expect(await letPass(context, before)).toBe(before);
    expect(recorded).toEqual([]);
  });
});

describe('a plan whose metric is too blind', () => {
  const failure = (code: 'metric-blind' | 'metric-silent') => new Failure({ code, what: 'no', next: 'see' });
  const lines: Planned[] = [
    { kind: 'will', text: 'watch' },
    { kind: 'obstacle', text: 'too blind', failure: failure('metric-blind') },
    { kind: 'obstacle', text: 'silent', failure: failure('metric-silent') },
  ];
  const kinds = async (override: string, of = lines) =>
    (await planLetPass(inShell(override).context, of)).map(({ kind, text }) => `${kind} ${text}`);

  it('goes on with an override; a silent one does not', async () => {
    expect(await kinds('the shop is quiet')).toEqual([
      'will watch',
      'blind too blind',
      'obstacle silent',
      'will override: ada lets a watch pass that cannot tell (the shop is quiet)',
    ]);
  });

  it('stays an obstacle without one', async () => {
    expect(await kinds('')).toEqual(['will watch', 'obstacle too blind', 'obstacle silent']);
    expect(await kinds('because', lines.slice(0, 1))).toEqual(['will watch']);
  });
});
