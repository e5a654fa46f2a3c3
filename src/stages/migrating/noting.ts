/** What the ledger remembers of migrations. */
import type { Database } from '../../database/database.ts';
import { noted, type SchemaStep } from '../../ledger/ledger.ts';
import { type Migrator, type Run, ratioOf, type Waiting } from '../../migration/migration.ts';
import { type Failure, failureFrom } from '../../outcome/outcome.ts';
import { redactAll } from '../../secret/secret.ts';
import type { Holding } from './holding.ts';
import type { Rehearsed } from './rehearsing.ts';
import type { MigrateContext } from './target.ts';

/** What a step says beside what is known before. */
type Outcome = Pick<SchemaStep, 'applied' | 'after' | 'down' | 'noDown' | 'ratio'>;

const CUT_OFF = 'the run ended before it could say what was applied';

/**
 * The record of one run on one database. It is written to the ledger before the live database is touched, as if all
 * were applied and nothing could undo it: should the run be killed, a rollback learns what may be there. What comes to
 * be known later takes its place.
 */
export class StepRecord {
  readonly #context: MigrateContext;
  readonly #rehearsed: Rehearsed;
  readonly #database: Database;
  readonly #at = new Date().toISOString();
  #told = false;

  constructor(context: MigrateContext, database: Database, rehearsed: Rehearsed) {
    this.#context = context;
    this.#database = database;
    this.#rehearsed = rehearsed;
  }

  /** Before the first statement. Throws where the ledger cannot be written. */
  async begins(): Promise<void> {
    const { migrations, after } = this.#rehearsed;
    const step = this.#step({ ...this.#of(migrations), after: after.digest, down: null, noDown: CUT_OFF, ratio: null });
    await this.#context.book?.amend((state) => ({
      state: noted(state, [{ kind: 'migrated', step: redactAll(step) }]),
      entry: null,
    }));
  }

  /** All that was to be applied is in the live database. `after`: the digest of its schema now. */
  async done(run: Run, after: string): Promise<void> {
    const { applied, down, noDown } = this.#rehearsed;
    const time = (steps: Run['applied']) => steps.reduce((sum, { took }) => sum + took, 0);
    const ratio = run.applied.length > 0 ? ratioOf(time(applied), time(run.applied)) : null;
    await this.#note({ ...this.#of(run.migrations), after, down, noDown, ratio });
  }

  /** It failed: of what was rehearsed, some may be in the live database all the same. */
  async failed(migrator: Migrator, error: unknown): Promise<void> {
    if (this.#told) return;
    try {
      const migrations = await appliedAnyway(this.#database, migrator, this.#rehearsed.migrations, error);
      const { digest } = await this.#database.fingerprint();
      const noDown = halfIn(failureFrom(error)) ?? 'only a part of what was rehearsed was applied';
      await this.#note({ ...this.#of(migrations), after: digest, down: null, noDown, ratio: null });
    } catch (unseen) {
      const { what } = failureFrom(unseen);
      this.#context.log.warn(`what was applied before it failed could not be seen, so all counts as applied: ${what}`);
    }
  }

  /** Nothing was left to apply. */
  async nothing(): Promise<void> {
    await this.#note({ applied: [], after: this.#rehearsed.before.digest, down: null, noDown: null, ratio: null });
  }

  #of(migrations: Waiting[]): Pick<SchemaStep, 'applied'> {
    const kinds = new Map(this.#rehearsed.migrations.map(({ version, kind }) => [version, kind]));
    const kindOf = (version: string) => kinds.get(version) ?? 'contract';
    return { applied: migrations.map(({ version, name }) => ({ version, name, kind: kindOf(version) })) };
  }

  #step(outcome: Outcome): SchemaStep {
    const { change, inputs } = this.#context;
    return {
      ...{ change: change?.id ?? 'none', version: inputs.version, at: this.#at, database: this.#database.name },
      ...{ before: this.#rehearsed.before.digest, ...outcome, backup: backupOf(this.#context), undone: null },
    };
  }

  async #note(outcome: Outcome): Promise<void> {
    await this.#context.book?.note({ kind: 'migrated', step: this.#step(outcome) });
    this.#told = true;
  }
}

/** Those of the rehearsed ones that are in the live database after a failure, all of them or by half. */
async function appliedAnyway(
  database: Database,
  migrator: Migrator,
  rehearsed: Waiting[],
  error: unknown,
): Promise<Waiting[]> {
  const failure = failureFrom(error);
  if (failure.code === 'database-busy' || failure.code === 'schema-drifted') return []; // before the first of them
  const known = reached(rehearsed, failure);
  if (known) return known;
  try {
    const left = new Set((await migrator.pending(database)).pending.map(({ version }) => version));
    return rehearsed.filter(({ version }) => !left.has(version));
  } catch (unseen) {
    const half = reached(rehearsed, failureFrom(unseen));
    if (half) return half;
    throw unseen;
  }
}

/** How far a failure says that it came; null where it does not. One that stopped in the middle counts. */
function reached(rehearsed: Waiting[], { code, facts }: Failure): Waiting[] | null {
  const half = code === 'migration-half-applied';
  const stopped = rehearsed.findIndex(({ version }) => version === facts.version);
  if (stopped < 0 || facts.unseen === true || (!half && code !== 'migration-failed')) return null;
  return rehearsed.slice(0, half ? stopped + 1 : stopped);
}

function halfIn({ code, what }: Failure): string | null {
  return code === 'migration-half-applied' ? what : null;
}

/** Notes what is held back: the version that comes can live without it and after it. */
export async function noteHeld({ book, inputs }: MigrateContext, database: Database, { held }: Holding): Promise<void> {
  const since = new Date().toISOString();
  for (const { version: migration } of held)
    await book?.note({ kind: 'held', held: { migration, database: database.name, version: inputs.version, since } });
}

/** The backup of this change; null where it has taken none. */
function backupOf({ change }: MigrateContext): string | null {
  const taken = change?.events.findLast(
    ({ kind, stage, facts }) => kind === 'stage' && stage === 'backup' && facts?.id,
  );
  return typeof taken?.facts?.id === 'string' ? taken.facts.id : null;
}
