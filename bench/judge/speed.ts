/** How long the judge computes, on one core. The reference is a loop that only adds the same numbers up. */
import { diagnose, type Kind, type Prepared, prepare } from '../../src/judge/judge.ts';
import { times } from './cells.ts';
import { chance } from './chance.ts';
import { ALPHA, metricOf } from './measure.ts';

const HOSTS = 200;
const METRICS = 20;
const TICKS = 60;
const REFERENCE = 720;
const ROUNDS = 5;

/** Milliseconds for 200 hosts, 20 metrics and 60 ticks; the medians of some rounds. */
export interface Speed {
  /** As a watch does it: the hosts' references are added up, and each metric is prepared on the sum. */
  prepared: number;
  /** As a watch does it: each tick's sum is judged, then every host is held against the others. */
  judged: number;
  /** More than a watch ever does: every metric of every host prepared and judged for itself. */
  each: number;
  /** To add up the numbers of the references, of the watches, and of both. */
  summedReference: number;
  summedWatch: number;
  summed: number;
}

interface HostNumbers {
  host: string;
  reference: number[];
  watch: number[];
}

type MetricNumbers = ReturnType<typeof numbers>[number];

export function speed(): Speed {
  const all = numbers();
  const alone = all.flatMap(({ metric, hosts }) => hosts.map((host) => ({ metric, hosts: [host] })));
  const ready = all.map((one) => ({ ...one, prepared: prepared(one) }));
  const references = all.flatMap(({ hosts }) => hosts.map(({ reference }) => reference));
  const watches = all.flatMap(({ hosts }) => hosts.map(({ watch }) => watch));
  return {
    prepared: median(() => {
      for (const one of all) prepared(one);
    }),
    judged: median(() => {
      for (const one of ready) judged(one);
      for (const { metric, hosts } of all) diagnose(metric, hosts);
    }),
    each: median(() => {
      for (const one of alone) judged({ ...one, prepared: prepared(one) });
    }),
    summedReference: median(() => sumAll(references)),
    summedWatch: median(() => sumAll(watches)),
    summed: median(() => sumAll([...references, ...watches])),
  };
}

function numbers() {
  const random = chance(41);
  return times(METRICS, (i) => i).map((i) => {
    const kind: Kind = i % 2 === 0 ? 'gauge' : 'count';
    const value = () => (kind === 'gauge' ? 100 + 20 * random.normal() : random.poisson(10));
    const hosts = times(HOSTS, (host) => host).map(
      (host): HostNumbers => ({
        host: `host${host}`,
        reference: Array.from({ length: REFERENCE }, value),
        watch: Array.from({ length: TICKS }, value),
      }),
    );
    return { metric: metricOf({ name: `m${i}`, kind }), hosts };
  });
}

/** With what it could see, which the plan prints. */
function prepared({ metric, hosts }: MetricNumbers): Prepared {
  const values = Array.from({ length: REFERENCE }, (_, t) => hosts.reduce((sum, host) => sum + host.reference[t]!, 0));
  const made = prepare(metric, { step: 5, values }, { ticks: TICKS, alpha: ALPHA });
  if (made.visible.up === null) throw new Error('the metric sees nothing');
  return made;
}

function judged({ prepared, hosts }: MetricNumbers & { prepared: Prepared }): void {
  const run = prepared.begin();
  for (let t = 0; t < TICKS; t++) run.look(hosts.reduce((sum, host) => sum + host.watch[t]!, 0));
  run.verdict();
}

/** What the sums come to; kept, so that no engine leaves them out. */
let kept = 0;

function sumAll(all: readonly (readonly number[])[]): void {
  for (const values of all) for (const value of values) kept += value;
}

function median(work: () => void): number {
  const taken = times(ROUNDS, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  if (!Number.isFinite(kept)) throw new Error('the sums are no numbers');
  return taken.sort((a, b) => a - b)[ROUNDS >> 1]!;
}
