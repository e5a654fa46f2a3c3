/**
 * Whether the main branch is green: evidence from GitHub, a pure fold to a verdict, and where the verdict is written.
 * The noun's public face.
 */
export { readVerdict } from './read.ts';
export { targetOf } from './target.ts';
export type { Verdict } from './verdict.ts';
export { failedInMarkdown, nextStep, verdictInWords } from './words.ts';
export { type Written, writeVerdict } from './write.ts';
