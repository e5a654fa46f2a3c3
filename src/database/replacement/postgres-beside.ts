/** A PostgreSQL database beside the live one: filled, proven by whoever asked for it, and renamed into its place. */
import type { Readable } from 'node:stream';
import { failureFrom } from '../../outcome/outcome.ts';
import { lastWords } from '../../process/process.ts';
import { fittingClient, libpqEnvironment } from '../postgres/programs.ts';
import { streamInto } from '../programs.ts';
import type { Beside, Database, Swapped } from '../types.ts';
import { notRestored } from './failures.ts';
import { likeTheLive } from './postgres-like.ts';
import { FENCED } from './postgres-obstacles.ts';
import type { Server } from './postgres-server.ts';

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
        const words = lastWords(how);
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

  /** Closes `database`. On any error the live database bears its name and accepts connections again. */
  async swap(): Promise<Swapped> {
    const { name, kept } = this.#built;
    const live = this.#server.live.database;
    const { quote } = this.#maintenance;
    await likeTheLive(this.#maintenance, live, name, FENCED);
    await this.database.close();
    const session = await this.#maintenance.session();
    try {
      for (const [key, value] of Object.entries({ live, beside: name, kept }))
        await session.query('SELECT set_config($1, $2, false)', [`changeline.${key}`, value]);
      await session.execute([SWAP]);
      this.#swapped = true;
      const [row] = await session.query("SELECT current_setting('changeline.away')::float8 AS away");
      return { kept: `database ${kept}`, remove: `DROP DATABASE ${quote(kept)}`, away: Number(row!.away) };
    } catch (error) {
      if (this.#swapped) throw error;
      await this.#maintenance.execute([`ALTER DATABASE ${quote(live)} ALLOW_CONNECTIONS true`]);
      throw notRestored(
        this.#server.live.where,
        'the restored database could not be put in the place of the live one',
        failureFrom(error).why,
      );
    } finally {
      await session.close();
    }
  }

  async discard(): Promise<void> {
    await this.database.close();
    if (!this.#swapped) await drop(this.#maintenance, this.#built.name);
  }
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
