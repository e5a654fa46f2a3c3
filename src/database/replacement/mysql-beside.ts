/** A MariaDB or MySQL database beside the live one, whose tables take the place of the live ones in one rename. */
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { failureFrom } from '../../outcome/outcome.ts';
import { clientProgram, withOptionFile } from '../mysql/programs.ts';
import { errorWords, streamInto } from '../programs.ts';
import type { Beside, Database, Session, Swapped } from '../types.ts';
import { notRestored } from './failures.ts';
import { isQueued, type TableFence } from './mysql-fence.ts';
import { type Made, madeIn, make, makeOne, unmake } from './mysql-objects.ts';
import { LONGEST_NAME, tablesOf, type Way } from './mysql-way.ts';
import { nameBeside } from './names.ts';

/** The last table of a rename: where it is, all others are. */
const MARK = '~changeline';

/** The three databases. */
interface Names {
  live: string;
  beside: string;
  kept: string;
}

/** What a swap moves and makes again. */
interface Plan {
  /** Definitions of the live database and of the one beside. */
  old: Made[];
  next: Made[];
  liveTables: string[];
  nextTables: string[];
}

export class MysqlBeside implements Beside {
  readonly database: Database;
  readonly #way: Way;
  readonly #live: Database;
  readonly #names: Names;
  readonly #fence: () => TableFence | null;
  #swapped = false;

  constructor(way: Way, live: Database, database: Database, names: Names, fence: () => TableFence | null) {
    this.#way = way;
    this.#live = live;
    this.database = database;
    this.#names = names;
    this.#fence = fence;
  }

