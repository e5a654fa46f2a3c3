/**
 * Which statements the code that ran before cannot live with: those contract. They wait until no such code runs; all
 * others expand, and go at once.
 */
import { contractingActions } from './altering.ts';
import type { Dialect } from './lexer.ts';
import { NAME, type Phrase, phraseOf, splitAtCommas } from './phrase.ts';
import type { Statement } from './statements.ts';

/** A statement that old code cannot live with. */
export interface Contracting {
  line: number;
  what: string;
}

/** What a statement does that old code cannot live with; nothing where it can. */
type Reader = (found: RegExpExecArray, seen: Seen) => string[] | string | null;
type Rule = [statement: RegExp, reads: Reader | string | null, only?: Dialect];

/** A statement, and what the same migration has made before it: nobody else uses that yet. */
interface Seen {
  phrase: Phrase;
  dialect: Dialect;
  made: Set<string>;
}

const of = (pattern: string) => new RegExp(pattern.replaceAll('<name>', NAME));

/**
 * The first that fits counts. What fits none cannot be judged from its words (DO, CALL, EXECUTE, dynamic SQL) and
 * counts as contracting, until its author says otherwise. Decided, where it is not plain:
 * - A trigger expands: it is how old and new columns are kept in step while both are used. A rule rewrites statements.
 * - PostgreSQL's OR REPLACE can take no column or parameter away; MySQL's can.
 * - IF NOT EXISTS counts as made here: a table that was there already shows in the rehearsal.
 * - UPDATE, and DELETE with WHERE, expand: they are how data are carried over. Emptying a table contracts.
 * - A new value of an enum expands, although old code may read it one day: only new code writes it.
 * - SELECT expands, whatever function it calls: setval and the like are far more common than one that drops.
 */
