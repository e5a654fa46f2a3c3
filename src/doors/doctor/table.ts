/** The doctor's table for a terminal: aligned, at most as wide as it is, and without what a terminal would obey. Pure. */
import { printable } from '../terminal.ts';
import { wrapped } from '../wrap.ts';
import type { Finding } from './finding.ts';

/** The longest text of one cell, in UTF-16 units; names come from outside and may be of any length. */
const LONGEST = 600;

const STATES = ['missing', 'unknown', 'advice', 'ok'] as const;

/** The lines of the table, with a summary last. `columns` is the width of the terminal; undefined where there is none. */
export function tableLines(rows: readonly Finding[], columns: number | undefined): string[] {
  const heads = [...new Set(rows.map((row) => row.about))];
  const groups = heads.flatMap((about) => [
    cell(about),
    ...rows.filter((row) => row.about === about).flatMap((row) => rowLines(row, columns)),
    '',
  ]);
  return [...groups, summary(rows)];
}

function rowLines({ state, asked, found, next }: Finding, columns: number | undefined): string[] {
  const line = (label: string, text: string) => wrapped(`  ${label.padEnd(9)}${cell(text)}`, 11, columns);
  if (state === 'ok') return [line('ok', `${asked}: ${found}`)];
  const does = state === 'unknown' ? 'to know' : state === 'advice' ? 'could be' : 'change';
  return [line(state, asked), line('', `found: ${found}`), ...(next ? [line('', `${does}: ${next}`)] : [])];
}

function summary(rows: readonly Finding[]): string {
  const counts = STATES.map((state) => `${rows.filter((row) => row.state === state).length} ${state}`);
  return counts.join(', ');
}

/** One line of text from anywhere. */
function cell(text: string): string {
  const line = printable(text.replace(/\s+/g, ' ')).trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