  async restore(from: Readable, signal: AbortSignal): Promise<void> {
    const { login, options } = this.#way;
    const engine = this.#live.engine as 'mysql' | 'mariadb';
    const program = await clientProgram('client', engine, await this.#live.version());
    const tunnel = options.tunnel && !login.socket ? await options.tunnel(login.hostname, login.port) : null;
    const way = { address: { ...login, database: this.#names.beside }, tunnel, scratch: options.scratch };
    try {
      await withOptionFile(way, program, (file) => {
        const args = [
          ...file,
          '--default-character-set=utf8mb4',
          '--max-allowed-packet=1G',
          `--database=${this.#names.beside}`,
        ];
        return streamInto(from, { file: program.file, args }, signal, (how) =>
          notRestored(this.database.where, 'the backup could not be read back', errorWords(how)),
        );
      });
    } finally {
      await tunnel?.close();
    }
  }

  /** Up to the rename nothing of the live database is changed; from then on it is the restored one, and what is still to make is told. */
  async swap(): Promise<Swapped> {
    const fence = this.#fence();
    if (!fence) throw notRestored(this.#live.where, 'the writes are not fenced');
    const { live, beside, kept } = this.#names;
    const { quote } = this.#live;
    const session = await this.#live.session();
    let made = false;
    const began = performance.now();
    try {
      const plan = await this.#plan(session, fence);
      await unmake(session, beside, plan.next, quote);
      const { encoding, collation } = await this.#live.traits();
      await session.execute([`CREATE DATABASE ${quote(kept)} CHARACTER SET ${encoding} COLLATE ${collation}`]);
      made = true;
      const away = await this.#exchange(session, fence, plan);
      const missing = await this.#remake(session, plan);
      await this.database.close();
      await session.execute([`DROP DATABASE ${quote(beside)}`]);
      return this.#swappedIn(away, missing);
    } catch (error) {
      const why = failureFrom(error).why ?? failureFrom(error).what;
      this.#swapped ||= made && (await this.#wentThrough());
      if (this.#swapped)
        return this.#swappedIn(performance.now() - began, [`triggers, views, routines and events after this: ${why}`]);
      if (made) await this.#dropEmpty(session);
      throw notRestored(live, 'the restored tables could not be put in the place of the live ones', why);
    } finally {
      await session.close();
    }
  }

  /** Where the answer to the rename was lost: its last table tells whether all of it was done. */
  async #wentThrough(): Promise<boolean> {
    return (await tablesOf(this.#live, this.#names.kept)).includes(MARK);
  }

  #swappedIn(away: number, missing: string[]): Swapped {
    const { kept } = this.#names;
    return { kept: `database ${kept}`, remove: `DROP DATABASE ${this.#live.quote(kept)}`, away, missing };
  }

  async discard(): Promise<void> {
    await this.database.close();
    if (!this.#swapped) await this.#live.execute([`DROP DATABASE IF EXISTS ${this.#live.quote(this.#names.beside)}`]);
  }

  /** Where the answer to the rename was lost, it may have been done all the same: what holds a table is never dropped. */
  async #dropEmpty(session: Session): Promise<void> {
    const { kept } = this.#names;
    const { home, last } = this.#last();
    const { quote } = this.#live;
    await session.query(`DROP TABLE IF EXISTS ${quote(home)}.${quote(last)}`);
    if ((await tablesOf(session, kept)).length === 0) await session.query(`DROP DATABASE IF EXISTS ${quote(kept)}`);
  }

  /** A table of our own whose lock a rename takes after those of all live tables, whatever they are called. */
  #last(): { home: string; last: string } {
    const { live, kept } = this.#names;
    const keptIsLater = Buffer.compare(Buffer.from(kept), Buffer.from(live)) > 0;
    return keptIsLater ? { home: kept, last: '~held' } : { home: live, last: '\uffee' };
  }

  async #plan(session: Session, fence: TableFence): Promise<Plan> {
    const { live, beside } = this.#names;
    const { quote } = this.#live;
    await fence.verify(this.#live.where);
    const liveTables = await tablesOf(session, live);
    if (liveTables.toSorted().join('\0') !== fence.tables.toSorted().join('\0'))
      throw notRestored(this.#live.where, 'tables were made or removed while writes were fenced');
    const [old, next] = [await madeIn(session, live, quote), await madeIn(session, beside, quote)];
    return { old, next, liveTables, nextTables: await tablesOf(session, beside) };
  }

  /** Where a replaced table goes at once: one with triggers cannot leave its database with them (error 1435). */
  #away(plan: Plan, table: string): string {
    const { live, kept } = this.#names;
    const { quote } = this.#live;
    const bound = plan.old.some((made) => made.kind === 'TRIGGER' && made.table === table);
    return bound ? `${quote(live)}.${quote(this.#aside(table))}` : `${quote(kept)}.${quote(table)}`;
  }

  #aside(table: string): string {
    return nameBeside(table, 'replaced', this.#names.kept.split('_').at(-1)!, LONGEST_NAME);
  }

  /**
   * The atomic rename. A last table of our own keeps it from finishing until a session waits at each new table that
   * has triggers: it gets that table before any writer does, and lets them in once the triggers are there. Answers the milliseconds from
   * the first reader that had to wait.
   */
  async #exchange(session: Session, fence: TableFence, plan: Plan): Promise<number> {
    const { live, beside, kept } = this.#names;
    const { quote } = this.#live;
    const { home, last } = this.#last();
    await session.execute([`CREATE TABLE ${quote(home)}.${quote(last)} (held int)`]);
    const moves = [
      ...plan.liveTables.map((table) => `${quote(live)}.${quote(table)} TO ${this.#away(plan, table)}`),
      ...plan.nextTables.map((table) => `${quote(beside)}.${quote(table)} TO ${quote(live)}.${quote(table)}`),
      `${quote(home)}.${quote(last)} TO ${quote(kept)}.${quote(MARK)}`,
    ];
    const [holder, renamer] = [await this.#live.session(), await this.#live.session()];
    const guards = new Map<string, { session: Session; locked: Promise<unknown> }>();
    try {
      await holder.query(`LOCK TABLES ${quote(home)}.${quote(last)} READ`);
      const began = performance.now();
      const renaming = renamer.execute([`RENAME TABLE ${moves.join(', ')}`]);
      renaming.catch(() => {});
      await fence.handOn((table) => isQueued(this.#live, session, live, table), this.#live.where);
      for (const { table } of plan.next.filter(({ kind }) => kind === 'TRIGGER'))
        if (!guards.has(table!)) guards.set(table!, await this.#guard(session, table!));
      await holder.query('UNLOCK TABLES');
      await renaming;
      this.#swapped = true;
      await this.#retrigger(session, plan, guards);
      return performance.now() - began;
    } finally {
      // A rename that still waits is ended by closing its session; what it had locked is let go.
      for (const one of [renamer, holder, ...[...guards.values()].map((guard) => guard.session)]) await one.close();
    }
  }

  /** A session that waits for a table behind the rename. */
  async #guard(session: Session, table: string): Promise<{ session: Session; locked: Promise<unknown> }> {
    const guard = await this.#live.session();
    const [row] = await guard.query('SELECT CONNECTION_ID() AS id');
    const locked = guard.query(`LOCK TABLES ${this.#live.quote(table)} WRITE`);
    locked.catch(() => {});
    const waits = async () =>
      (
        await session.query(
          "SELECT 1 FROM information_schema.processlist WHERE id = ? AND state LIKE 'Waiting for table%'",
          [Number(row!.id)],
        )
      ).length > 0;
    while (!(await waits())) await pause(1);
    return { session: guard, locked };
  }

  /** The triggers of the new tables, each made under the lock of its guard. Names are unique in a database: the old ones go first. */
  async #retrigger(
    session: Session,
    plan: Plan,
    guards: Map<string, { session: Session; locked: Promise<unknown> }>,
  ): Promise<void> {
    const { live } = this.#names;
    await unmake(
      session,
      live,
      plan.old.filter(({ kind }) => kind === 'TRIGGER'),
      this.#live.quote,
    );
    for (const [table, guard] of guards) {
      await guard.locked;
      for (const made of plan.next.filter((each) => each.kind === 'TRIGGER' && each.table === table))
        await makeOne(guard.session, made);
      await guard.session.query('UNLOCK TABLES');
    }
  }

  /** Views, routines and events of the new database; then the replaced one is made whole, its events off. Answers what could not be made. */
  async #remake(session: Session, { old, next, liveTables }: Plan): Promise<string[]> {
    const { live, kept } = this.#names;
    const { quote } = this.#live;
    const untriggered = (made: Made[]) => made.filter(({ kind }) => kind !== 'TRIGGER');
    await unmake(session, live, untriggered(old), quote);
    const missing = await make(session, live, untriggered(next), quote);
    const bound = liveTables.filter((table) => old.some((made) => made.kind === 'TRIGGER' && made.table === table));
    for (const table of bound)
      await session.execute([
        `RENAME TABLE ${quote(live)}.${quote(this.#aside(table))} TO ${quote(kept)}.${quote(table)}`,
      ]);
    await session.execute([`DROP TABLE ${quote(kept)}.${quote(MARK)}`]);
    const lost = await make(
      session,
      kept,
      old.filter(({ kind }) => kind !== 'EVENT'),
      quote,
    );
    return [...missing, ...lost.map((each) => `in ${kept}: ${each}`)];
  }
}
