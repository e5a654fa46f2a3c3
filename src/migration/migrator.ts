/** What knows which migrations are pending and applies them: SQL files, a script of EF Core, or the user's commands. */
import type { Database, Session } from '../database/database.ts';
import type { Log } from '../log/log.ts';
import { type Applied, applyMigrations, findPending } from './apply.ts';
import { holdBack } from './hold.ts';
import { findDowns, revertMigrations } from './revert.ts';
import { isAtomic, type Migration } from './script.ts';

/** A migration that waits, as far as its tool tells. */
export interface Waiting {
  version: string;
  name: string;
  /** Its file, or the line that the command printed. */
  file: string;
  /** `contract`: code from before it cannot live with it; null where the tool does not tell. */
  kind: 'expand' | 'contract' | null;
  /** What of it old code cannot live with. */
  contracts: { line: number; what: string }[];
  /** One transaction holds all of it, and so every lock that it takes until its end; null where it is not known. */
  atomic: boolean | null;
}

/** What a database lacks of a version. */
export interface Found {
  /** Oldest first. */
  pending: Waiting[];
  /** How many are applied; null where the tool does not tell. */
  applied: number | null;
  /** As in `Pending`. */
  missing: string[];
  late: string[];
  unchecked: string[];
}

/** What was applied, with its times. */
export interface Run {
  /** What was timed: each SQL migration, or the one run of a command. */
  applied: Applied[];
  migrations: Waiting[];
}

export interface RunOptions {
  /** As in `ApplyOptions`. */
  lockTimeout: number;
  change: string;
  log: Log;
  signal: AbortSignal;
  /** Watches each statement; only on a copy. */
  observe?: boolean;
  /** The versions to apply; all by default. */
  only?: ((version: string) => boolean) | undefined;
  /** Called under the mutex with what is pending, before anything is changed; may throw to refuse. */
  before?: ((pending: Waiting[]) => Promise<void>) | undefined;
  /** Called under the mutex before each step; see `lagGate`. */
  pause?: (() => Promise<void>) | undefined;
}

/** The way down of what was applied: its time in milliseconds, or why there is none. */
export type WayDown = { took: number; why: null } | { took: null; why: string };

/** One way to migrate a database. The same rehearsal serves all of them. */
export interface Migrator {
  /** What is pending. Changes nothing. */
  pending(database: Database): Promise<Found>;
  /** Throws where this way of migrating would do something else than it seems to. Before the rehearsal; changes nothing. */
  check(database: Database, found: Found): Promise<void>;
  /** What to apply now, and what waits until no code from before it runs. `known`: the live version can do without it. */
  hold(pending: Waiting[], known: (version: string) => boolean): { apply: Waiting[]; held: Waiting[] };
  /** Applies what is pending, under the mutex in the database. Throws as `applyMigrations` does. */
  apply(database: Database, options: RunOptions): Promise<Run>;
  /** Undoes what was applied, on a copy. */
  down(database: Database, run: Run, options: RunOptions): Promise<WayDown>;
}

/** The migrations of SQL files, as `readMigrations` has read them for this engine. */
export function sqlMigrator(migrations: Migration[]): Migrator {
  return {
    async pending(database) {
      const found = await findPending(database, database.engine, migrations);
      return { ...found, pending: found.pending.map((migration) => waiting(migration, database)) };
    },
    check: async () => {},
    hold(pending, known) {
      const versions = new Set(pending.map(({ version }) => version));
      const { apply } = holdBack(
        migrations.filter(({ version }) => versions.has(version)),
        known,
      );
      const now = new Set(apply.map(({ version }) => version));
      return {
        apply: pending.filter(({ version }) => now.has(version)),
        held: pending.filter(({ version }) => !now.has(version)),
      };
    },
    apply: (database, options) => withSession(database, (session) => applySql(database, session, migrations, options)),
    down: (database, run, options) => withSession(database, (session) => downSql(database, session, run, options)),
  };
}

async function applySql(
  database: Database,
  session: Session,
  migrations: Migration[],
  { observe = false, before, only, ...options }: RunOptions,
): Promise<Run> {
  const applied = await applyMigrations(session, migrations, {
    ...options,
    engine: database.engine,
    ...(observe ? { observer: database.observer(session) } : {}),
    ...(only ? { only: ({ version }: Migration) => only(version) } : {}),
    ...(before
      ? { before: ({ pending }: { pending: Migration[] }) => before(pending.map((each) => waiting(each, database))) }
      : {}),
  });
  const versions = new Set(applied.map(({ version }) => version));
  const done = migrations.filter(({ version }) => versions.has(version));
  return { applied, migrations: done.map((migration) => waiting(migration, database)) };
}

async function downSql(database: Database, session: Session, run: Run, options: RunOptions): Promise<WayDown> {
  const versions = run.applied.map(({ version }) => version).reverse();
  const without = (await findDowns(session, database.engine, versions)).filter(({ has }) => !has);
  if (without.length > 0) {
    const files = without.map(({ version }) => run.applied.find((one) => one.version === version)?.file ?? version);
    return { took: null, why: `no way down is written for ${files.join(', ')}` };
  }
  const undone = await revertMigrations(session, versions, { ...options, engine: database.engine });
  return { took: undone.reduce((sum, { took }) => sum + took, 0), why: null };
}

function waiting(migration: Migration, { engine }: Database): Waiting {
  const { version, name, file, kind, contracts } = migration;
  return { version, name, file, kind, contracts, atomic: isAtomic(migration, engine) };
}

/** One session for as long as `use` needs it. */
export async function withSession<T>(database: Database, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await database.session();
  return use(session).finally(() => session.close());
}
