/** The result of a load test for people and for the ledger. Pure. */
import { escapeMarkdown } from '../escape/escape.ts';
import type { Facts, Json } from '../outcome/outcome.ts';
import type { Measured, Threshold } from './summary.ts';
import type { ScriptResult } from './verdict.ts';

/** One line: what failed and why, else `2 scripts, 1,204 requests, p95 12 ms, 0 failed`. */
export function resultInWords(results: readonly ScriptResult[]): string {
  const bad = results.filter((result) => result.why !== null);
  if (bad.length > 0) return bad.map((result) => `${result.script}: ${result.why}`).join('; ');
  const measured = results.flatMap((result) => result.measured ?? []);
  const sum = (key: 'requests' | 'failed' | 'dropped') => measured.reduce((total, one) => total + one[key], 0);
  const slowest = Math.max(...measured.map((one) => one.p95 ?? -1));
  const parts = [
    counted(results.length, 'script'),
    counted(sum('requests'), 'request'),
    ...(slowest < 0 ? [] : [`p95 ${inMilliseconds(slowest)}`]),
    `${whole(sum('failed'))} failed`,
    ...(sum('dropped') > 0 ? [`${counted(sum('dropped'), 'iteration')} dropped`] : []),
  ];
  return parts.join(', ');
}

/** What a person should know although the scripts passed. Plain text. */
export function remarksOn(results: readonly ScriptResult[]): string[] {
  return results.flatMap(({ script, outcome, measured, busy }) => {
    if (outcome !== 'passed' || !measured) return [];
    const remarks = [];
    const fails = measured.checks.reduce((total, check) => total + check.fails, 0);
    if (fails > 0 && !measured.thresholds.some(({ metric }) => metric.startsWith('checks'))) {
      remarks.push(`${script}: ${whole(fails)} checks failed, and no threshold on checks judges that`);
    }
    if (measured.dropped > 0) {
      remarks.push(
        `${script}: ${whole(measured.dropped)} iterations were dropped; the load was smaller than asked for`,
      );
    }
    if (busy > BUSY) remarks.push(`${script}: ${saturated(busy)}`);
    return remarks;
  });
}

/** From here on what is measured may be the generator's own slowness. */
const BUSY = 0.95;

/** Why latencies of a run are to be doubted, in words; null where the machine had time to spare. */
export function doubtOf({ busy }: Pick<ScriptResult, 'busy'>): string | null {
  return busy > BUSY ? saturated(busy) : null;
}

function saturated(busy: number): string {
  return `this machine's processors were ${share(busy)} busy: the generator itself may have been too slow`;
}

/** Rows of one table. */
const ROWS_AT_MOST = 50;
/** Checks of one script in its facts, which stand in outputs and in the ledger. */
const CHECKS_AT_MOST = 20;

/** One row a script, then one a threshold, then one a check that failed; escaped. What is too much is counted. */
export function resultInMarkdown(results: readonly ScriptResult[]): string {
  const scripts = results.map(({ script, outcome, code, measured }) => {
    const numbers = measured
      ? [
          whole(measured.requests),
          `${measured.rate.toFixed(1)}/s`,
          share(measured.failedShare),
          p95(measured),
          whole(measured.iterations),
        ]
      : ['', '', '', '', ''];
    return [script, outcome === 'passed' ? 'passed' : code, ...numbers];
  });
  const thresholds = results.flatMap(({ script, measured }) =>
    crossedFirst(measured?.thresholds ?? []).map((one) => [
      script,
      `${one.metric} ${one.expression}`,
      measuredValue(one),
      one.crossed ? 'crossed' : 'held',
    ]),
  );
  const checks = results.flatMap(({ script, measured }) =>
    worstFirst(measured?.checks ?? [])
      .filter(({ fails }) => fails > 0)
      .map(({ name, passes, fails }) => [script, name, whole(fails), whole(passes)]),
  );
  return [
    ...table(
      ['script', 'result', 'requests', 'rate', 'failed', 'p95', 'iterations'],
      '|---|---|--:|--:|--:|--:|--:|',
      scripts,
    ),
    ...table(['script', 'threshold', 'measured', ''], '|---|---|--:|---|', thresholds),
    ...table(['script', 'check', 'failed', 'passed'], '|---|---|--:|--:|', checks),
  ].join('\n');
}

function table(head: readonly string[], rule: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length - ROWS_AT_MOST;
  const rest = more > 0 ? ['', `and ${whole(more)} more`] : [];
  return [`| ${head.join(' | ')} |`, rule, ...rows.slice(0, ROWS_AT_MOST).map(row), ...rest, ''];
}

function crossedFirst(thresholds: readonly Threshold[]): Threshold[] {
  return thresholds.toSorted((a, b) => Number(b.crossed) - Number(a.crossed));
}

function worstFirst(checks: Measured['checks']): Measured['checks'] {
  return checks.toSorted((a, b) => b.fails - a.fails);
}

/** One script's result as facts: its form is described in the README of the action. */
export function factsOf({ script, outcome, code, why, took, thrown, measured, busy }: ScriptResult): Facts {
  return {
    script,
    outcome,
    code,
    why,
    took: Math.round(took),
    thrown,
    busy: Number(busy.toFixed(3)),
    ...(measured ? numbersOf(measured) : {}),
  };
}

function numbersOf(measured: Measured): Facts {
  const { requests, rate, failed, failedShare, iterations, dropped } = measured;
  const worst = worstFirst(measured.checks).slice(0, CHECKS_AT_MOST);
  return {
    requests,
    rate,
    failed,
    failedShare,
    p95: measured.p95,
    iterations,
    dropped,
    checks: worst.map((check): Json => ({ ...check })),
    checksLeftOut: measured.checks.length - worst.length,
    thresholds: crossedFirst(measured.thresholds)
      .slice(0, ROWS_AT_MOST)
      .map((threshold): Json => ({ ...threshold })),
  };
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escapeMarkdown).join(' | ')} |`;
}

function p95(measured: Measured): string {
  return measured.p95 === null ? '' : inMilliseconds(measured.p95);
}

function inMilliseconds(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(1)) : whole(Math.round(ms))} ms`;
}

function share(part: number): string {
  return `${Number((part * 100).toFixed(2))} %`;
}

function counted(count: number, thing: string): string {
  return `${whole(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function whole(count: number): string {
  return count.toLocaleString('en');
}

function measuredValue({ value }: Threshold): string {
  return value === null ? '' : String(Number(value.toPrecision(4)));
}
