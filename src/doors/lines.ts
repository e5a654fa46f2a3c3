/** How a result reads: the same words in a terminal, in GitHub's log and in a test. */
import { inWords } from '../duration/duration.ts';
import type { StageEnded } from '../log/log.ts';
import type { Outcome } from '../outcome/outcome.ts';
import type { Performed } from '../stages/frame/frame.ts';

const MARKS: Record<Outcome, string> = { passed: '✓', failed: '✗', inconclusive: '?', skipped: '–', waiting: '…' };

/** One line for one stage: mark, verb, outcome, time, what was found. */
export function stageLine(ended: StageEnded): string {
  return `${stageHead(ended)}${ended.result.summary}`;
}

/** The beginning of that line, up to what was found. */
export function stageHead({ verb, result, took }: StageEnded): string {
  return `${MARKS[result.outcome]} ${verb.padEnd(10)} ${result.outcome.padEnd(7)} ${inWords(took).padStart(6)}  `;
}

/** The exit code of a shell: 0 passed or skipped, 1 failed, 2 wrong inputs or configuration, 3 inconclusive, 4 waiting. */
export function exitCode(result: Performed['result']): number {
  if (/^(input|config|environment|version)-/.test(result.code) && result.outcome === 'failed') return 2;
  return { passed: 0, skipped: 0, failed: 1, inconclusive: 3, waiting: 4 }[result.outcome];
}
