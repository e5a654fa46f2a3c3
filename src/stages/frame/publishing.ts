/** GitHub's page of Deployments and the issue of an approval, for people to see: beside the ledger, never in its place. */
import { publishDeployment, publishDeploymentState } from '../../github/github.ts';
import type { Outcome } from '../../outcome/outcome.ts';
import { redact } from '../../secret/secret.ts';
import { spendApproval } from '../approving/spending.ts';
import type { Verb } from '../contract.ts';
import type { Book } from './book.ts';
import type { Doorway, Prepared } from './context.ts';

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

/** Shows how it ended, and ends the question where users have met what was approved. What cannot be written is a warning. */
export async function publishEnd<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  book: Book,
  outcome: Outcome,
  summary: string,
): Promise<void> {
  const { change, committed } = book;
  const takenBack = change.events.some(({ kind }) => kind === 'incident');
  if (committed || takenBack)
    await spendApproval(
      { ...prepared, ledger: prepared.ledger!, log: door.log },
      change,
      committed ? 'live' : 'taken back',
    );
  if (!door.runner || !book.published) return;
  // Who waits for people has not failed.
  const state = outcome === 'passed' ? 'success' : outcome === 'waiting' ? 'inactive' : 'failure';
  const note = await publishDeploymentState(prepared.github(), book.published, state, redact(summary));
  if (note) door.log.warn(note);
}
