/** A watch for people: numbers, small graphs, tables, the picture of the deciding metric. Pure. */
import { inWords } from '../duration/duration.ts';
import { escapeMarkdown, escapeMermaid, markdownTable } from '../escape/escape.ts';
import type { Prepared, Verdict, Visible } from '../judge/judge.ts';

const BARS = '▁▂▃▄▅▆▇█';
const MOST_BARS = 20;
/** Mermaid draws a line of so many points before the axis becomes unreadable. */
const MOST_POINTS = 40;

/** The last values as a small graph of at most `most` bars; a gap is a dot. */
export function sparkline(values: readonly (number | null)[], most = MOST_BARS): string {
  const shown = values.slice(-most);
  const known = shown.filter((value) => value !== null);
  const top = Math.max(...known, 0);
  const bottom = Math.min(...known, 0);
  return shown
    .map((value) =>
      value === null
        ? '·'
        : BARS[top === bottom ? 0 : Math.round(((value - bottom) / (top - bottom)) * (BARS.length - 1))]!,
    )
    .join('');
}

/** Three digits at most: 0.31, 12.4, 1240. */
export function figure(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** "a rise to ×1.31 or a fall to ×0.72". */
export function visibleInWords(visible: Visible, worse: 'up' | 'down' | 'either'): string {
  const parts = [
    ...(worse !== 'down' ? [visible.up === null ? 'no rise' : `a rise to ×${figure(visible.up)}`] : []),
    ...(worse !== 'up' ? [visible.down === null ? 'no fall' : `a fall to ×${figure(visible.down)}`] : []),
  ];
  return parts.join(' or ');
}

/** The factors that a watch sees, on the sides that harm: "×1.31" or "×1.31/×0.72"; a dash where it sees none. */
export function factorsInWords(visible: Visible, worse: 'up' | 'down' | 'either'): string {
  const sides = [...(worse !== 'down' ? [visible.up] : []), ...(worse !== 'up' ? [visible.down] : [])];
  return sides.map((factor) => (factor === null ? '–' : `×${figure(factor)}`)).join('/');
}

/** Rows of cells as lines whose columns stand below each other. */
export function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 0)), []);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

/** A level with its unit: per minute for what is counted. */
export function levelInWords(prepared: Prepared, step: number): string {
  if (prepared.level === null) return 'unknown';
  const counted = prepared.metric.kind === 'count' || prepared.metric.kind === 'money';
  return counted ? `${figure((prepared.level * 60_000) / step)}/min` : figure(prepared.level);
}

/** One row a metric: what was found, how sure, and what could not have been seen. */
export function verdictTable(verdicts: readonly Verdict[], worse: (name: string) => 'up' | 'down' | 'either'): string {
  const sign = (verdict: Verdict) => (verdict.scale === 'factor' ? '×' : '');
  return markdownTable(
    ['Metric', 'Critical', 'Verdict', 'Against before', '95 % limits', 'Could see (80 %)'],
    verdicts.map((verdict) => [
      verdict.metric,
      verdict.critical ? 'yes' : 'no',
      `${verdict.outcome} (${verdict.code})`,
      verdict.effect === null ? '' : `${sign(verdict)}${figure(verdict.effect)}`,
      verdict.interval === null
        ? ''
        : `${sign(verdict)}${figure(verdict.interval[0])} to ${sign(verdict)}${figure(verdict.interval[1])}`,
      visibleInWords(verdict.visible, worse(verdict.metric)),
    ]),
  );
}

/** A picture's metric: its numbers, what they are held against, and the tick (from 1) of the alarm. */
export interface Picture {
  name: string;
  unit?: string | undefined;
  points: readonly { at: number; value: number | null }[];
  level: number | null;
  range: { low: number; high: number } | null;
  alarm: number | null;
}

/**
 * The deciding metric over the watch as a Mermaid chart in its fence, with the level of the reference and a bar where
 * the alarm was. Mermaid can draw no gap: ticks without a number are left out, and that is said below the axis.
 */
export function chartInMermaid({ name, unit, points, level, range, alarm }: Picture): string {
  const width = Math.ceil(points.length / MOST_POINTS);
  const groups = Array.from({ length: Math.ceil(points.length / Math.max(1, width)) }, (_, i) =>
    points.slice(i * width, (i + 1) * width).flatMap(({ value }) => value ?? []),
  );
  const full = groups.filter((group) => group.length > 0);
  const means = full.map((group) => group.reduce((sum, value) => sum + value, 0) / group.length);
  if (means.length < 2) return '';
  const step = points[1]!.at - points[0]!.at;
  const silent = points.filter(({ value }) => value === null).length;
  const below = [
    inWords(points.length * step),
    ...(alarm === null ? [] : [`alarm after ${inWords(alarm * step)}`]),
    ...(silent === 0 ? [] : [`${silent} of ${points.length} ticks gave no number and are left out`]),
  ].join(', ');
  const alarmed = alarm === null ? null : groups[Math.floor((alarm - 1) / width)];
  const flat = range === null || width > 1 ? [level] : [level, range.low, range.high];
  const levels = flat.filter((value) => value !== null);
  const top = Math.max(...means, ...levels, 0);
  const bottom = Math.min(...means, ...levels, 0);
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${escapeMermaid(unit === undefined ? name : `${name}, ${unit}`)}"`,
    `  x-axis "${escapeMermaid(below)}" 0 --> ${means.length - 1}`,
    `  y-axis ${figure(bottom)} --> ${figure(top > bottom ? top * 1.1 : bottom + 1)}`,
    ...(alarmed?.length ? [`  bar [${full.map((group) => figure(group === alarmed ? top : bottom)).join(', ')}]`] : []),
    `  line [${means.map(figure).join(', ')}]`,
    ...levels.map((value) => `  line [${means.map(() => figure(value)).join(', ')}]`),
    '```',
    '',
  ].join('\n');
}

/** Where nine of ten numbers of a reference lay; null where it has none. */
export function expectedRange(values: readonly (number | null)[]): { low: number; high: number } | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  return { low: at(0.05), high: at(0.95) };
}

/** What a reader should know of a metric besides its verdict, one item each. */
export function notesInMarkdown(notes: readonly { metric: string; text: string }[]): string {
  return notes.map(({ metric, text }) => `- ${escapeMarkdown(metric)}: ${escapeMarkdown(text)}\n`).join('');
}
