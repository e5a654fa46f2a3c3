/** The line as a picture: SVG for the report, Mermaid for a job summary (which renders no SVG). Pure. */
import { inWords } from '../duration/duration.ts';
import { escapeHtml, escapeMermaid } from '../escape/escape.ts';
import { LOOKS } from './figures.ts';
import type { Station } from './story.ts';

const [STEP, RADIUS, AXIS, HEIGHT] = [118, 17, 64, 138];

/** Stations on a horizontal track; an arrow goes back from where a change was turned back to where it went live. */
export function trackInSvg(stations: readonly Station[], turnedBack: boolean): string {
  const width = stations.length * STEP;
  const top = turnedBack ? 0 : 28;
  const words = stations.map((station) => `${station.verb} ${lookOf(station).word}`).join(', ');
  return [
    `<svg class="track" viewBox="0 ${top} ${width} ${HEIGHT - top}" width="${width}" height="${HEIGHT - top}" role="img" aria-labelledby="track-title track-desc">`,
    '<title id="track-title">The line</title>',
    `<desc id="track-desc">${escapeHtml(words)}${turnedBack ? '; then turned back' : ''}</desc>`,
    ...stations.slice(1).map((station, index) => rail(station, index)),
    ...stations.map(stationInSvg),
    turnedBack ? wayBack(stations) : '',
    '</svg>',
  ].join('');
}

function rail(to: Station, index: number): string {
  const tone = to.outcome === null ? 'ahead' : 'behind';
  const [from, until] = [centre(index) + RADIUS + 4, centre(index + 1) - RADIUS - 4];
  return `<line class="rail ${tone}" x1="${from}" x2="${until}" y1="${AXIS}" y2="${AXIS}"/>`;
}

function stationInSvg(station: Station, index: number): string {
  const { tone, sign, word } = lookOf(station);
  const x = centre(index);
  const took = station.event?.took === undefined ? '' : inWords(station.event.took);
  return [
    `<g class="station ${tone}"><circle cx="${x}" cy="${AXIS}" r="${RADIUS}"/>`,
    `<text class="sign" x="${x}" y="${AXIS}" dy="6" text-anchor="middle">${sign}</text>`,
    `<text class="verb" x="${x}" y="${AXIS + 37}" text-anchor="middle">${escapeHtml(station.verb)}</text>`,
    `<text class="word" x="${x}" y="${AXIS + 54}" text-anchor="middle">${word}</text>`,
    `<text class="took" x="${x}" y="${AXIS + 70}" text-anchor="middle">${took}</text></g>`,
  ].join('');
}

function wayBack(stations: readonly Station[]): string {
  const stop = stations.findIndex(
    ({ outcome }) => outcome !== null && LOOKS[outcome].tone !== 'good' && outcome !== 'skipped',
  );
  const live = stations.findIndex(({ verb }) => verb === 'deploy');
  if (stop <= 0 || live < 0 || live >= stop) return '';
  const [from, to, y] = [centre(stop), centre(live), AXIS - RADIUS - 4];
  return [
    `<path class="back" d="M${from} ${y}C${from} ${y - 36} ${to} ${y - 36} ${to} ${y}"/>`,
    `<path class="back-head" d="M${to - 5} ${y - 9}L${to} ${y + 1}L${to + 6} ${y - 8}Z"/>`,
    `<text class="back-label" x="${(from + to) / 2}" y="${y - 31}" text-anchor="middle">turned back</text>`,
  ].join('');
}

function centre(index: number): number {
  return index * STEP + STEP / 2;
}

function lookOf(station: Station): (typeof LOOKS)['none'] {
  return LOOKS[station.outcome ?? 'none'];
}

const FILLS: Record<string, string> = {
  good: 'fill:#1a7f37,color:#fff,stroke:#1a7f37',
  bad: 'fill:#cf222e,color:#fff,stroke:#cf222e',
  unsure: 'fill:#9a6700,color:#fff,stroke:#9a6700',
  quiet: 'fill:#6e7781,color:#fff,stroke:#6e7781',
};

/** The same as a Mermaid flowchart in its Markdown fence; empty where there is no station. */
export function trackInMermaid(stations: readonly Station[]): string {
  if (stations.length === 0) return '';
  const nodes = stations.map((station, index) => {
    const { tone, sign, word } = lookOf(station);
    return `  s${index}["${escapeMermaid(station.verb)}<br>${escapeMermaid(`${sign} ${word}`.trim())}"]:::${tone}`;
  });
  const order = stations.map((_, index) => `s${index}`).join(' --> ');
  const classes = Object.entries(FILLS).map(([tone, style]) => `  classDef ${tone} ${style}`);
  return ['```mermaid', 'flowchart LR', ...nodes, `  ${order}`, ...classes, '```', ''].join('\n');
}
