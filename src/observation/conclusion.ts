/** What the verdicts of one watch say together. Pure. */
import type { Verdict } from '../judge/judge.ts';
import type { Code, Facts, Json, Outcome } from '../outcome/outcome.ts';

/** One metric at the end of a watch. `broken` is the last error of its source. */
export interface Judged {
  verdict: Verdict;
  silence: string | null;
  broken: boolean;
}

/** The verdict on the watch; `deciding` is the index of the metric that decided, -1 where there is none. */
export interface Conclusion {
  outcome: Extract<Outcome, 'passed' | 'failed' | 'inconclusive'>;
  code: Code;
  summary: string;
  deciding: number;
  next: string | null;
}

/** Critical metrics decide: the worst of them. `together` is the index that leads where only all together are worse. */
export function conclude(label: string, judged: readonly Judged[], together: number | null): Conclusion {
  const find = (wanted: (one: Judged) => boolean) => judged.findIndex((one) => one.verdict.critical && wanted(one));
  const failed = find(({ verdict }) => verdict.outcome === 'failed');
  const sentence = (i: number) => `${label}: ${judged[i]!.verdict.sentence}`;
  if (failed >= 0)
    return {
      outcome: 'failed',
      code: 'metric-worse',
      summary: sentence(failed),
      deciding: failed,
      next: 'take the version back (`changeline rollback`), then look for the cause',
    };
  if (together !== null) {
    const summary = `${label}: the critical metrics together are proven worse, first of all ${judged[together]!.verdict.sentence}`;
    return {
      outcome: 'failed',
      code: 'metric-worse',
      summary,
      deciding: together,
      next: 'take the version back (`changeline rollback`), then look for the cause',
    };
  }
  const silent = find(({ verdict }) => verdict.code === 'metric-silent');
  if (silent >= 0) {
    const { broken, silence } = judged[silent]!;
    const code = broken ? 'metric-error' : 'metric-silent';
    return {
      outcome: 'inconclusive',
      code,
      summary: `${sentence(silent)}${silence ? ` (${silence})` : ''}`,
      deciding: silent,
      next: 'see why the source of this metric is silent, then watch again',
    };
  }
  const unsure = find(({ verdict }) => verdict.outcome === 'inconclusive');
  if (unsure >= 0)
    return {
      outcome: 'inconclusive',
      code: 'metric-unsure',
      summary: sentence(unsure),
      deciding: unsure,
      next: 'watch for longer (`changeline watch --for 15m`), or let a person decide',
    };
  return {
    outcome: 'passed',
    code: 'ok',
    summary: `${label}: ${passedInWords(judged)}`,
    deciding:
      judged.length > 0
        ? Math.max(
            0,
            find(() => true),
          )
        : -1,
    next: null,
  };
}

function passedInWords(judged: readonly Judged[]): string {
  const critical = judged.filter(({ verdict }) => verdict.critical).length;
  const worse = judged
    .filter(({ verdict }) => !verdict.critical && verdict.outcome === 'failed')
    .map(({ verdict }) => verdict.sentence);
  const harm =
    critical === 0
      ? 'no metric is critical, so nothing could stop the change'
      : `no harm in ${critical} critical metric${critical === 1 ? '' : 's'}`;
  return worse.length > 0 ? `${harm}; worse, but not critical: ${worse.join('; ')}` : harm;
}

/** What was lost, where counts or money are proven to have fallen: a sentence each, with its limits. */
export function impactOf(judged: readonly Judged[]): string[] {
  const round = (value: number) => (value < 100 ? Number(value.toPrecision(2)) : Math.round(value));
  return judged.flatMap(({ verdict: { metric, missing, outcome } }) =>
    outcome === 'failed' && missing !== null && missing.low > 0
      ? [
          `${metric}: about ${round(missing.amount)} fewer than expected (${round(missing.low)} to ${round(missing.high)})`,
        ]
      : [],
  );
}

/** The verdicts as facts: rounded, without the series. */
export function verdictFacts(judged: readonly Judged[]): Facts[] {
  return judged.map(({ verdict: v, silence }) => {
    const round = (value: number | null): Json =>
      value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
    return {
      metric: v.metric,
      critical: v.critical,
      outcome: v.outcome,
      code: v.code,
      side: v.side,
      'alarm-tick': v.alarm,
      scale: v.scale,
      effect: round(v.effect),
      interval: v.interval?.map(round) ?? null,
      level: round(v.level),
      ticks: v.ticks,
      'ticks-without-number': v.silent,
      'why-without-number': v.silent > 0 ? silence : null,
      visible: { up: round(v.visible.up), down: round(v.visible.down) },
      missing: v.missing && { amount: round(v.missing.amount), low: round(v.missing.low), high: round(v.missing.high) },
    };
  });
}
