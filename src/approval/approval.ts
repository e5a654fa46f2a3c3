/**
 * People agree to exactly one delivery, or accept a digest, in an issue. What counts is read there again each time;
 * the ledger only keeps where it is. The noun's public face.
 */
export { answerText, countInWords, type Started } from './answer.ts';
export { bodyOf, quoted, type Shown } from './body.ts';
export { commandOf } from './count.ts';
export { type Heard, type Hearing, hear, untilOf } from './hearing.ts';
export { type Commits, closeIssue, comment, commitOfTag, commitsSince, openIssue, startWorkflow } from './issue.ts';
export { differences, planDigest, type Question, readMarker, titleOf } from './question.ts';
export { openRequests, withDispatched, withEnded, withoutDispatched, withRequest } from './request.ts';
