/** Undoes migrations on the live databases, before or after the hosts go back. */
import { milliseconds } from '../../duration/duration.ts';
import type { SchemaStep } from '../../ledger/ledger.ts';
import { type Applied, findDowns, revertMigrations } from '../../migration/migration.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { Downs } from './choice.ts';
import { type RollbackContext, sectionOf, withDatabase } from './reach.ts';

/** How long a statement waits for locks where the environment does not say it, in milliseconds. */
const LOCK_TIMEOUT = 5000;

/** Undoes one half of every database's migrations. Throws the Failures of `revertMigrations`. */
export async function undo(
  context: RollbackContext,
  downs: readonly Downs[],
  half: 'before' | 'after',
): Promise<Applied[]> {
  const done: Applied[] = [];
  const wait = context.environment!.migrate?.['lock-timeout'];
  for (const { database: name, [half]: versions } of downs) {
    if (versions.length === 0) continue;
    const reverted = await withDatabase(context, sectionOf(context, name), async (database) => {
      const session = await database.session();
      // What a run that stopped has undone already is in no record any more.
      const known = await findDowns(session, database.engine, versions);
      const standing = known.filter(({ applied }) => applied).map(({ version }) => version);
      return revertMigrations(session, standing, {
        engine: database.engine,
        lockTimeout: (wait === undefined ? null : milliseconds(wait)) ?? LOCK_TIMEOUT,
        log: context.log,
        signal: context.signal,
      }).finally(() => session.close());
    }).catch((thrown) => {
      throw done.length > 0 ? afterOthers(failureFrom(thrown), done) : thrown;
    });
    done.push(...reverted);
  }
  return done;
}

/** What one database says is not all: others were changed before it. */
function afterOthers(failure: Failure, done: readonly Applied[]): Failure {
  return new Failure({
    ...{ code: failure.code, what: failure.what, where: failure.where, why: failure.why, facts: failure.facts },
    untouched: `undone before it, in another database: ${done.map(({ version }) => version).join(', ')}; no host was moved`,
    next: `${failure.next}; a run of the same goes on where this one stopped`,
    cause: failure,
  });
}

/** Notes what was undone, and answers in which databases the schema is not the one that it was before. */
export async function settleUndone(
  context: RollbackContext,
  downs: readonly Downs[],
  steps: readonly SchemaStep[],
): Promise<string[]> {
  const unlike: string[] = [];
  for (const { database: name, leaves } of downs) {
    const changes = [...new Set(steps.filter(({ database }) => database === name).map(({ change }) => change))];
    await context.book!.note({ kind: 'undone', database: name, changes, by: context.change!.id });
    const { digest } = await withDatabase(context, sectionOf(context, name), (database) => database.fingerprint());
    if (digest !== leaves) unlike.push(`the schema of ${name} is not what it was before the migrations`);
  }
  return unlike;
}
