/** One migration as its file has it: taken apart, checked, and cut into statements for one engine. */
import type { Engine } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { checksum, flywayChecksum } from './checksum.ts';
import type { Dialect } from './lexer.ts';
import { ScriptError, type Statement, splitScript } from './statements.ts';

/** Whose record says what is applied: dbmate's `schema_migrations` or Flyway's `flyway_schema_history`. */
export type Tool = 'dbmate' | 'flyway';

export interface Migration {
  /** As it stands in the name; the record holds it so. */
  version: string;
  name: string;
  tool: Tool;
  /** The path inside the folder of migrations, for messages. */
  file: string;
  /** The lines of `statements` are lines of the file. */
  statements: Statement[];
  /** One transaction for all of it, where the engine has one for schema changes. */
  transaction: boolean;
  /** sha256 of the up script in a normal form. */
  checksum: string;
  flywayChecksum: number;
}

/** What a file name and a file say before it is known what engine they are for. */
export interface Source {
  version: string;
  name: string;
  tool: Tool;
  file: string;
  sql: string;
  /** The line of the file on which `sql` begins. */
  line: number;
  transaction: boolean;
}

/** How an engine quotes. */
export function dialectOf(engine: Engine): Dialect {
  return engine === 'mariadb' ? 'mysql' : engine;
}

/** True where a failed migration leaves nothing behind: one transaction holds schema changes and the record. */
export function isAtomic(migration: Pick<Migration, 'transaction'>, engine: Engine): boolean {
  return migration.transaction && dialectOf(engine) !== 'mysql';
}

/** The migration of a source. Throws `migration-invalid` with file and line for a script that cannot be used. */
export function migrationFrom(source: Source, engine: Engine): Migration {
  const { version, name, tool, file, transaction } = source;
  const statements = split(source, dialectOf(engine));
  if (isAtomic(source, engine)) refuseTransactionWords(statements, file);
  return {
    version,
    name,
    tool,
    file,
    statements,
    transaction,
    checksum: checksum(source.sql),
    flywayChecksum: flywayChecksum(source.sql),
  };
}

/**
 * The part of dbmate's one-file form that goes up. Its marks are `-- migrate:up` and `-- migrate:down`, each at the
 * beginning of a line; the only option is `transaction:false`. Throws `migration-invalid`.
 */
export function upPart(text: string, file: string): Pick<Source, 'sql' | 'line' | 'transaction'> {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const marks = lines.flatMap((line, index) => {
    const mark = /^--\s*migrate:(up|down)\b(.*)$/.exec(line.trimEnd());
    return mark ? [{ direction: mark[1]!, options: mark[2]!.trim(), index }] : [];
  });
  const [up, down, more] = marks;
  if (up?.direction !== 'up')
    throw invalid(
      file,
      up ? up.index + 1 : 1,
      'there is no -- migrate:up before anything else',
      'begin the part that goes up with a line -- migrate:up',
    );
  if (more || down?.direction === 'up')
    throw invalid(
      file,
      (more ?? down!).index + 1,
      'there is more than one part that goes up or down',
      'make a migration of its own of it',
    );
  const early = lines.findIndex((line, index) => index < up.index && line.trim() !== '' && !/^\s*--/.test(line));
  if (early >= 0)
    throw invalid(
      file,
      early + 1,
      'a statement stands before -- migrate:up and would never run',
      'move it below the mark',
    );
  const sql = lines.slice(up.index + 1, down?.index ?? lines.length).join('\n');
  return { sql, line: up.index + 2, transaction: transactionOption(up.options, file, up.index + 1) };
}

function transactionOption(options: string, file: string, line: number): boolean {
  if (options === '' || options === 'transaction:true') return true;
  if (options === 'transaction:false') return false;
  throw invalid(
    file,
    line,
    `-- migrate:up has an option that is not known: ${options.slice(0, 60)}`,
    'the only option is transaction:false',
  );
}

function split(source: Source, dialect: Dialect): Statement[] {
  try {
    return splitScript(source.sql, dialect).map(({ sql, line }) => ({ sql, line: line + source.line - 1 }));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw invalid(source.file, error.line + source.line - 1, error.message, 'close it');
  }
}

const TRANSACTION_WORDS =
  /^(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK(?!\s+(WORK\s+|TRANSACTION\s+)?TO\b)|ABORT|PREPARE\s+TRANSACTION)\b/i;

/** A COMMIT in the middle would end the transaction that lets a failed migration leave nothing behind. */
function refuseTransactionWords(statements: Statement[], file: string): void {
  const word = statements.find(({ sql }) => TRANSACTION_WORDS.test(sql));
  if (!word) return;
  throw invalid(
    file,
    word.line,
    'the script begins or ends a transaction of its own',
    'remove it, since each migration is one transaction; or say transaction:false',
  );
}

/** A file that cannot be used as it is. */
export function invalid(file: string, line: number | null, what: string, next: string): Failure {
  const where = line === null ? file : `${file}:${line}`;
  return new Failure({
    code: 'migration-invalid',
    what,
    where,
    untouched: 'no database was touched',
    next,
    facts: { file, ...(line === null ? {} : { line }) },
  });
}