const STATEMENTS: Rule[] = [
  [/^BEGIN NOT ATOMIC\b/, 'is a block of statements, which are not looked into', 'mysql'],
  [/^(?:BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/, null],
  [
    of(
      '^CREATE (OR REPLACE )?(?:GLOBAL |LOCAL )?(?:TEMP |TEMPORARY |UNLOGGED |VIRTUAL |FOREIGN )?TABLE (?:IF NOT EXISTS )?<name>',
    ),
    made('table', true),
  ],
  [
    of('^CREATE (?:OR REPLACE )?(UNIQUE )?(?:FULLTEXT |SPATIAL |VECTOR )?INDEX (?:(?!ON )\\S+ )*?ON (?:ONLY )?<name>'),
    madeIndex,
  ],
  [/^CREATE EVENT TRIGGER\b/, 'watches over all later schema changes', 'postgres'],
  [/^CREATE (?:OR REPLACE )?RULE\b/, 'rewrites what old code says', 'postgres'],
  [/^CREATE POLICY\b.* AS RESTRICTIVE\b/, 'hides rows', 'postgres'],
  [of('^CREATE (OR REPLACE )?(?:(?!AS |SELECT )\\S+ )*?VIEW (?:IF NOT EXISTS )?<name>'), made('view')],
  [/^CREATE (?:OR REPLACE )?(?:(?!FUNCTION |PROCEDURE |PACKAGE |EVENT )\S+ )*?TRIGGER\b/, null],
  [
    of(
      '^CREATE (OR REPLACE )?(?:(?:AGGREGATE|DEFINER|=|@|~\\d+|\\w+) )*?(?:FUNCTION|PROCEDURE|PACKAGE(?: BODY)?|EVENT) (?:IF NOT EXISTS )?<name>',
    ),
    made('routine'),
  ],
  [
    of('^CREATE (OR REPLACE )?(?:TEMP |TEMPORARY )?(?:SEQUENCE|TYPE|DOMAIN|SCHEMA) (?:IF NOT EXISTS )?<name>'),
    made('object'),
  ],
  [
    /^CREATE (?:OR REPLACE )?(?:EXTENSION|POLICY|COLLATION|CAST|OPERATOR|AGGREGATE|STATISTICS|TEXT SEARCH|PUBLICATION|SUBSCRIPTION|ROLE|USER|GROUP|DATABASE|SERVER|FOREIGN DATA|CONVERSION|TRANSFORM|LANGUAGE|TRUSTED LANGUAGE)\b/,
    null,
  ],
  [
    of(
      '^ALTER (?:ONLINE )?(?:IGNORE )?(?:FOREIGN )?TABLE (?:IF EXISTS )?(?:ONLY )?<name> (?:\\* )?(?:NOWAIT |WAIT \\d+ )?(.*)$',
    ),
    altered,
  ],
  [of('^ALTER TYPE <name> ADD VALUE\\b'), null],
  [of('^ALTER SEQUENCE (?:IF EXISTS )?<name> (?!.*\\b(?:RENAME|OWNER|SCHEMA|AS)\\b)'), null],
  [of('^ALTER INDEX (?:IF EXISTS )?<name> (?:ATTACH|SET|RESET|ALTER)\\b'), null],
  [of('^ALTER DOMAIN <name> (?:DROP CONSTRAINT|DROP NOT NULL|SET DEFAULT|VALIDATE)\\b'), null],
  [/^ALTER DEFAULT PRIVILEGES\b(?!.* REVOKE )/, null],
  [/^ALTER DATABASE (?:\S+ )?(?:DEFAULT )?(?:CHARACTER SET|CHARSET|COLLATE)\b/, null, 'mysql'],
  [/^ALTER PUBLICATION\b/, null],
  [
    of('^ALTER (?:TYPE|SEQUENCE|INDEX|DOMAIN|VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|SCHEMA) (?:IF EXISTS )?<name>'),
    unlessMade('changes'),
  ],
  [/^DROP TEMPORARY TABLE\b/, null, 'mysql'],
  [of('^DROP INDEX (?:IF EXISTS )?\\S+ ON <name>'), droppedIndex, 'mysql'],
  [/^DROP ((?:MATERIALIZED |FOREIGN )?[A-Z]+) (?:CONCURRENTLY )?(?:IF EXISTS )?(.*?)(?: CASCADE| RESTRICT)?$/, dropped],
  [of('^RENAME TABLES? (?:IF EXISTS )?<name> '), unlessMade('renames'), 'mysql'],
  [of('^TRUNCATE (?:TABLE )?(?:ONLY )?<name>'), unlessMade('empties')],
  [of('^(?!.* WHERE )DELETE (?:.* )?FROM (?:ONLY )?<name>'), unlessMade('empties')],
  [/^(?!.* WHERE )WITH .*\bDELETE FROM\b/, 'empties a table'],
  [/^REVOKE\b/, 'takes a privilege away'],
  [/^SET (?:GLOBAL|PERSIST|@ @ GLOBAL)\b/, 'changes a setting of the whole server', 'mysql'],
  [
    /^(?:INSERT|UPDATE|DELETE|SELECT|WITH|VALUES|TABLE|REPLACE|MERGE|COPY|LOAD DATA|GRANT|COMMENT|ANALYZE|ANALYSE|VACUUM|REINDEX|CLUSTER|OPTIMIZE|REFRESH|CHECKPOINT|SET|RESET|SHOW|PRAGMA|LOCK|UNLOCK|USE|FLUSH|NOTIFY|DISCARD|SECURITY LABEL|IMPORT FOREIGN SCHEMA|\()/,
    null,
  ],
];

/** The statements that old code cannot live with, in order. Pure; throws `Unended` for quotes that never end. */
export function contractingStatements(statements: Statement[], dialect: Dialect): Contracting[] {
  const made = new Set<string>();
  return statements.flatMap(({ sql, line }) => {
    const phrase = phraseOf(sql, dialect);
    return judge({ phrase, dialect, made }).map((what) => ({ line, what }));
  });
}

function judge(seen: Seen): string[] {
  const { shape } = seen.phrase;
  for (const [pattern, reads, only] of STATEMENTS) {
    const found = only === undefined || only === seen.dialect ? pattern.exec(shape) : null;
    if (!found) continue;
    const said = typeof reads === 'function' ? reads(found, seen) : reads;
    return said === null ? [] : Array.isArray(said) ? said : [said];
  }
  const word = /^[A-Z]+/.exec(shape)?.[0] ?? 'the statement';
  return [`what ${word} does cannot be told from the statement`];
}

/** `replaces`: OR REPLACE is a DROP before it, on every engine that has it. */
function made(kind: string, replaces = false): Reader {
  return ([, orReplace, name], { phrase, dialect, made: here }) => {
    const before = here.has(phrase.key(name!));
    here.add(phrase.key(name!));
    const takesAway = orReplace && !before && (replaces || dialect === 'mysql');
    return takesAway ? `replaces ${kind} ${phrase.name(name!)}` : null;
  };
}

function madeIndex([shape, unique, table]: RegExpExecArray, { phrase, made: here }: Seen): string | null {
  const index = /INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\S+(?: \. \S+)*) (?:USING \S+ )?ON /.exec(shape)?.[1];
  if (index) here.add(phrase.key(index));
  return unique && !here.has(phrase.key(table!)) ? `forbids equal rows in ${phrase.name(table!)}` : null;
}

function altered([, table, actions]: RegExpExecArray, { phrase, dialect, made: here }: Seen): string[] {
  if (!here.has(phrase.key(table!)))
    return contractingActions(actions!, phrase, dialect).map((what) => `${what} (${phrase.name(table!)})`);
  const renamed = /^RENAME (?:TO |AS )(\S+)/.exec(actions!)?.[1];
  if (renamed) here.add(phrase.key(renamed));
  return [];
}

function unlessMade(does: string): Reader {
  return ([, name], { phrase, made: here }) => (here.has(phrase.key(name!)) ? null : `${does} ${phrase.name(name!)}`);
}

function droppedIndex([, table]: RegExpExecArray, { phrase, made: here }: Seen): string | null {
  return here.has(phrase.key(table!)) ? null : `drops an index of ${phrase.name(table!)}`;
}

function dropped([, kind, rest]: RegExpExecArray, { phrase, made: here }: Seen): string | null {
  const names = splitAtCommas(rest!).map((part) => new RegExp(`^${NAME}`).exec(part)?.[1] ?? part);
  const others = names.filter((name) => !here.has(phrase.key(name)));
  return others.length > 0 ? `drops ${kind!.toLowerCase()} ${others.map(phrase.name).join(', ')}` : null;
}
