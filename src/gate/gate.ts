/**
 * Whether anything may merge: evidence from GitHub about the main branch, freezes, rules on the change itself, pure folds
 * to a verdict and to decisions, and where they are written. The noun's public face.
 */
export { commentedPull } from './commented.ts';
export { type Decision, decisionsInMarkdown } from './decision.ts';
export { type MainQuestion, mainFrom, mainSelection, readMain } from './main.ts';
export { type Taken, takeOverride } from './override.ts';
export type { Past } from './past.ts';
export type { Head } from './pull.ts';
export { freezingEnvironments, graceOf, type Snapshot } from './snapshot.ts';
export type { Decided, Swept } from './sweep.ts';
export { type Target, targetOf } from './target.ts';
export type { Verdict } from './verdict.ts';
export { failedInMarkdown, GATE_CONTEXT, nextStep, verdictInWords } from './words.ts';
export { type Written, writeStatuses, writeUndecided } from './write.ts';
