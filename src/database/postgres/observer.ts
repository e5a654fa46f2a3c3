/** What one statement does to a PostgreSQL database: locks, tables written anew, bytes. For rehearsals. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Observed, Observer, Row, Session } from '../types.ts';
import { tableName } from './archive.ts';
import type { PostgresSession } from './session.ts';

/**
 * Whom a lock holds up, by the table "Conflicting Lock Modes" of PostgreSQL's documentation ("Explicit Locking"),
 * strongest first: SELECT takes AccessShareLock, INSERT, UPDATE and DELETE take RowExclusiveLock. Weaker modes hold up
 * neither, nor VACUUM and changes of the schema.
 */
const BLOCKS = new Map<string, Observed['locks'][number]['blocks']>([
  ['AccessExclusiveLock', 'reads'],
  ['ExclusiveLock', 'writes'],
  ['ShareRowExclusiveLock', 'writes'],
  ['ShareLock', 'writes'],
  ['ShareUpdateExclusiveLock', 'schema'],
]);
const STRENGTH = [...BLOCKS.keys()];

/** How long locks are asked for again and again without a pause, in milliseconds, and the pause from then on: what is held for long is seen anyway. */
const EAGER_MS = 100;
const PAUSE_MS = 20;

const RELATIONS = `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relfilenode::text AS file, c.reltuples AS estimate,
    i.indrelid::text AS "of" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
/** Of the process $1: locks on relations in one of the modes $2, had or asked for, and any other that it waits for. */
const LOCKS = `SELECT relation::text AS oid, mode, granted FROM pg_locks WHERE pid = $1 AND (NOT granted OR locktype = 'relation'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND mode = ANY (string_to_array($2, ',')))`;
/** A transaction's time is that of the statement which began it. */
const WITHIN = 'SELECT now() <> statement_timestamp() AS within, pg_backend_pid() AS pid';
const SIZES = `SELECT pg_database_size(current_database()) AS size, CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() - '0/0'::pg_lsn END AS logged`;

interface Relation {
  schema: string;
  name: string;
  /** As in pg_class: r, p, m, v, f, i or I. */
  kind: string;
  file: string;
  /** Rows by the last ANALYZE; 0 or less where there was none. */
  estimate: number;
  /** The table that an index is of. */
  of: string | null;
}

interface Before {
  pid: number;
  relations: Map<string, Relation>;
  held: Set<string>;
  size: number;
  logged: number | null;
}

/**
 * Watches `session`. In a transaction it is asked itself, and shows all that it holds. Outside of one (CREATE INDEX
 * CONCURRENTLY, VACUUM) the locks are gone when the statement has ended, so a second connection asks for them meanwhile,
 * again and again. Until the statement waits for the first time, that connection holds ShareUpdateExclusiveLock on every
 * table: just the modes in `BLOCKS` conflict with it, so the first such lock on a table is seen however short the
 * statement is. Later ones of a statement of a few milliseconds, and those on an index alone, may escape.
 */
export class PostgresObserver implements Observer {
  readonly #session: Session;
  readonly #connect: () => Promise<PostgresSession>;
  #second: Promise<PostgresSession> | null = null;
  #before: Before | null = null;
  #watching: { seen: Set<string>; stop(): Promise<void> } | null = null;

  /** `connect` opens the second connection, which ends with the first one. */
  constructor(session: Session, connect: () => Promise<PostgresSession>) {
    this.#session = session;
    this.#connect = connect;
  }

  async before(): Promise<void> {
    await this.#watching?.stop(); // of a statement that failed
    const [self] = await this.#session.query(WITHIN);
    const pid = Number(self!.pid);
    this.#before = {
      pid,
      relations: await relationsOf(this.#session),
      held: (await locksOf(this.#session, pid)).locks,
      ...(await sizesOf(this.#session)),
    };
    this.#second ??= this.#open();
    const second = await this.#second;
    const barred = self!.within !== true && (await bar(second, this.#before.relations));
    this.#watching = watch(second, pid, barred);
  }

  async after(): Promise<Observed> {
    if (!this.#before || !this.#watching) throw new Error('after() comes after before()');
    const { pid, relations, held, size, logged } = this.#before;
    const seen = this.#watching.seen;
    await this.#watching.stop();
    for (const lock of (await locksOf(this.#session, pid)).locks) seen.add(lock);
    const sizes = await sizesOf(this.#session);
    return {
      locks: newLocks(relations, held, seen),
      rewritten: await this.#rewritten(relations),
      grew: sizes.size - size,
      logged: sizes.logged === null || logged === null ? null : sizes.logged - logged,
    };
  }

  /** Tables that were there and lie in another file now. One that was emptied (TRUNCATE) does too, but nothing was written. */
  async #rewritten(before: Map<string, Relation>): Promise<Observed['rewritten']> {
    const rewritten: Observed['rewritten'] = [];
    for (const [oid, now] of await relationsOf(this.#session)) {
      const then = before.get(oid);
      if (!then || !'rm'.includes(then.kind) || then.file === now.file) continue;
      const [file] = await this.#session.query('SELECT pg_relation_size($1::oid) AS size', [oid]);
      if (Number(file!.size) === 0) continue;
      const rows = then.estimate > 0 ? then.estimate : await countOf(this.#session, now);
      rewritten.push({ table: tableName(now.schema, now.name), rows });
    }
    return rewritten.sort((a, b) => (a.table < b.table ? -1 : 1));
  }

  async #open(): Promise<PostgresSession> {
    const second = await this.#connect();
    (this.#session as PostgresSession).client.once('end', () => void second.close());
    return second;
  }
}

/** Bars the way of every statement that holds up anybody; false where that was not to be had at once. */
async function bar(second: PostgresSession, relations: Map<string, Relation>): Promise<boolean> {
  const tables = [...relations.values()].filter(({ kind }) => 'rp'.includes(kind));
  if (tables.length === 0) return false;
  const lock = `LOCK TABLE ${tables.map((table) => `ONLY ${quoted(table)}`).join(', ')} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT`;
  try {
    await second.execute(['BEGIN', lock]);
    return true;
  } catch {
    await second.execute(['ROLLBACK']);
    return false;
  }
}

/** Asks for the locks of a server process until it is told to stop; `barred` ends as soon as the process waits. An error of the watching is one of `stop`. */
function watch(second: PostgresSession, pid: number, barred: boolean): { seen: Set<string>; stop(): Promise<void> } {
  const seen = new Set<string>();
  let stopped = false;
  const going = (async () => {
    const began = performance.now();
    for (let bars = barred; !second.lost && (bars || !stopped); ) {
      const { locks, waits } = await locksOf(second, pid);
      for (const lock of locks) seen.add(lock);
      if (bars && (waits || stopped)) {
        await second.execute(['ROLLBACK']);
        bars = false;
      }
      if (performance.now() - began > EAGER_MS && !stopped) await pause(PAUSE_MS);
    }
  })();
  going.catch(() => {}); // until it is awaited
  return {
    seen,
    stop: () => {
      stopped = true;
      return going;
    },
  };
}

/** The strongest lock on each table that was there before, where none so strong was held yet. */
function newLocks(relations: Map<string, Relation>, held: Set<string>, seen: Set<string>): Observed['locks'] {
  // An index that this very transaction made is locked by it, and holds up nobody.
  const onTables = new Set([...held].filter((lock) => !relations.get(lock.split(' ')[0]!)?.of));
  const before = strongest(relations, onTables);
  return [...strongest(relations, new Set([...seen].filter((lock) => !held.has(lock))))]
    .filter(([table, rank]) => rank < (before.get(table) ?? STRENGTH.length))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([table, rank]) => ({ table, mode: STRENGTH[rank]!, blocks: BLOCKS.get(STRENGTH[rank]!)! }));
}

/** By table, the place in `STRENGTH` of its strongest lock. One on an index holds up its table, as plans look at every index. */
function strongest(relations: Map<string, Relation>, locks: Set<string>): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const lock of locks) {
    const [oid, mode] = lock.split(' ') as [string, string];
    const relation = relations.get(oid);
    const table = relation?.of ? relations.get(relation.of) : relation;
    if (!table) continue;
    const name = tableName(table.schema, table.name);
    ranks.set(name, Math.min(ranks.get(name) ?? STRENGTH.length, STRENGTH.indexOf(mode)));
  }
  return ranks;
}

/** The locks that a process has or asks for, as `oid mode`, only modes that hold anybody up; and whether it waits for one. */
async function locksOf(session: Session, pid: number): Promise<{ locks: Set<string>; waits: boolean }> {
  const rows = await session.query(LOCKS, [pid, STRENGTH.join(',')]);
  const locks = rows.filter(({ oid, mode }) => oid !== null && BLOCKS.has(String(mode)));
  return {
    locks: new Set(locks.map(({ oid, mode }) => `${oid} ${mode}`)),
    waits: rows.some(({ granted }) => granted === false),
  };
}

async function relationsOf(session: Session): Promise<Map<string, Relation>> {
  return new Map((await session.query(RELATIONS)).map((row) => [String(row.oid), row as Row & Relation]));
}

async function sizesOf(session: Session): Promise<{ size: number; logged: number | null }> {
  const [row] = await session.query(SIZES);
  return { size: Number(row!.size), logged: row!.logged === null ? null : Number(row!.logged) };
}

async function countOf(session: Session, table: Relation): Promise<number> {
  return Number((await session.query(`SELECT count(*) AS rows FROM ONLY ${quoted(table)}`))[0]!.rows);
}

function quoted({ schema, name }: Relation): string {
  return [schema, name].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}
