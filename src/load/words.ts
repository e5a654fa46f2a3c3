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
  return results.flatMap(({ script, outcome, measured }) => {
    if (outcome !== 'passed' || !measured) return [];
    const remarks = [];
    const fails = measured.checks.reduce((total, check) => total + check.fails, 0);
    if (measured.thresholds.length === 0)
      remarks.push(`${script} has no thresholds: nothing says how slow is too slow`);
    if (fails > 0 && !measured.thresholds.some(({ metric }) => metric.startsWith('checks'))) {
      remarks.push(`${script}: ${whole(fails)} checks failed, and no threshold on checks judges that`);
    }
    if (measured.dropped > 0) {
      remarks.push(
        `${script}: ${whole(measured.dropped)} iterations were dropped; the load was smaller than asked for`,
      );
    }
    return remarks;
  });
}

/** One row a script, then one a threshold; escaped. */
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
    return row([script, outcome === 'passed' ? 'passed' : code, ...numbers]);
  });
  const thresholds = results.flatMap(({ script, measured }) =>
    (measured?.thresholds ?? []).map((one) =>
      row([script, `${one.metric} ${one.expression}`, measuredValue(one), one.crossed ? 'crossed' : 'held']),
    ),
  );
  const head = ['| script | result | requests | rate | failed | p95 | iterations |', '|---|---|--:|--:|--:|--:|--:|'];
  const second = ['', '| script | threshold | measured | |', '|---|---|--:|---|'];
  return [...head, ...scripts, ...(thresholds.length ? [...second, ...thresholds] : [])].join('\n');
}

/** One script's result as facts. */
export function factsOf({ script, outcome, code, why, took, thrown, measured }: ScriptResult): Facts {
  return {
    script,
    outcome,
    code,
    why,
    took: Math.round(took),
    thrown,
    ...(measured ? numbersOf(measured) : {}),
  };
}

function numbersOf(measured: Measured): Facts {
  const { requests, rate, failed, failedShare, iterations, dropped } = measured;
  const checks = measured.checks.map((check): Json => ({ ...check }));
  const thresholds = measured.thresholds.map((threshold): Json => ({ ...threshold }));
  return { requests, rate, failed, failedShare, p95: measured.p95, iterations, dropped, checks, thresholds };
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
