import { describe, expect, it } from 'vitest';
import { DEFAULT_TOLERANCE, type Metric, prepare } from '../../../src/judge/judge.ts';
import { foreseen, numberless, tableLines } from '../../../src/observation/planning.ts';
import type { Against } from '../../../src/observation/reference.ts';

const metric = (more: Partial<Metric>): Metric => ({
  name: 'orders',
  kind: 'count',
  worse: 'down',
  critical: true,
  tolerate: DEFAULT_TOLERANCE,
  limit: null,
  ...more,
});
const notes = ['the database main'];

const FIVE_MINUTES = { ticks: 60, max: 60, replays: null as string | null, key: 'for' as 'for' | 'between-waves' };
const seen = (
  more: Partial<Metric>,
  values: number[] | null,
  { ticks, max, replays, key } = FIVE_MINUTES,
  keepsHistory = true,
) => {
  const reference = values && { step: 5, values };
  const prepared = prepare(metric(more), reference, { ticks, max, alpha: 0.05 });
  const against: Against = { how: 'before', reference, fresh: [], old: [], left: [], notes: [] };
  const ready = { prepared, source: { notes, keepsHistory }, against, replays, notes: ['a note'], step: 5000 };
  return foreseen(ready, { min: ticks * 5000, max: max * 5000 }, key);
};
const busy = Array.from({ length: 720 }, (_, i) => 10 + ((i * 7) % 5));
const slow = Array.from({ length: 720 }, (_, i) => (i % 12 === 0 ? 1 : 0));
const rare = Array.from({ length: 720 }, (_, i) => (i % 60 === 0 ? 1 : 0));

describe('the plan', () => {
  it('says what is watched, and against what', () => {
    const { lines } = seen({}, busy, { ...FIVE_MINUTES, replays: '3 of 90 replayed watches' });
    expect(lines[0]).toEqual({
      kind: 'will',
      text: 'watch "orders" (count, critical; the database main): now 144/min, against the time before; 3 of 90 replayed watches',
    });
    expect(lines[1]).toEqual({ kind: 'blind', text: '"orders": a note' });
  });

  it('says in a table what is seen, also in other lengths', () => {
    const length = { min: 300_000, max: 1_800_000 };
    const { row } = seen({}, busy, { ...FIVE_MINUTES, max: 360 });
    const texts = tableLines([row!], length).map(({ text }) => text);
    expect(texts).toHaveLength(2);
    expect(texts[0]).toMatch(/^seen in 80 % of watches +in 5 min +in 30 min +5 min +15 min +30 min +60 min +tolerates/);
    expect(texts[1]).toMatch(/^orders +×0\.\d+ +×0\.\d+ +×0\.8\d* .* ×0\.9\d* +×0\.5 down +\d/);
    expect(texts[0]!.indexOf('tolerates')).toBe(texts[1]!.indexOf('×0.5 down'));
    expect(tableLines([], length)).toEqual([]);
  });

  it.each([
    ['critical', true, 'obstacle', 'metric-blind'],
    ['not critical', false, 'blind', undefined],
  ] as const)('a metric that cannot see its tolerance, %s', (_, critical, kind, code) => {
    const line = seen({ critical }, slow).lines.at(-1)!;
    expect(line.kind).toBe(kind);
    expect(line.failure?.code).toBe(code);
    expect(line.text).toContain('cannot see the fall');
    if (critical) expect(line.failure!.next).toMatch(/`for: \d+m` sees it.*tolerate.*critical: false.*override/s);
  });

  it('what is seen at the longest counts', () => {
    const blind = (max: number) =>
      seen({}, slow, { ...FIVE_MINUTES, max }).lines.some(({ kind }) => kind === 'obstacle');
    expect([blind(60), blind(720)]).toEqual([true, false]);
  });

  it('an absolute tolerance may be seen where the factor is not', () => {
    const tolerate = { ...DEFAULT_TOLERANCE, absolute: 1, per: 'second' as const };
    expect(seen({ worse: 'up' }, rare).lines.at(-1)!.kind).toBe('obstacle');
    expect(seen({ worse: 'up', tolerate }, rare).lines.some(({ kind }) => kind === 'obstacle')).toBe(false);
  });

  it.each([
    ['critical, with history', true, true, 'obstacle', 'metric-blind'],
    ['critical, sampled until the flip', true, false, 'blind', undefined],
    ['not critical', false, true, 'blind', undefined],
  ] as const)('nothing to compare with: %s', (_, critical, keepsHistory, kind, code) => {
    const { lines, row } = seen({ critical }, [1, 2], FIVE_MINUTES, keepsHistory);
    expect(lines).toMatchObject([{ kind, text: expect.stringContaining('too little') }]);
    expect(lines[0]!.failure?.code).toBe(code);
    expect(row).toBeNull();
  });

  it('names the key that makes a watch between waves longer', () => {
    const line = seen({}, slow, { ...FIVE_MINUTES, key: 'between-waves' }).lines.at(-1)!;
    expect(line.failure!.next).toMatch(/`between-waves: \d+m` sees it/);
  });

  it('a limit is watched with nothing to compare with', () => {
    const limit = { above: 3, below: 0.25, ticks: 6 };
    expect(seen({ limit }, null).lines).toMatchObject([
      { kind: 'will', text: expect.stringContaining('an alarm where it stays above 36/min or below 3/min for 30 s') },
      { kind: 'blind', text: '"orders": a note' },
      { kind: 'blind', text: expect.stringContaining('judged by its limit alone') },
    ]);
  });

  it('a critical metric without a number is an obstacle', () => {
    expect(numberless(true, 'm', 'a typo')).toMatchObject({
      kind: 'obstacle',
      failure: { code: 'metric-silent', why: 'a typo' },
    });
    expect(numberless(false, 'm', 'a typo')).toEqual({ kind: 'blind', text: '"m" cannot be read: a typo' });
  });
});
