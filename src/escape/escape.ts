/** Text from outside, made harmless for the medium it goes into. Known secrets are hidden on the way. */
import { redact } from '../secret/secret.ts';

/** Control characters, and those that turn the direction of writing round, so that a text reads as something else. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** One line without secrets and unseen characters, for where there is no markup: a status, a terminal. */
export function oneLine(text: string): string {
  return redact(text).replace(UNSEEN, ' ');
}

const CHARACTERS = new Intl.Segmenter();

/**
 * At most `longest` UTF-16 units on one line, without secrets, control and direction characters. What is cut off ends
 * in `…`, never in the middle of what people see as one character. For plain text that nothing interprets.
 */
export function cutShort(text: string, longest: number): string {
  const line = oneLine(text.toWellFormed()).replace(/\s+/g, ' ').trim();
  if (line.length <= longest) return line;
  let kept = '';
  for (const { segment } of CHARACTERS.segment(line.slice(0, 2 * longest))) {
    if (kept.length + segment.length > longest - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** For an HTML or SVG text and for an attribute in quotes. */
export function escapeHtml(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/**
 * For GitHub's Markdown, anywhere in a line: no markup, link, image, HTML, formula or mention comes of it, and no
 * list or heading where the line begins with it. Line breaks become spaces.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .trim()
    .replace(/[\\`*_[\]<>|~&$]/g, '\\$&')
    .replace(/^[-+=:#]/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
    .replaceAll('://', ':\\//')
    .replace(/www\./gi, (word) => `${word.slice(0, 3)}\\.`)
    .replace(/(^|[^\w])@(?=\w)/g, '$1@\u200b') // GitHub looks for mentions after Markdown; only a gap stops it
    .replace(/#(?=\d)/g, '\\#\u200b');
}

/** For a label in Mermaid: everything that could mean something to it becomes a numbered entity. */
export function escapeMermaid(text: string): string {
  return [...oneLine(text)].map((char) => (/[A-Za-z0-9 .,_-]/.test(char) ? char : `#${char.codePointAt(0)};`)).join('');
}

/** A Markdown table of raw text: every cell is escaped here. Empty where there is no row. */
export function markdownTable(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly (string | number | null)[]) =>
    `| ${cells.map((cell) => escapeMarkdown(String(cell ?? ''))).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line), ''].join('\n');
}
