/** Dumps of PostgreSQL, and what they hold. */
import type { Writable } from 'node:stream';
import { Nowhere } from '../output.ts';
import { streamFrom } from '../programs.ts';
import type { Contents, Database, DumpFacts } from '../types.ts';
import { ArchiveContents } from './archive.ts';
import type { Way } from './login.ts';
import { fittingClient, libpqEnvironment } from './programs.ts';

/** A replica has none of their rows, and pg_dump leaves them out there without a word. */
const UNLOGGED = `SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid::regclass::text) FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'`;

/**
 * `pg_dump` in its own format, uncompressed, in one session at one snapshot of its own, so that it passes a transaction
 * pooler too; its rows are counted in its bytes as they pass. The position is read just before: whatever the server had
 * told anybody was committed by then is in the dump. Throws as `Database.dump` does.
 */
export async function writeDump(database: Database, way: Way, to: Writable, signal: AbortSignal): Promise<DumpFacts> {
  try {
    const [row] = await database.query(
      `SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS position,
        CASE WHEN pg_is_in_recovery() THEN (${UNLOGGED}) END AS unlogged`,
    );
    const { position, unlogged } = row as { position: string | null; unlogged: string | null };
    const lacks = unlogged === null ? {} : { lacks: [`rows of unlogged tables, which a replica has not: ${unlogged}`] };
    return { ...(await streamed(database, way, [], to, signal)), position, ...lacks };
  } catch (error) {
    to.destroy(error as Error);
    throw error;
  }
}

/** What the database holds, by a dump of its data that is kept nowhere. Throws as `Database.dump` does. */
export async function readContents(database: Database, way: Way, signal: AbortSignal): Promise<Contents> {
  return (await streamed(database, way, ['--data-only'], new Nowhere(), signal)).contents;
}

async function streamed(
  database: Database,
  way: Way,
  options: string[],
  to: Writable,
  signal: AbortSignal,
): Promise<Omit<DumpFacts, 'position'>> {
  const program = await fittingClient('pg_dump', await database.version());
  const args = ['-Fc', '-Z0', '--no-password', ...options];
  const archive = new ArchiveContents();
  let contents: Contents | null = null;
  const ran = await streamFrom(
    { file: program.file, args, env: libpqEnvironment(way) },
    to,
    signal,
    (chunk) => archive.push(chunk),
    () => (contents = archive.end()),
  );
  return { contents: contents!, ...ran, tool: `pg_dump ${program.version}` };
}
