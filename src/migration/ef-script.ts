/**
 * An idempotent script of EF Core (`dotnet ef migrations script --idempotent`): one file with all migrations, every
 * statement of which asks the history first whether its migration is applied. Npgsql writes a DO block for each
 * statement; Pomelo, for MySQL and MariaDB, a procedure that is made, called and dropped. EF Core writes none for
 * SQLite.
 */
import type { Engine } from '../database/database.ts';
import { checksum, flywayChecksum } from './checksum.ts';
import { contractingStatements } from './contracting.ts';
import { Unended } from './lexer.ts';
import { dialectOf, type EfScript, type History, invalid, kindOf, type Migration } from './script.ts';
import { ScriptError, type Statement, splitScript } from './statements.ts';

const IDENTIFIER = '(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[A-Za-z_][\\w$]*)';
const GUARD = new RegExp(
  `\\bIF\\s+(NOT\\s+)?EXISTS\\s*\\(\\s*SELECT\\s+1\\s+FROM\\s+(?:(${IDENTIFIER})\\.)?(${IDENTIFIER})\\s+WHERE\\s+(${IDENTIFIER})\\s*=\\s*'((?:[^']|'')+)'\\s*\\)\\s*THEN\\b`,
  'i',
);
/** The column of the ids is varchar(150); the journal's holds 128 characters. */
const LONGEST = 128;

/** A statement behind a guard. */
interface Guarded extends Statement {
  id: string;
  history: History;
  /** The offset of what the guard lets through. */
  body: number;
  /** The name of the procedure around it, as it is written. */
  procedure: string | null;
  /** Between START TRANSACTION and COMMIT. */
  inside: boolean;
}

/** One migration's share of the script. */
interface Share {
  id: string;
  statements: Statement[];
  guarded: Guarded[];
}

/** The migrations of a script, in its order. Throws `migration-invalid` for a script that is not idempotent, or does not only go up. */
export function readEfScript(text: string, file: string, engine: Engine): Migration[] {
  if (engine === 'sqlite')
    throw invalid(
      file,
      null,
      'EF Core writes no idempotent scripts for SQLite',
      'use its bundle with migrate.commands, or SQL migrations in a folder',
    );
  const statements = cut(text, file, engine, 1);
  const { shares, ...script } = shareOut(statements, file);
  if (shares.length > 0) return shares.map((share) => migrationOf(share, script, file, engine));
  throw invalid(
    file,
    null,
    'it is no idempotent script of EF Core: no statement asks the history of migrations first',
    'write it with dotnet ef migrations script --idempotent, or name a folder',
  );
}

/** `pending` with what the script needs around them, whichever of its migrations they are. */
export function surrounded(pending: Migration[]): Migration[] {
  const last = pending.length - 1;
  return pending.map((migration, index) => {
    if (!migration.ef || (index > 0 && index < last)) return migration;
    const { lead, trail } = migration.ef;
    const statements = [...(index === 0 ? lead : []), ...migration.statements, ...(index === last ? trail : [])];
    return { ...migration, statements };
  });
}

function migrationOf({ id, statements, guarded }: Share, script: EfScript, file: string, engine: Engine): Migration {
  if (id.length > LONGEST)
    throw invalid(
      file,
      statements[0]!.line,
      `a MigrationId of more than ${LONGEST} characters`,
      'give it a shorter name',
    );
  const bodies = guarded.flatMap((one) => bodyOf(one, file, engine));
  const own = bodies.filter(({ sql }) => !writesHistory(sql, script.history));
  const said = own.map(({ sql }) => sql.split(/\s+/).join(' ')).join(';\n');
  const text = guarded.map(({ sql }) => sql).join('\n');
  return {
    version: id,
    name: id.replace(/^\d+_/, ''),
    tool: 'ef',
    file: `${file} ${id}`,
    statements,
    transaction: guarded.every(({ inside }) => inside),
    checksum: checksum(said),
    flywayChecksum: flywayChecksum(said),
    ...kindOf(text, file, contractingStatements(own, dialectOf(engine))),
    down: null,
    downTransaction: true,
    downScript: null,
    ef: script,
  };
}

