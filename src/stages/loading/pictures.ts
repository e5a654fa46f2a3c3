/** Load tests as pictures: p95 over the versions, and this run over the live version's. Pure. */
import { escapeMarkdown, escapeMermaid } from '../../escape/escape.ts';
import type { LoadRun, LoadSeries } from '../../ledger/ledger.ts';
import type { Chart } from '../../outcome/outcome.ts';
import { alike, type Compared, comparisonInWords } from './comparison.ts';

/** Scripts that get pictures of their own. */
const DRAWN_AT_MOST = 3;
/** Mermaid's axis becomes unreadable with more points. */
const MOST_POINTS = 40;

/** The p95 of a whole run in milliseconds: the mean of its ticks, weighted with their requests; null without requests. */
export function typicalP95({ requests, p95 }: LoadSeries): number | null {
  const known = p95.flatMap((value, tick) => (value === null ? [] : [{ value, weight: requests[tick] ?? 0 }]));
  const weight = known.reduce((sum, one) => sum + one.weight, 0);
  return weight === 0 ? null : known.reduce((sum, one) => sum + one.value * one.weight, 0) / weight;
}

/** Markdown for the job summary: what the comparison found, with pictures of the first scripts; escaped. */
export function loadInMarkdown(
  version: string | null,
  series: readonly LoadSeries[],
  compared: readonly Compared[],
  loads: readonly LoadRun[],
): string {
  const words = compared.map((one) => `- ${escapeMarkdown(comparisonInWords(one))}`);
  const pictures = series.slice(0, DRAWN_AT_MOST).flatMap((now) => {
    const live = compared.find(({ script }) => script === now.script);
    return [trend(version, now, loads), live ? overlaid(now, live) : ''];
  });
  return [words.join('\n'), ...pictures].filter(Boolean).join('\n\n');
}

/** p95 over the kept versions, oldest first; empty where this is the first run. */
function trend(version: string | null, now: LoadSeries, loads: readonly LoadRun[]): string {
  const before = loads.toReversed().flatMap((run) => {
    const series = run.scripts.find(({ script, load }) => script === now.script && load === now.load);
    const value = series ? typicalP95(series) : null;
    return value === null ? [] : [{ label: run.version ?? run.at.slice(0, 10), value }];
  });
  const value = typicalP95(now);
  if (before.length === 0 || value === null) return '';
  const all = [...before, { label: version ?? 'now', value }];
  return fenced([
    `title "p95 of ${escapeMermaid(now.script)}, in ms"`,
    `x-axis [${all.map(({ label }) => `"${escapeMermaid(label)}"`).join(', ')}]`,
    `y-axis 0 --> ${figure(1.1 * Math.max(...all.map((one) => one.value), 0.1))}`,
    `bar [${all.map((one) => figure(one.value)).join(', ')}]`,
  ]);
}

/** Both runs over their time; empty where one of them has too few ticks for a line. */
function overlaid(run: LoadSeries, { live, with: { version } }: Compared): string {
  const both = alike(run, live);
  const [now] = both;
  const width = Math.ceil(Math.max(...both.map(({ p95 }) => p95.length)) / MOST_POINTS);
  const lines = both.map(({ p95 }) => thinned(p95, width));
  const length = Math.min(...lines.map((line) => line.length));
  if (length < 2) return '';
  const [own, other] = lines.map((line) => line.slice(0, length)) as [number[], number[]];
  const seconds = figure(length * width * now.step);
  return fenced([
    `title "p95 of ${escapeMermaid(now.script)} in ms, this run and then ${escapeMermaid(version ?? 'the live version')}"`,
    `x-axis "${seconds} s" 0 --> ${length - 1}`,
    `y-axis 0 --> ${figure(1.1 * Math.max(...own, ...other, 0.1))}`,
    `line [${own.map(figure).join(', ')}]`,
    `line [${other.map(figure).join(', ')}]`,
  ]);
}

function thinned(values: readonly (number | null)[], width: number): number[] {
  return Array.from({ length: Math.ceil(values.length / width) }, (_, i) =>
    values.slice(i * width, (i + 1) * width).flatMap((value) => value ?? []),
  )
    .filter((group) => group.length > 0)
    .map((group) => group.reduce((sum, value) => sum + value, 0) / group.length);
}

function fenced(lines: readonly string[]): string {
  return ['```mermaid', 'xychart-beta', ...lines.map((line) => `  ${line}`), '```'].join('\n');
}

/** The p95 of each script for the HTML report, with the live version's level where it is compared; the worse first. */
export function chartsOf(series: readonly LoadSeries[], compared: readonly Compared[], began: number): Chart[] {
  const worse = (script: string) => compared.some((one) => one.script === script && one.worse.length > 0);
  return series
    .toSorted((a, b) => Number(worse(b.script)) - Number(worse(a.script)))
    .slice(0, DRAWN_AT_MOST)
    .map((now) => {
      const live = compared.find(({ script }) => script === now.script);
      return {
        metric: `p95 of ${now.script}`,
        unit: 'ms',
        points: now.p95.map((value, tick) => ({ at: Math.round(began + (tick + 1) * now.step * 1000), value })),
        reference: live ? band(live.live) : null,
        marks: [],
        verdict: live ? comparisonInWords(live) : 'not compared',
      };
    });
}

/** The live version's level and the middle nine tenths of its ticks. */
function band({ p95 }: LoadSeries): Chart['reference'] {
  const known = p95.filter((value) => value !== null).sort((a, b) => a - b);
  if (known.length === 0) return null;
  const at = (part: number) => known[Math.round(part * (known.length - 1))]!;
  return { level: known.reduce((sum, value) => sum + value, 0) / known.length, low: at(0.05), high: at(0.95) };
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
