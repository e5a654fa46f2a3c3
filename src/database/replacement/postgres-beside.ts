/** A PostgreSQL database beside the live one: filled, proven by whoever asked for it, and renamed into its place. */
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import { fittingClient, libpqEnvironment } from '../postgres/programs.ts';
import { errorWords, streamInto } from '../programs.ts';
import type { Beside, Database, Session, Swapped } from '../types.ts';
import { notRestored } from './failures.ts';
import { FENCED } from './postgres-fence.ts';
import { likeTheLive } from './postgres-like.ts';
import type { Server } from './postgres-server.ts';

/** How long the server may take to end a session whose connection was lost, in milliseconds. */
const ENDING_MS = 10_000;

/** Its own database, and those of the two names. */
interface Built {
  database: Database;
  name: string;
  kept: string;
}

export class PostgresBeside implements Beside {
  readonly database: Database;
  readonly #server: Server;
  readonly #maintenance: Database;
  readonly #built: Built;
  #swapped = false;

  constructor(server: Server, maintenance: Database, built: Built) {
    this.#server = server;
    this.#maintenance = maintenance;
    this.#built = built;
    this.database = built.database;
  }

  /** Nothing waits for the disk while it is filled: the commit of the swap flushes all that was logged before it. */
  async restore(from: Readable, signal: AbortSignal): Promise<void> {
    const { name } = this.#built;
    const { options, login } = this.#server;
    const program = await fittingClient('pg_restore', await this.#maintenance.version());
    const tunnel = options.tunnel && !login.socket ? await options.tunnel(login.hostname, login.port) : null;
    const conninfo = `dbname='${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
    const args = ['--exit-on-error', '--no-password', `--dbname=${conninfo}`];
    const env = libpqEnvironment({ address: this.#server.address(name), tunnel });
    try {
      await this.#maintenance.execute([`ALTER DATABASE ${this.#maintenance.quote(name)} SET synchronous_commit = off`]);
      await streamInto(from, { file: program.file, args, env }, signal, (how) => {
        const words = errorWords(how);
        const role = /role "([^"]+)" does not exist/.exec(words)?.[1];
        return role === undefined
          ? notRestored(this.database.where, 'pg_restore could not read the backup back', words)
          : notRestored(
              this.database.where,
              `the server has no role ${role}, which the backup names`,
              words,
              `create it (CREATE ROLE ${this.#maintenance.quote(role)} …), then run it again`,
            );
      });
    } finally {
      await tunnel?.close();
    }
    await this.database.execute(['ANALYZE']);
  }

  /**
   * Closes `database`. On an error the live database bears its name and accepts connections again; where the answer of
   * the server was lost, its databases tell whether it went through.
   */
  async swap(): Promise<Swapped> {
    const { name, kept } = this.#built;
    const live = this.#server.live.database;
    await likeTheLive(this.#maintenance, live, name, FENCED);
    await this.database.close();
    const session = await this.#maintenance.session();
    const began = performance.now();
    try {
      const [row] = await session.query('SELECT pg_backend_pid() AS pid');
      for (const [key, value] of Object.entries({ live, beside: name, kept }))
        await session.query('SELECT set_config($1, $2, false)', [`changeline.${key}`, value]);
      const failure = await session.execute([SWAP]).then(
        () => null,
        (error: unknown) => failureFrom(error),
      );
      if (failure && !(await this.#wentThrough(session, Number(row!.pid)))) throw await this.#refused(failure);
      this.#swapped = true;
      return this.#swappedIn(await awayOf(session).catch(() => performance.now() - began));
    } finally {
      await session.close();
    }
  }

  #swappedIn(away: number): Swapped {
    const { kept } = this.#built;
    return {
      kept: `database ${kept}`,
      remove: `DROP DATABASE ${this.#maintenance.quote(kept)}`,
      away,
      missing: [],
    };
  }

  /** Ends the session that swapped, waits until the server has ended it, and looks at what bears which name. */
  async #wentThrough(session: Session, pid: number): Promise<boolean> {
    await session.close();
    const { name, kept } = this.#built;
    try {
      for (const deadline = Date.now() + ENDING_MS; Date.now() < deadline; await pause(5)) {
        const still = await this.#maintenance.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid]);
        if (still.length === 0) break;
      }
      const found = await this.#maintenance.query('SELECT datname AS name FROM pg_database WHERE datname IN ($1, $2)', [
        name,
        kept,
      ]);
      return found.length === 1 && found[0]!.name === kept;
    } catch (error) {
      throw new Failure({
        code: 'restore-failed',
        what: 'the connection was lost during the swap, and whether it was done is not known',
        where: this.#server.live.where,
        why: failureFrom(error).what,
        untouched: `it was done where the server has a database ${kept}; it was not where it has one ${name}`,
        next: 'look at the databases of the server; a run of the same again finds out by itself',
      });
    }
  }

  async #refused(failure: Failure): Promise<Failure> {
    const { quote } = this.#maintenance;
    await this.#maintenance.execute([`ALTER DATABASE ${quote(this.#server.live.database)} ALLOW_CONNECTIONS true`]);
    return notRestored(
      this.#server.live.where,
      'the restored database could not be put in the place of the live one',
      failure.why,
    );
  }

  async discard(): Promise<void> {
    await this.database.close();
    if (!this.#swapped) await drop(this.#maintenance, this.#built.name);
  }
}

/** Milliseconds that the swap took by the server's clock. */
async function awayOf(session: Session): Promise<number> {
  const [row] = await session.query("SELECT current_setting('changeline.away')::float8 AS away");
  return Number(row!.away);
}

/** One statement, run by the server alone: how far away it is does not count, and it goes on to its end without us. */
const SWAP = `DO $swap$
DECLARE
  live text := current_setting('changeline.live');
  beside text := current_setting('changeline.beside');
  kept text := current_setting('changeline.kept');
  began timestamptz := clock_timestamp();
  failed text;
BEGIN
  EXECUTE format('ALTER DATABASE %I WITH ALLOW_CONNECTIONS false', live);
  COMMIT;
  BEGIN
    FOR round IN 1..2000 LOOP
      PERFORM pg_stat_clear_snapshot();
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname IN (live, beside) AND pid <> pg_backend_pid() AND coalesce(backend_type, '') <> 'autovacuum worker';
      EXIT WHEN NOT FOUND;
      PERFORM pg_sleep(0.002);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I RENAME TO %I', live, kept);
    EXECUTE format('ALTER DATABASE %I RENAME TO %I', beside, live);
    EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', kept);
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    failed := SQLERRM;
  END;
  IF failed IS NOT NULL THEN
    EXECUTE format('ALTER DATABASE %I WITH ALLOW_CONNECTIONS true', live);
    COMMIT;
    RAISE EXCEPTION '%', failed;
  END IF;
  COMMIT;
  PERFORM set_config('changeline.away', (extract(epoch FROM clock_timestamp() - began) * 1000)::text, false);
END $swap$`;

/** Only for what we made and nobody uses. */
export async function drop(maintenance: Database, name: string): Promise<void> {
  await maintenance.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  await maintenance.execute([`DROP DATABASE IF EXISTS ${maintenance.quote(name)}`]);
}
