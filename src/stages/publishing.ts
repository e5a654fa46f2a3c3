/** GitHub's page of Deployments and the issue of an approval, for people to see: beside the ledger, never in its place. */
import { closeIssue, withEnded } from '../approval/approval.ts';
import { publishDeployment, publishDeploymentState } from '../github/github.ts';
import { Failure, type Outcome } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import { approvalIn } from './approved.ts';
import type { Book } from './book.ts';
import type { Doorway, Prepared } from './context.ts';
import type { Verb } from './contract.ts';

/** Shows that a change is on its way, once, on GitHub's runner. What cannot be written is a warning. */
export async function publishBeginning<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  book: Book,
): Promise<void> {
  const { version, environment } = book.change;
  if (!door.runner || !version || book.published) return;
  const target = { environment, sha: door.runner.sha, version, production: environment === 'production' };
  const published = await publishDeployment(prepared.github(), target);
  if (published.note) door.log.warn(published.note);
  await book.keepPublished(published);
}

/** Shows how it ended, and closes the issue where people had approved it. What cannot be written is a warning. */
export async function publishEnd<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  book: Book,
  outcome: Outcome,
  summary: string,
): Promise<void> {
  if (outcome === 'passed') await closeApproval(door, prepared, book);
  if (!door.runner || !book.published) return;
  // Who waits for people has not failed.
  const state = outcome === 'passed' ? 'success' : outcome === 'waiting' ? 'inactive' : 'failure';
  const note = await publishDeploymentState(prepared.github(), book.published, state, redact(summary));
  if (note) door.log.warn(note);
}

/** The question has done its service: it cannot be used again. */
async function closeApproval<V extends Verb>(
  door: Doorway,
  { ledger, github }: Prepared<V>,
  book: Book,
): Promise<void> {
  const { change } = book;
  const approved = approvalIn(change);
  const { asks, request, issue } = approved?.facts ?? {};
  if (!book.committed || approved?.outcome !== 'passed' || asks !== 'delivery') return;
  if (typeof request !== 'string' || typeof issue !== 'number') return;
  try {
    await ledger!.write(change.environment, (state) => ({ state: withEnded(state, request, 'used'), change }));
    const said = `${change.version} is live in ${change.environment}, with ${change.digest}.`;
    await closeIssue(github(), issue, said, 'completed');
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    door.log.warn(`The issue of the approval could not be closed: ${thrown.message}`);
  }
}
