/**
 * `npm run bench [-- name …]`: runs the modules of bench/ one after another and writes bench/results.md. Each measures
 * ours and a reference in the same run, so that the ratio means the same on every machine. Modules that were not named
 * keep the rows of their last run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';
import { root } from './tools.ts';

/** One measurement. `ours` and `reference` are medians in `unit`; `ratio` is ours to the reference. */
export interface Measured {
  name: string;
  ours: number;
  reference: number;
  ratio: number;
  unit: string;
  /** What the ratio, or ours, should be, in words: "≤ 3×". */
  aim: string;
}

/** Rows, and what does not fit into rows: Markdown that stands below them. */
export interface Told {
  rows: Measured[];
  below: string;
}

const folder = join(root, 'bench');
const results = join(folder, 'results.md');

async function bench(asked: string[]): Promise<void> {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'));
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  const sections = existsSync(results) ? sectionsOf(readFileSync(results, 'utf8')) : new Map<string, string>();
  for (const name of sections.keys()) if (!names.includes(name)) sections.delete(name);
  for (const name of asked.length > 0 ? asked : names) {
    const { run } = (await import(join(folder, `${name}.ts`))) as { run: () => Promise<Measured[] | Told> };
    const told = await run();
    const section = Array.isArray(told) ? sectionOf(told) : `${sectionOf(told.rows)}\n\n${told.below}`;
    console.log(`${name}\n${section}\n`);
    sections.set(name, section);
  }
  const parts = [...sections].sort().map(([name, section]) => `## ${name}\n\n${section}\n`);
  writeFileSync(results, ['# Measured\n', 'Written by `npm run bench`.\n', ...parts].join('\n'));
}

function sectionOf(rows: Measured[]): string {
  const lines = rows.map(
    ({ name, ours, reference, ratio, unit, aim }) =>
      `| ${[name, `${rounded(ours)} ${unit}`, `${rounded(reference)} ${unit}`, rounded(ratio), aim].join(' | ')} |`,
  );
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ${process.platform} ${process.arch}`;
  const head = ['| what | ours | reference | ratio | aim |', '| --- | --- | --- | --- | --- |'];
  return [`On ${machine}.`, '', ...head, ...lines].join('\n');
}

function sectionsOf(text: string): Map<string, string> {
  const parts = text.split(/^## /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]));
}

/** Three significant digits, or all digits of a large number. */
function rounded(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

if (import.meta.main) await bench(process.argv.slice(2));
