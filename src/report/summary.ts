/** What one stage leaves in the summary of its job on GitHub. Pure. */

import { escapeMarkdown } from '../escape/escape.ts';
import type { Change } from '../ledger/ledger.ts';
import type { Result } from '../outcome/outcome.ts';
import { CODES } from '../outcome/outcome.ts';
import { LOOKS } from './figures.ts';
import { stationsOf } from './story.ts';
import { trackInMermaid } from './track.ts';

/** GitHub takes 1 MiB from a step. */
const MOST_BYTES = 1024 * 1024;
const NOTE = '\n\n(cut off here: a job summary holds 1 MiB)\n';

/** What a summary says beside the result. */
export interface SummaryExtra {
  /** Shown as a picture of the line, where given. */
  change?: Change | null;
  /** The stages of the line in their order. */
  line?: readonly string[];
}

/** Markdown: a heading with outcome and code, the summary, what to do next, the picture, the stage's own Markdown. */
export function renderSummary(verb: string, result: Result, extra: SummaryExtra = {}): string {
  const { sign, word } = LOOKS[result.outcome];
  const parts = [
    `## ${sign} ${escapeMarkdown(verb)}: ${word} (\`${result.code}\`)`,
    escapeMarkdown(withoutNext(result)),
    result.outcome === 'failed' || result.outcome === 'inconclusive' ? `_${escapeMarkdown(CODES[result.code])}_` : '',
    result.next ? `**Next:** ${escapeMarkdown(result.next)}` : '',
    extra.change ? renderLine(extra.change, extra.line) : '',
    result.markdown ?? '',
  ];
  return cut(`${parts.filter(Boolean).join('\n\n')}\n`);
}

/** A failure's words end with the next step, which has a line of its own here. */
function withoutNext({ summary, next }: Result): string {
  const end = `. Next: ${next}`;
  return next && summary.endsWith(end) ? summary.slice(0, -end.length) : summary;
}

/** The line as a Mermaid picture in its Markdown fence; `line` names the stages in their order. */
export function renderLine(change: Change, line: readonly string[] = []): string {
  return trackInMermaid(stationsOf(change, line));
}

/** Whole lines only, so that no table row is left in two. */
function cut(markdown: string): string {
  const bytes = Buffer.from(markdown);
  if (bytes.length <= MOST_BYTES) return markdown;
  const kept = bytes.subarray(0, MOST_BYTES - NOTE.length);
  const end = kept.lastIndexOf(10);
  return `${kept.subarray(0, Math.max(end, 0)).toString()}${NOTE}`;
}
