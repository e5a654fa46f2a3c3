/** GitHub's page of Deployments, for people to see: written beside the ledger, never in place of it. */
import { publishDeployment, publishDeploymentState } from '../github/github.ts';
import { redact } from '../secret/secret.ts';
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

/** Shows how it ended. */
export async function publishEnd<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  book: Book,
  good: boolean,
  summary: string,
): Promise<void> {
  if (!door.runner || !book.published) return;
  const state = good ? 'success' : 'failure';
  const note = await publishDeploymentState(prepared.github(), book.published, state, redact(summary));
  if (note) door.log.warn(note);
}
