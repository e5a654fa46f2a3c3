/** Ends a change whose run died: forward where it was committed, back where it was not. Then a new one may open. */

import { join } from 'node:path';
import { event } from '../../ledger/ledger.ts';
import { Failure, goesOn, type Result } from '../../outcome/outcome.ts';
import { spendApproval } from '../approving/spending.ts';
import type { Verb } from '../contract.ts';
import { loadStage } from '../registry.ts';
import type { Stage, StageContext } from '../stage.ts';
import type { Admission } from './admission.ts';
import { Book } from './book.ts';
import { contextOf, type Doorway, type Prepared } from './context.ts';

/**
 * Recovers the change that holds the environment. Throws `fleet-mixed` where not every host could be brought to one
 * version: the change then stays open, and the next run tries again.
 */
export async function recover<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  found: Extract<Admission, { kind: 'recover' | 'join' }>,
  why = 'its run no longer lives',
): Promise<void> {
  const environment = prepared.loaded!.environment!;
  const ledger = prepared.ledger!;
  const [state, change] = await Promise.all([
    ledger.state(environment.name),
    ledger.change(environment.name, found.change),
  ]);
  if (!change || state.open?.change !== found.change) return; // ended meanwhile
  door.log.warn(
    `change ${change.id} (version ${change.version ?? 'unknown'}) was left open by a run that no longer lives; it is ${state.open.committed ? 'finished' : 'put back'} first`,
  );
  // A folder of its own: this run may have a page for the same environment already.
  const book = await Book.adopt(ledger, join(door.place.scratch, 'recovery'), change, state.open.committed);
  // From here on hosts refuse the run that was thought dead, should it wake up.
  await book.takePlace(async (now) => {
    if (now.open?.change !== change.id) throw endedMeanwhile(change.id, environment.name);
    return [];
  });
  if (change.verb === 'rollback') await letWritesIn(door, prepared, book, why);
  const stage = await loadStage('deploy');
  // The stages share the inputs that recovery needs (environment, ssh-key); the version is that of the change.
  const inputs = { artifact: '', override: '', 'ssh-key': '', ...prepared.inputs, version: change.version ?? '' };
  const context = contextOf('deploy', door, { ...prepared, inputs }, book);
  const ended = environment.deploy ? await endOf(change.verb, state.open.committed, stage, context, why) : null;
  if (ended && !goesOn(ended.outcome)) {
    throw new Failure({
      code: 'fleet-mixed',
      what: `the change ${change.id} could not be ended`,
      where: environment.name,
      why: ended.summary,
      untouched: 'the new change was not begun',
      next: 'bring the hosts that are named back within reach, then start again',
    });
  }
  const summary = ended?.summary ?? 'nothing had been touched';
  await book.record(event('recovered', { summary, why }));
  const [outcome, code] = state.open.committed ? (['passed', 'ok'] as const) : (['failed', 'cancelled'] as const);
  await book.close(outcome, code, summary, environment.freeze?.['during-change'] ?? false);
  // What is live has used its approval, though its run could not say so.
  if (state.open.committed) await spendApproval({ ...prepared, ledger, log: door.log }, book.change, 'live');
}

function endedMeanwhile(change: string, environment: string): Failure {
  return new Failure({
    code: 'change-ended',
    what: `the change ${change} was ended by another run at this moment`,
    where: environment,
    untouched: 'nothing was changed',
    next: 'start again',
  });
}

/** A restore holds off writes, in PostgreSQL beyond its own end: a rollback that died must not leave them so. */
async function letWritesIn<V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  book: Book,
  why: string,
): Promise<void> {
  const rollback = await loadStage('rollback');
  const none = { version: '', data: '', backup: '', identity: '', why: '', artifact: '', 'ssh-key': '' };
  const inputs = { ...none, ...prepared.inputs };
  await rollback.turnBack!(contextOf('rollback', door, { ...prepared, inputs }, book), why);
}

/** A rollback that died is not turned back to the version it came from: the next run takes the hosts on. */
async function endOf(
  verb: string,
  committed: boolean,
  stage: Stage<'deploy'>,
  context: StageContext<'deploy'>,
  why: string,
): Promise<Result | null> {
  if (committed) return stage.settle!(context);
  return verb === 'rollback' ? null : stage.turnBack!(context, why);
}
