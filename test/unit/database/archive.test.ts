import { describe, expect, it } from 'vitest';
import { dumpEnd } from '../../../src/database/archive.ts';
import type { Engine } from '../../../src/database/database.ts';

function endOf(engine: Engine, ...chunks: string[]): string | null {
  const end = dumpEnd(engine);
  for (const chunk of chunks) end.see(Buffer.from(chunk));
  return end.broken();
}

describe('the end of a dump', () => {
  const whole = `${'INSERT INTO t VALUES (1);\n'.repeat(99)}-- Dump completed\n`;
  it.each<[string, Engine, string[], boolean]>([
    ['whole', 'mariadb', [whole], true],
    ['with its date', 'mysql', ['-- Dump completed on 2026-11-21 17:00:00\n'], true],
    ['in single bytes', 'mysql', [...whole], true],
    ['cut within the last line', 'mariadb', [whole.slice(0, -1)], false],
    ['cut between two statements', 'mysql', [whole.slice(0, 26 * 50)], false],
    ['with the words in a row', 'mysql', ["INSERT INTO t VALUES ('-- Dump completed');\n"], false],
    ['empty', 'mysql', [], false],
    ['of an engine that has a reader', 'postgres', ['PGDMP'], true],
  ])('%s', (_case, engine, chunks, fine) => expect(endOf(engine, ...chunks) === null).toBe(fine));
});
