/** Whether the bytes of a native dump are a whole one, told without a server: by the engine's own reader, or by its last line. */
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../outcome/outcome.ts';
import { lastWords } from '../process/process.ts';
import { streamInto } from './programs.ts';
import type { Engine, Traits } from './types.ts';

/** Looks at the bytes of a dump as they pass. */
export interface DumpEnd {
  see(chunk: Buffer): void;
  /** After the last chunk: why this is not the end of a whole dump; null where it is, or where only a reader can tell. */
  broken(): string | null;
}

/**
 * mysqldump and mariadb-dump write `-- Dump completed` as their last line, and only where they were not cut short
 * (client/mysqldump.c, write_footer). A script that is cut between two statements is one that a client takes gladly.
 */
export function dumpEnd(engine: Engine): DumpEnd {
  let tail = Buffer.alloc(0);
  const told = engine === 'mysql' || engine === 'mariadb';
  return {
    see: (chunk) => {
      if (told) tail = Buffer.concat([tail, chunk.subarray(-256)]).subarray(-256);
    },
    broken: () => (!told || /^-- Dump completed.*\n$/m.test(tail.toString()) ? null : 'the dump has no end'),
  };
}

/**
 * Reads a native dump to its end. PostgreSQL: `pg_restore -f /dev/null`, which reads every block (`-l` takes half a
 * file for a whole one). SQLite: `quick_check` of the file. Throws `backup-failed` where it is not whole,
 * `tool-missing` where the engine's reader is not installed.
 */
export async function readDump(
  from: Readable,
  { like, scratch, signal }: { like: Traits; scratch: string; signal: AbortSignal },
): Promise<void> {
  if (like.engine === 'postgres') {
    const { fittingClient } = await import('./postgres/programs.ts');
    const { file } = await fittingClient('pg_restore', like.version);
    const command = { file, args: ['-f', '/dev/null'] };
    return streamInto(from, command, signal, (how) => unreadable('pg_restore cannot read it', lastWords(how)));
  }
  if (like.engine === 'sqlite') {
    const { throwawaySqlite } = await import('./sqlite/sqlite.ts');
    const copy = await throwawaySqlite({ scratch, like, at: { kind: 'runner', scratch: null }, signal });
    return copy.restore(from, signal).finally(() => copy.close());
  }
  const end = dumpEnd(like.engine);
  const see = (chunk: Buffer, _encoding: string, done: () => void) => {
    end.see(chunk);
    done();
  };
  await pipeline(from, new Writable({ write: see }), { signal });
  const broken = end.broken();
  if (broken) throw unreadable(broken, undefined);
}

function unreadable(what: string, why: string | undefined): Failure {
  return new Failure({
    code: 'backup-failed',
    what,
    why,
    untouched: 'the original database was only read',
    next: 'take another backup',
  });
}
