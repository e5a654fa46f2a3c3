/** A metric over the time of a watch, as SVG: its points, what was expected, and when the version flipped. Pure. */

import { escapeHtml } from '../escape/escape.ts';
import type { Chart } from '../outcome/outcome.ts';
import { clock, figure, ticks } from './figures.ts';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [950, 250, 64, 16, 34, 28];

const EMPTY = 60;

/** The SVG; its title and description say in words what it shows. `id` must be unique on the page. */
export function chartInSvg(chart: Chart, id: string): string {
  const scale = scaleOf(chart);
  const unit = chart.unit ? ` (${escapeHtml(chart.unit)})` : '';
  return [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${scale === null ? EMPTY : HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${escapeHtml(chart.metric)}${unit}</title>`,
    `<desc id="${id}-desc">${escapeHtml(inWords(chart))}</desc>`,
    ...(scale === null
      ? [`<text class="none" x="${WIDTH / 2}" y="${EMPTY / 2}" text-anchor="middle">no values came</text>`]
      : [grid(scale), expected(chart, scale), marks(chart, scale), series(chart, scale), gaps(chart, scale)]),
    '</svg>',
  ].join('');
}

/** What the picture shows, for those who do not see it. */
export function inWords({ points, reference, marks: moments, verdict }: Chart): string {
  const values = points.flatMap(({ value }) => (isNumber(value) ? [value] : []));
  const seen = values.length
    ? `${values.length} values from ${figure(Math.min(...values))} to ${figure(Math.max(...values))}, the last ${figure(values.at(-1)!)}`
    : 'no values';
  const silent = points.length - values.length;
  const parts = [
    seen,
    silent ? `${silent} without an answer` : '',
    reference
      ? `expected ${figure(reference.level)}, between ${figure(reference.low)} and ${figure(reference.high)}`
      : 'no reference',
    ...moments.map(({ at, label }) => `${label} at ${clock(at)} UTC`),
    `verdict: ${verdict}`,
  ];
  return parts.filter(Boolean).join('; ');
}

interface Scale {
  x(at: number): number;
  y(value: number): number;
  levels: number[];
  from: number;
  to: number;
}

function scaleOf({ points, reference, marks: moments }: Chart): Scale | null {
  const values = points.flatMap(({ value }) => (isNumber(value) ? [value] : []));
  if (values.length === 0) return null;
  if (reference) values.push(...[reference.level, reference.low, reference.high].filter(isNumber));
  const times = [...points, ...moments].map(({ at }) => at);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const levels = ticks(Math.min(...values), Math.max(...values));
  const [low, high] = [levels[0]!, levels.at(-1)!];
  return {
    x: (at) => LEFT + ((at - from) / (to - from || 1)) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM),
    levels,
    from,
    to,
  };
}

function grid({ y, levels, from, to }: Scale): string {
  const lines = levels.map((level) => {
    const at = y(level).toFixed(1);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="tick" x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${figure(level)}</text>`;
  });
  const foot = HEIGHT - 8;
  lines.push(`<text class="tick" x="${LEFT}" y="${foot}">${clock(from)}</text>`);
  lines.push(`<text class="tick" x="${WIDTH - RIGHT}" y="${foot}" text-anchor="end">${clock(to)} UTC</text>`);
  return lines.join('');
}

function expected({ reference }: Chart, { y }: Scale): string {
  if (reference === null) return '';
  const width = WIDTH - LEFT - RIGHT;
  const level = `<line class="level" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(reference.level).toFixed(1)}" y2="${y(reference.level).toFixed(1)}"/>`;
  if (!isNumber(reference.low) || !isNumber(reference.high)) return level;
  const top = y(reference.high);
  const height = Math.max(y(reference.low) - top, 1);
  return `<rect class="band" x="${LEFT}" y="${top.toFixed(1)}" width="${width}" height="${height.toFixed(1)}"/>${level}`;
}

/** Lines first, labels over them. */
function marks({ marks: moments }: Chart, { x }: Scale): string {
  const lines = moments.map(({ at }) => {
    const left = x(at).toFixed(1);
    return `<line class="mark" x1="${left}" x2="${left}" y1="${TOP - 26}" y2="${HEIGHT - BOTTOM}"/>`;
  });
  const labels = moments.map(({ at, label }, index) => {
    const onRight = x(at) < WIDTH * 0.7;
    const left = (x(at) + (onRight ? 5 : -5)).toFixed(1);
    const top = TOP - 20 + (index % 2) * 14;
    return `<text class="mark-label" x="${left}" y="${top}" text-anchor="${onRight ? 'start' : 'end'}">${escapeHtml(label)}</text>`;
  });
  return [...lines, ...labels].join('');
}

/** A line that breaks where a value is missing: what was not seen is not drawn. */
function series({ points }: Chart, { x, y }: Scale): string {
  let path = '';
  let drawing = false;
  const dots: string[] = [];
  for (const { at, value } of points) {
    if (!isNumber(value)) {
      drawing = false;
      continue;
    }
    const [left, top] = [x(at).toFixed(1), y(value).toFixed(1)];
    path += `${drawing ? 'L' : 'M'}${left} ${top}`;
    drawing = true;
    if (points.length <= 120) dots.push(`<circle class="dot" cx="${left}" cy="${top}" r="2.5"/>`);
  }
  return `<path class="series" d="${path}"/>${dots.join('')}`;
}

function gaps({ points }: Chart, { x }: Scale): string {
  const silent = points.filter(({ value }) => !isNumber(value));
  const foot = HEIGHT - BOTTOM;
  return silent
    .map(({ at }) => `<text class="gap" x="${x(at).toFixed(1)}" y="${foot - 3}" text-anchor="middle">×</text>`)
    .join('');
}

function isNumber(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}
