/** Facts as tables: single values in one, each list of objects (hosts, checks, metrics) in its own. Pure. */
import type { Facts, Json } from '../outcome/outcome.ts';
import { figure } from './figures.ts';
import { type Html, html } from './html.ts';

const MOST_ROWS = 200;

type Row = { [key: string]: Json };

/** Tables of all facts; null where there is none. */
export function factsInHtml(facts: Facts): Html | null {
  const entries = Object.entries(facts);
  const lists = entries.filter((entry): entry is [string, Row[]] => isTable(entry[1]));
  const single = entries.filter(([, value]) => !isTable(value));
  if (entries.length === 0) return null;
  return html`${single.length > 0 ? singles(single) : null}${lists.map(([name, rows]) => table(name, rows))}`;
}

function singles(entries: [string, Json][]): Html {
  const rows = entries.map(([key, value]) => html`<tr><th scope="row">${inWords(key)}</th>${cell(value)}</tr>`);
  return html`<div class="scroll"><table><tbody>${rows}</tbody></table></div>`;
}

function table(name: string, rows: Row[]): Html {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const shown = rows.slice(0, MOST_ROWS);
  const rest = rows.length - shown.length;
  return html`<div class="scroll"><table><caption>${inWords(name)}${rest > 0 ? ` (the first ${MOST_ROWS} of ${rows.length})` : ''}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${inWords(column)}</th>`)}</tr></thead>
<tbody>${shown.map((row) => html`<tr>${columns.map((column) => cell(row[column] ?? null))}</tr>`)}</tbody></table></div>`;
}

function cell(value: Json): Html {
  if (typeof value === 'number') return html`<td class="number">${figure(value)}</td>`;
  if (typeof value === 'object' && value !== null) return html`<td><code>${JSON.stringify(value)}</code></td>`;
  if (typeof value === 'boolean') return html`<td>${value ? 'yes' : 'no'}</td>`;
  return html`<td>${value ?? ''}</td>`;
}

function isTable(value: Json): value is Row[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
  );
}

/** liveVersion and live-version as "live version". */
function inWords(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
}
