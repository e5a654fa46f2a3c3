/** What the verdicts of one watch say together. Pure. */
import type { Diagnosis, Verdict } from '../judge/judge.ts';
import type { Code, Facts, Json, Outcome } from '../outcome/outcome.ts';
import type { Silence } from './track.ts';

/** One metric at the end of a watch. */
export interface Judged {
  verdict: Verdict;
  /** What was wrong with the last tick without a number. */
  silence: Silence | null;
  /** Hosts of the environment that ended during the watch. */
  gone: readonly string[];
  /** Hosts that stand out among their like. */
  hosts: readonly Diagnosis[];
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
  const sentence = (i: number) => `${label}: ${judged[i]!.verdict.sentence}${hostsInWords(judged[i]!)}`;
  if (failed >= 0) return worse(sentence(failed), failed);
  if (together !== null) {
    const first = judged[together]!.verdict.sentence;
    return worse(`${label}: the critical metrics together are proven worse, first of all ${first}`, together);
  }
  const silent = find(({ verdict }) => verdict.code === 'metric-silent');
  if (silent >= 0) return mute(sentence(silent), judged[silent]!.silence, silent);
  const unsure = find(({ verdict }) => verdict.outcome === 'inconclusive');
  if (unsure >= 0)
    return {
      outcome: 'inconclusive',
      code: 'metric-unsure',
      summary: sentence(unsure),
      deciding: unsure,
      next: UNSURE,
    };
  const short = find(({ gone }) => gone.length > 0);
  if (short >= 0) {
    const summary = `${label}: ${judged[short]!.gone.join(', ')} ended during the watch; of the others ${judged[short]!.verdict.sentence}`;
    return { outcome: 'inconclusive', code: 'metric-silent', summary, deciding: short, next: GONE };
  }
  const first = Math.max(
    0,
    find(() => true),
  );
  return {
    outcome: 'passed',
    code: 'ok',
    summary: `${label}: ${passedInWords(judged)}`,
    deciding: judged.length > 0 ? first : -1,
    next: null,
  };
}

const ASK =
  'let a person decide: with the input override (`--override "why"`) an undecided watch passes, and the reason stands in the ledger';
const UNSURE = `watch for longer (\`for: { min: 5m, max: 30m }\`), tolerate more (\`tolerate\`), or ${ASK}`;
const GONE = `see what became of that host; where it was meant to go, watch again or ${ASK}`;

function worse(summary: string, deciding: number): Conclusion {
  const next = 'take the version back (`changeline rollback`), then look for the cause';
  return { outcome: 'failed', code: 'metric-worse', summary, deciding, next };
}

/** A source that erred has its own code; any other silence is silence. */
function mute(sentence: string, silence: Silence | null, deciding: number): Conclusion {
  return {
    outcome: 'inconclusive',
    code: silence?.code ?? 'metric-silent',
    summary: `${sentence}${silence ? ` (${silence.why})` : ''}`,
    deciding,
    next: `see why the source of this metric is silent, then watch again; or ${ASK}`,
  };
}

function hostsInWords({ hosts }: Judged): string {
  return hosts.length > 0 ? `; ${hosts.map(({ sentence }) => sentence).join('; ')}` : '';
}

function passedInWords(judged: readonly Judged[]): string {
  const critical = judged.filter(({ verdict }) => verdict.critical).length;
  const worse = judged
    .filter(({ verdict }) => !verdict.critical && verdict.outcome === 'failed')
    .map((one) => `${one.verdict.sentence}${hostsInWords(one)}`);
  const harm =
    critical === 0
      ? 'no metric that was watched is critical, so nothing could stop the change'
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
  return judged.map(({ verdict: v, silence, gone, hosts }) => {
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
      'why-without-number': v.silent > 0 ? (silence?.why ?? null) : null,
      visible: { up: round(v.visible.up), down: round(v.visible.down) },
      missing: v.missing && { amount: round(v.missing.amount), low: round(v.missing.low), high: round(v.missing.high) },
      'hosts-gone': [...gone],
      'hosts-standing-out': hosts.map(({ host, side, effect }) => ({ host, side, effect: round(effect) })),
    };
  });
}
