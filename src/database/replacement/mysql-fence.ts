/** Holding off the writers of a MariaDB or MySQL database, and handing its tables on to a rename without a gap. */
import { setTimeout as pause } from 'node:timers/promises';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { Database, Session } from '../types.ts';
import { AS_IT_WAS, notRestored } from './failures.ts';

/** How long transactions that are under way may take before they are ended, in milliseconds. */
const GRACE_MS = 500;
/** How long all locks may take, in milliseconds. */
const LOCK_MS = 15_000;
/** How long the rename may take to queue behind a table, in milliseconds. */
const QUEUE_MS = 10_000;
/** Longer than any restore, in seconds: the server must not end the fence because it is idle. */
const IDLE_S = 604_800;

/**
 * A session for each table, each holding FLUSH TABLES … WITH READ LOCK: writers wait, readers go on. That statement asks
 * for the table exclusively first, so that no stream of writers keeps it waiting for ever, as it does LOCK TABLES … READ.
 * One session for all would be less, but could only let go of all at once, and a rename takes its locks one after the
 * other: a writer that waits at the second table would write while the rename still takes the first.
 */
export class TableFence {
  readonly #sessions: Map<string, Session>;

  private constructor(sessions: Map<string, Session>) {
    this.#sessions = sessions;
  }

  /**
   * Locks the tables of the database that `live` is connected to. Transactions that stand crosswise, holding one table
   * and waiting for another, are ended: they were not acknowledged to anybody. Throws `database-busy`.
   */
  static async raise(live: Database, tables: readonly string[]): Promise<TableFence> {
    const fence = new TableFence(new Map());
    try {
      const own = [];
      for (const table of tables) own.push(await fence.#open(live, table));
      const all = Promise.all(
        tables.map((table) => fence.#sessions.get(table)!.query(`FLUSH TABLES ${live.quote(table)} WITH READ LOCK`)),
      );
      all.catch(() => {});
      const deadline = Date.now() + LOCK_MS;
      while (!(await settled(all))) {
        if (Date.now() > deadline) throw busy(live);
        await endTransactions(live, own);
      }
      await all;
      return fence;
    } catch (error) {
      await fence.release();
      throw error;
    }
  }

  /** Answers the number of the connection. */
  async #open(live: Database, table: string): Promise<number> {
    const session = await live.session();
    this.#sessions.set(table, session);
    await session.query(`SET SESSION wait_timeout = ${IDLE_S}`);
    return Number((await session.query('SELECT CONNECTION_ID() AS id'))[0]!.id);
  }

  get tables(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Throws `restore-failed` where a session was lost meanwhile: its table was open to writers. */
  async verify(where: string): Promise<void> {
    for (const [table, session] of this.#sessions) {
      await session.query('SELECT 1').catch((error) => {
        throw notRestored(
          where,
          `the fence around the table ${table} broke`,
          failureFrom(error).why,
          'see why the server ended the connection, then run it again',
        );
      });
    }
  }

  /**
   * Lets go of the tables one by one, in the order in which a rename takes its locks (that of the bytes of their names),
   * each only once the rename waits at it: an exclusive request goes before every writer that waits there. So no writer
   * ever gets in between (the order of granting: sql/mdl.cc of both servers, "Rules for … pending locks").
   */
  async handOn(queued: (table: string) => Promise<boolean>, where: string): Promise<void> {
    const inOrder = this.tables.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const table of inOrder) {
      const deadline = Date.now() + QUEUE_MS;
      while (!(await queued(table))) {
        if (Date.now() > deadline) throw notRestored(where, `the rename did not queue at the table ${table}`);
        await pause(1);
      }
      await this.#sessions.get(table)!.query('UNLOCK TABLES');
    }
  }

  /** Ends all sessions; their locks end with them. */
  async release(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    this.#sessions.clear();
  }
}

/** Whether an exclusive request waits at, or holds, a table: then even a reader has to wait. `probe` is a session of its own. */
export async function isQueued(live: Database, probe: Session, database: string, table: string): Promise<boolean> {
  if (live.engine === 'mysql') {
    const rows = await probe.query(
      "SELECT 1 FROM performance_schema.metadata_locks WHERE object_type = 'TABLE' AND object_schema = ? AND object_name = ? AND lock_type = 'EXCLUSIVE'",
      [database, table],
    );
    return rows.length > 0;
  }
  return probe
    .query(`SET STATEMENT lock_wait_timeout = 0 FOR SELECT 1 FROM ${live.quote(database)}.${live.quote(table)} LIMIT 0`)
    .then(
      () => false,
      (error: Failure) => {
        if (error.facts['lock-timeout'] === true) return true;
        throw error;
      },
    );
}

/** True once the work has ended, well or badly; waits for a while. */
async function settled(work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const answer = await Promise.race([ended, pause(GRACE_MS, false, { signal: late.signal }).catch(() => false)]);
  late.abort();
  return answer;
}

/** Ends the connections to this database that hold a transaction or wait for a table, but for `own`. */
async function endTransactions(live: Database, own: readonly number[]): Promise<void> {
  const rows = await live.query(
    `SELECT p.id FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
     WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID() AND (t.trx_id IS NOT NULL OR p.state LIKE 'Waiting for table%')`,
  );
  for (const id of rows.map((row) => Number(row.id)).filter((each) => !own.includes(each)))
    await live.query(`KILL CONNECTION ${id}`).catch(() => {}); // it has ended by itself
}

function busy(live: Database): Failure {
  return new Failure({
    code: 'database-busy',
    what: 'writes could not be held off: transactions hold the tables and could not be ended',
    where: live.where,
    untouched: AS_IT_WAS,
    next: 'see which transactions do not end (information_schema.innodb_trx), then run it again',
  });
}
