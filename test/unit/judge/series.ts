/** Series with known harm, from a seeded generator, and metrics to judge them by, for the tests of the judge. */
import { DEFAULT_TOLERANCE, type Metric, type Prepared, prepare, type Verdict } from '../../../src/judge/judge.ts';
import { seeded } from '../../../src/judge/seeded.ts';

export type Values = (number | null)[];

export const metric = (more: Partial<Metric> = {}): Metric => ({
  name: 'm',
  kind: 'gauge',
  worse: 'either',
  critical: true,
  tolerate: DEFAULT_TOLERANCE,
  limit: null,
  ...more,
});

export const times = <T>(length: number, value: (i: number) => T): T[] => Array.from({ length }, (_, i) => value(i));

/** The verdict of a watch that ends with its alarm. */
export function watched(prepared: Prepared, watch: Values, other: Values = []): Verdict {
  const run = prepared.begin();
  for (const [i, value] of watch.entries()) if (run.look(value, other[i] ?? null).alarm) break;
  return run.verdict();
}

/** The same, against the time before, in ticks of 5 s. */
export const judge = (more: Partial<Metric>, values: Values, watch: Values, ticks = watch.length) =>
  watched(prepare(metric(more), { step: 5, values }, { ticks, alpha: 0.05 }), watch);

/** Draws from the distributions that the tests need. */
export function draws(seed: number) {
  const uniform = seeded(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const poisson = (mean: number) => {
    let count = -1;
    let left = mean;
    do {
      left += Math.log(1 - uniform());
      count++;
    } while (left > 0);
    return count;
  };
  const autoregressive = (length: number, memory: number) => {
    let value = normal();
    return Array.from({ length }, () => {
      value = memory * value + Math.sqrt(1 - memory ** 2) * normal();
      return value;
    });
  };
  return { uniform, normal, poisson, autoregressive };
}