/** EF Core's own transactions are left out: each migration is one of ours, where it was in one of EF Core's. */
function shareOut(statements: Statement[], file: string): EfScript & { shares: Share[] } {
  const shares: Share[] = [];
  const found: EfScript = { history: { schema: null, table: '', column: '' }, lead: [], trail: [] };
  let loose: Statement[] = [];
  let inside = false;
  for (const statement of statements) {
    const word = /^(START\s+TRANSACTION|BEGIN|COMMIT)(\s+(WORK|TRANSACTION))?$/i.exec(statement.sql)?.[1];
    if (word) {
      inside = !/^COMMIT/i.test(word);
      continue;
    }
    const guarded = guardOf(statement, inside, file);
    const share = shares.at(-1);
    if (!guarded) {
      if (share && belongsTo(share.guarded.at(-1)!, statement)) share.statements.push(statement);
      else loose.push(statement);
      continue;
    }
    const makesRoom = loose.filter((one) => belongsTo(guarded, one));
    const others = loose.filter((one) => !makesRoom.includes(one));
    loose = [];
    if (!share) Object.assign(found, { history: guarded.history, lead: others });
    else if (others[0]) throw outside(others[0], file);
    if (share?.id === guarded.id) {
      share.statements.push(...makesRoom, statement);
      share.guarded.push(guarded);
    } else {
      if (shares.some(({ id }) => id === guarded.id))
        throw invalid(file, statement.line, `${guarded.id} comes twice`, 'write the script anew');
      shares.push({ id: guarded.id, statements: [...makesRoom, statement], guarded: [guarded] });
    }
  }
  return { ...found, trail: loose, shares };
}

function outside({ line }: Statement, file: string) {
  return invalid(
    file,
    line,
    'a statement stands between migrations and asks the history nothing, so it would run with every delivery',
    'write the script anew, with --idempotent, and put own statements into a migration (migrationBuilder.Sql)',
  );
}

function guardOf(statement: Statement, inside: boolean, file: string): Guarded | null {
  if (!/^(DO|CREATE)\b/i.test(statement.sql)) return null;
  const found = GUARD.exec(statement.sql);
  if (!found) return null;
  const [whole, not, schema, table, column, id] = found;
  if (!not)
    throw invalid(
      file,
      statement.line,
      'it is a script that takes migrations back',
      'write it up to the newest migration: dotnet ef migrations script --idempotent',
    );
  const history = { schema: schema === undefined ? null : plain(schema), table: plain(table!), column: plain(column!) };
  const procedure = new RegExp(`^CREATE\\s+PROCEDURE\\s+(${IDENTIFIER})`, 'i').exec(statement.sql)?.[1] ?? null;
  return { ...statement, id: id!.replaceAll("''", "'"), history, body: found.index + whole.length, procedure, inside };
}

/** Calling and dropping the procedure around a guarded statement. */
function belongsTo({ procedure }: Guarded, { sql }: Statement): boolean {
  const named = new RegExp(`^(?:DROP\\s+PROCEDURE(?:\\s+IF\\s+EXISTS)?|CALL)\\s+(${IDENTIFIER})`, 'i').exec(sql)?.[1];
  return procedure !== null && named !== undefined && plain(named) === plain(procedure);
}

/** What a guard lets through, statement by statement; the schema that EF Core makes sure of has a guard of its own. */
function bodyOf({ sql, line, body }: Guarded, file: string, engine: Engine): Statement[] {
  const inner = sql.slice(body, sql.toUpperCase().lastIndexOf('END IF'));
  const first = line + sql.slice(0, body).split('\n').length - 1;
  return cut(inner, file, engine, first)
    .map((one) => ({ ...one, sql: one.sql.replace(/^IF\s+NOT\s+EXISTS\s*\([^)]*pg_namespace[^)]*\)\s*THEN\s+/i, '') }))
    .filter((one) => !/^END\s+IF$/i.test(one.sql));
}

function writesHistory(sql: string, { table }: History): boolean {
  const into = new RegExp(`^INSERT\\s+INTO\\s+(?:${IDENTIFIER}\\.)?(${IDENTIFIER})`, 'i').exec(sql)?.[1];
  return into !== undefined && plain(into) === table;
}

function cut(text: string, file: string, engine: Engine, first: number): Statement[] {
  try {
    return splitScript(text, dialectOf(engine)).map((one) => ({ ...one, line: one.line + first - 1 }));
  } catch (error) {
    if (error instanceof ScriptError)
      throw invalid(file, error.line + first - 1, error.message, 'write the script anew');
    throw error instanceof Unended ? invalid(file, first, error.message, 'write the script anew') : error;
  }
}

function plain(identifier: string): string {
  const quote = identifier[0]!;
  return quote === '"' || quote === '`' ? identifier.slice(1, -1).replaceAll(quote + quote, quote) : identifier;
}
