/** One migration as its file has it: taken apart, checked, and cut into statements for one engine. */
import type { Engine } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { checksum, flywayChecksum } from './checksum.ts';
import { type Contracting, contractingStatements } from './contracting.ts';
import type { Dialect } from './lexer.ts';
import { ScriptError, type Statement, splitScript } from './statements.ts';

/** Whose record says what is applied: dbmate's `schema_migrations`, Flyway's `flyway_schema_history`, EF Core's `__EFMigrationsHistory`. */
export type Tool = 'dbmate' | 'flyway' | 'ef';

/** Where EF Core keeps what is applied; it can be told other names than its own. */
export interface History {
  /** null: where the login's tables are. */
  schema: string | null;
  table: string;
  /** The column of the migrations' ids. */
  column: string;
}

/** What all migrations of one script have in common. */
export interface EfScript {
  history: History;
  /** What stands before the first migration, and has to run before whichever is first: the history's own table, procedures of Pomelo's. */
  lead: Statement[];
  /** What stands after the last. */
  trail: Statement[];
}

export interface Migration {
  /** As it stands in the name; the record holds it so. */
  version: string;
  name: string;
  tool: Tool;
  /** The path inside the folder of migrations, for messages; of a script of EF Core its name and the migration's. */
  file: string;
  /** The lines of `statements` are lines of the file. */
  statements: Statement[];
  /** One transaction for all of it, where the engine has one for schema changes. */
  transaction: boolean;
  /** sha256 of the up script in a normal form. */
  checksum: string;
  flywayChecksum: number;
  /** contract: the code that ran before cannot live with the schema afterwards. */
  kind: 'expand' | 'contract';
  /** The statements that make it so, in words; the lines are those of the file. */
  contracts: Contracting[];
  /** The way back; null where there is none. */
  down: Statement[] | null;
  /** One transaction for all of the way back, where the engine has one for schema changes. */
  downTransaction: boolean;
  /** The text of `down`, as it is kept in the database; null where there is none. */
  downScript: string | null;
  /** Of a script of EF Core: what its migrations have in common. */
  ef?: EfScript;
}

/** One way of a migration, up or down, as a file has it. */
export interface Part {
  file: string;
  sql: string;
  /** The line of the file on which `sql` begins. */
  line: number;
  transaction: boolean;
}

/** What a file name and a file say before they are cut into statements for an engine. */
export interface Source extends Part {
  version: string;
  name: string;
  tool: Tool;
  /** What stands in the file before `sql`: comments only. */
  head: string;
  down: Part | null;
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
  const statements = statementsOf(source, engine);
  const down = source.down && statementsOf(source.down, engine);
  const wayBack = source.down && down && down.length > 0; // an empty one would undo the record and nothing else
  return {
    version,
    name,
    tool,
    file,
    statements,
    transaction,
    checksum: checksum(source.sql),
    flywayChecksum: flywayChecksum(source.sql),
    ...kindOf(`${source.head}${source.sql}`, file, contractingStatements(statements, dialectOf(engine))),
    down: wayBack ? down : null,
    downTransaction: source.down?.transaction ?? true,
    downScript: wayBack ? source.down!.sql : null,
  };
}

/**
 * What a migration is: its author's word, a comment line `-- changeline: expand` or `-- changeline: contract`, or what
 * its statements say. Throws `migration-invalid` for another word, and for both.
 */
export function kindOf(text: string, file: string, found: Contracting[]): Pick<Migration, 'kind' | 'contracts'> {
  const words = text.split('\n').flatMap((line, index) => {
    const word = /^\s*--\s*changeline:\s*(.*?)\s*$/.exec(line)?.[1];
    return word === undefined ? [] : [{ word, line: index + 1 }];
  });
  const odd = words.find(({ word }) => (word !== 'expand' && word !== 'contract') || word !== words[0]!.word);
  if (odd)
    throw invalid(
      file,
      odd.line,
      `-- changeline: ${odd.word.slice(0, 60)} is not understood${odd.word === 'expand' || odd.word === 'contract' ? ' beside its opposite' : ''}`,
      'say expand or contract, once',
    );
  if (words[0]?.word === 'expand') return { kind: 'expand', contracts: [] };
  if (words[0]) return { kind: 'contract', contracts: [{ line: words[0].line, what: 'its author says so' }, ...found] };
  return { kind: found.length > 0 ? 'contract' : 'expand', contracts: found };
}

/**
 * The two parts of dbmate's one-file form. Its marks are `-- migrate:up` and `-- migrate:down`, each at the beginning
 * of a line; the only option is `transaction:false`. Throws `migration-invalid`.
 */
export function bothParts(text: string, file: string): Part & Pick<Source, 'head' | 'down'> {
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
  const part = (mark: { options: string; index: number }, end: number): Part => ({
    file,
    sql: lines.slice(mark.index + 1, end).join('\n'),
    line: mark.index + 2,
    transaction: transactionOption(mark.options, file, mark.index + 1),
  });
  return {
    ...part(up, down?.index ?? lines.length),
    head: lines
      .slice(0, up.index + 1)
      .join('\n')
      .concat('\n'),
    down: down ? part(down, lines.length) : null,
  };
}

/** What is kept of a way back: its text, below the mark that says how it is run. */
export function keptWayBack({
  downScript,
  downTransaction,
}: Pick<Migration, 'downScript' | 'downTransaction'>): string | null {
  return downScript === null ? null : `-- migrate:down${downTransaction ? '' : ' transaction:false'}\n${downScript}`;
}

/** The way back that was kept; lines are those of its text. Throws `migration-invalid` where somebody changed it. */
export function wayBack(kept: string, file: string, engine: Engine): { statements: Statement[]; transaction: boolean } {
  const [, options, sql] = /^-- migrate:down(.*)\n([\s\S]*)$/.exec(kept) ?? [];
  if (sql === undefined) throw invalid(file, 1, 'it does not begin with -- migrate:down', 'put down_script right');
  const transaction = transactionOption(options!.trim(), file, 1);
  return { transaction, statements: statementsOf({ file, sql, line: 1, transaction }, engine) };
}

function transactionOption(options: string, file: string, line: number): boolean {
  if (options === '' || options === 'transaction:true') return true;
  if (options === 'transaction:false') return false;
  throw invalid(
    file,
    line,
    `the mark has an option that is not known: ${options.slice(0, 60)}`,
    'the only option is transaction:false',
  );
}

/** The statements of one way. Throws `migration-invalid`. */
function statementsOf({ file, sql, line: first, transaction }: Part, engine: Engine): Statement[] {
  try {
    const statements = splitScript(sql, dialectOf(engine)).map((one) => ({ ...one, line: one.line + first - 1 }));
    if (isAtomic({ transaction }, engine)) refuseTransactionWords(statements, file);
    return statements;
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw invalid(file, error.line + first - 1, error.message, 'close it');
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
