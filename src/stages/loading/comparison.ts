/**
 * A load test held against the load test of the live version: latency, failures and, where users wait for an answer
 * before they ask again, throughput, tick by tick. What fails is a harm that is proven to be larger than tolerated.
 * Pure.
 */

import { FEWEST_TICKS, type Metric, type Prepared, prepare, type Tolerance, type Verdict } from '../../judge/judge.ts';
import type { EnvironmentState, LoadRun, LoadSeries } from '../../ledger/ledger.ts';
import { loadOfLive } from '../../ledger/ledger.ts';
import { coarser } from '../../load/load.ts';

/** The promised share of false alarms of one script, over all its metrics. */
const ALPHA = 0.05;
/** Where the live version failed next to nothing, this share of the requests may fail all the same. */
const FAILED_SHARE = 0.01;

/** What a script's run is held against: the live version's, or in words why there is none. */
export type Against =
  | { run: LoadRun; series: LoadSeries; why: null }
  | { run: LoadRun | null; series: null; why: string };

/** Finds it. `load` is the digest of what is about to run, null where it is not known: only equal loads are compared. */
export function againstLive(
  state: Pick<EnvironmentState, 'live' | 'loads'> | null,
  script: string,
  load: string | null,
): Against {
  if (state === null) return { run: null, series: null, why: 'there is no ledger to find an earlier run in' };
  if (state.live === null) return { run: null, series: null, why: 'no version is live yet' };
  const run = loadOfLive(state);
  const none = (why: string): Against => ({ run, series: null, why });
  const untold = state.loads.length === 0 ? ' (that of a public repository keeps none without ledger-details)' : '';
  if (run === null) return none(`the ledger holds no load test of ${state.live.version}, which is live${untold}`);
  if (load === null)
    return none('this k6 does not tell what the script imports, so whether loads are equal is not known');
  const series = run.scripts.find((one) => one.load === load && one.script === script);
  if (series) return { run, series, why: null };
  return none(
    run.scripts.some((one) => one.script === script)
      ? `${state.live.version} was tested with another load (script, arguments, variables, URL or k6 differ)`
      : `${state.live.version} was not tested with it`,
  );
}

/** One quantity that is compared: how it is read from a series, and what is tolerated of it. */
interface Aspect {
  metric: Metric;
  values(series: LoadSeries): readonly (number | null)[];
  /** For what is counted: out of how many. */
  outOf: ((series: LoadSeries) => readonly (number | null)[]) | null;
}

function aspects(tolerate: Tolerance, series: LoadSeries, closed: boolean): Aspect[] {
  const factor = { ...tolerate, absolute: null };
  const common = { critical: true, limit: null };
  const requests = series.requests.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const failed: Tolerance = { ...factor, absolute: FAILED_SHARE * requests, per: 'watch' };
  const latency = (name: 'p95' | 'p50'): Aspect => ({
    metric: { ...common, name, kind: 'gauge', worse: 'up', tolerate },
    values: (of) => of[name],
    outOf: null,
  });
  return [
    latency('p95'),
    latency('p50'),
    {
      metric: { ...common, name: 'failed requests', kind: 'count', worse: 'up', tolerate: failed },
      values: (of) => of.failed,
      outOf: (of) => of.requests,
    },
    ...(closed
      ? [
          {
            metric: { ...common, name: 'requests', kind: 'gauge', worse: 'down', tolerate: factor } satisfies Metric,
            values: (of: LoadSeries) => of.requests,
            outOf: null,
          },
        ]
      : []),
  ];
}

/** Both in ticks of one length: of two runs of one load, the longer one may have been put together further. */
export function alike(now: LoadSeries, live: LoadSeries): [LoadSeries, LoadSeries] {
  const ratio = live.step / now.step;
  return ratio < 1 ? [now, coarser(live, Math.round(1 / ratio))] : [coarser(now, Math.round(ratio)), live];
}

/** The first tick holds connections that are opened and code that is warmed up; it is left out where enough are left. */
function settled(series: LoadSeries): LoadSeries {
  if (series.requests.length <= FEWEST_TICKS) return series;
  const { requests, failed, p50, p95 } = series;
  return { ...series, requests: requests.slice(1), failed: failed.slice(1), p50: p50.slice(1), p95: p95.slice(1) };
}

function prepared(aspect: Aspect, live: LoadSeries, ticks: number, count: number): Prepared {
  const reference = { step: live.step, values: aspect.values(live), other: aspect.outOf?.(live) };
  return prepare(aspect.metric, reference, { ticks, alpha: ALPHA / count });
}

/** What a comparison of equal length would see, before it is run: "p95 from ×1.3". */
export function wouldSee(live: LoadSeries, tolerate: Tolerance, closed: boolean): string {
  const reference = settled(live);
  const all = aspects(tolerate, reference, closed);
  return all
    .filter(({ outOf }) => outOf === null)
    .map((aspect) => {
      const { refused, visible } = prepared(aspect, reference, reference.requests.length, all.length);
      const from = aspect.metric.worse === 'up' ? visible.up : visible.down;
      return `${aspect.metric.name} ${refused !== null || from === null ? 'nothing' : `from ×${Number(from.toPrecision(3))}`}`;
    })
    .join(', ');
}

/** What came of comparing one script. */
export interface Compared {
  script: string;
  /** The version, and when it was tested; ISO 8601. */
  with: { version: string | null; at: string };
  verdicts: Verdict[];
  /** The metrics that are proven to be worse than tolerated. */
  worse: string[];
  live: LoadSeries;
}

/** Holds a run against the live version's. */
export function compare(
  now: LoadSeries,
  against: { run: LoadRun; series: LoadSeries },
  tolerate: Tolerance,
  closed: boolean,
): Compared {
  const [watched, reference] = alike(now, against.series).map(settled) as [LoadSeries, LoadSeries];
  const all = aspects(tolerate, watched, closed);
  const judged = all.map((aspect) => {
    const run = prepared(aspect, reference, watched.requests.length, all.length).begin();
    const outOf = aspect.outOf?.(watched);
    aspect.values(watched).forEach((value, tick) => void run.look(value, outOf?.[tick]));
    const verdict = run.verdict();
    return { verdict, beyond: isBeyond(verdict, aspect, reference) };
  });
  const { version, at } = against.run;
  return {
    script: now.script,
    with: { version, at },
    verdicts: judged.map(({ verdict }) => verdict),
    worse: judged.filter(({ beyond }) => beyond).map(({ verdict }) => verdict.metric),
    live: against.series,
  };
}

/** True where the nearer end of the interval is beyond what is tolerated: not only a difference is proven, but a harm. */
function isBeyond({ alarm, side, scale, interval, level }: Verdict, aspect: Aspect, live: LoadSeries): boolean {
  const { tolerate, worse } = aspect.metric;
  if (alarm === null || side !== worse || interval === null) return false;
  const [low, high] = interval;
  if (side === 'down') return scale === 'factor' && high < tolerate.down;
  if (aspect.outOf !== null) {
    const sum = (values: readonly (number | null)[]) =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    const share = Math.max(sum(live.failed), 0.5) / Math.max(1, sum(live.requests));
    return low * share > Math.max(FAILED_SHARE, tolerate.up * share);
  }
  const bearable = Math.max((level ?? 0) * (tolerate.up - 1), tolerate.absolute ?? 0);
  return scale === 'difference' ? low > bearable : low > 1 + bearable / Math.max(level ?? 0, Number.MIN_VALUE);
}

/** One sentence on one script: what is worse, what changed within what is tolerated, what could not be told. */
export function comparisonInWords({ script, with: { version }, verdicts, worse }: Compared): string {
  const than = version ?? 'the live version';
  const told = (some: readonly Verdict[]) => some.map(({ sentence }) => sentence).join('; ');
  if (worse.length > 0) {
    return `${script} bears load worse than ${than}: ${told(verdicts.filter(({ metric }) => worse.includes(metric)))}`;
  }
  const changed = verdicts.filter(({ outcome }) => outcome === 'failed');
  const open = verdicts.filter(({ outcome }) => outcome === 'inconclusive');
  const parts = [
    ...(changed.length > 0 ? [`changed, and no harm beyond what is tolerated is proven: ${told(changed)}`] : []),
    ...(open.length > 0 ? [`could not be told: ${told(open)}`] : []),
  ];
  return parts.length === 0 ? `${script} bears load as ${than} does` : `${script} against ${than}: ${parts.join('; ')}`;
}
