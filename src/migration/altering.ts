/** What of an ALTER TABLE the code that ran before cannot live with. */
import type { Dialect } from './lexer.ts';
import { type Phrase, splitAtCommas } from './phrase.ts';

/** What an action does that old code cannot live with, in words; null where it can. */
type Verdict = string | null;
type Rule = [action: RegExp, verdict: Verdict | ((found: RegExpExecArray, phrase: Phrase) => Verdict), only?: Dialect];

/**
 * The first that fits counts; an action that none fits is taken for one that old code cannot live with. Why, where it
 * is not plain:
 * - A constraint forbids what old code may write, also NOT VALID, which spares only the rows that are there.
 * - A dropped constraint or index may be the one that ON CONFLICT names, or the one that keeps a query short; of
 *   which kind it is, only MySQL's DROP FOREIGN KEY and DROP CHECK say.
 * - A type is changed also where it is only widened: from the statement alone this cannot be told.
 * - A foreign key from a new column is empty for whatever old code writes.
 */
const ACTIONS: Rule[] = [
  [
    /^ADD (?:CONSTRAINT (?:IF NOT EXISTS )?(?:(?!PRIMARY |UNIQUE |FOREIGN |CHECK |EXCLUDE |NOT )\S+ )?)?(PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK|EXCLUDE|NOT NULL)\b/,
    ([, kind]) => `adds a constraint (${kind})`,
  ],
  [/^ADD (?:INDEX|KEY|FULLTEXT|SPATIAL|PARTITION|SYSTEM VERSIONING)\b/, null, 'mysql'],
  [/^ADD (?:COLUMN )?(?:IF NOT EXISTS )?\( (.*) \)$/, columnList, 'mysql'],
  [/^ADD (?:COLUMN )?(?:IF NOT EXISTS )?(\S+)(?: (.*))?$/, newColumn],
  [/^DROP (?:FOREIGN KEY|CHECK)\b/, null, 'mysql'],
  [/^DROP (?:INDEX|KEY|PRIMARY KEY)\b/, 'drops an index', 'mysql'],
  [/^DROP PARTITION\b/, 'drops a partition', 'mysql'],
  [/^DROP CONSTRAINT (?:IF EXISTS )?(\S+)/, ([, name], { name: plain }) => `drops constraint ${plain(name!)}`],
  [/^DROP (?:COLUMN )?(?:IF EXISTS )?(\S+)/, ([, name], { name: plain }) => `drops column ${plain(name!)}`],
  [/^ALTER INDEX\b/, null, 'mysql'],
  [/^ALTER (?:CONSTRAINT|CHECK)\b/, 'changes a constraint'],
  [/^ALTER (?:COLUMN )?(?:IF EXISTS )?(\S+) (.*)$/, alteredColumn],
  [
    /^(?:MODIFY|CHANGE) (?:COLUMN )?(?:IF EXISTS )?(\S+)/,
    ([, name], { name: plain }) => `redefines column ${plain(name!)}`,
    'mysql',
  ],
  [
    /^RENAME (?:CONSTRAINT|INDEX|KEY) (\S+)/,
    ([, name], { name: plain }) => `renames ${plain(name!)}, which old code may name`,
  ],
  [/^RENAME (?:TO|AS|=) (\S+)/, ([, name], { name: plain }) => `renames it to ${plain(name!)}`],
  [/^RENAME (?:COLUMN )?(\S+) TO\b/, ([, name], { name: plain }) => `renames column ${plain(name!)}`],
  [/^(?:ENABLE|FORCE) ROW LEVEL SECURITY/, 'hides rows from whoever has no policy'],
  [/^(?:DISABLE|NO FORCE) ROW LEVEL SECURITY/, null],
  [/^ENABLE (?:REPLICA |ALWAYS )?TRIGGER\b/, null],
  [/^(?:ENABLE|DISABLE) KEYS/, null, 'mysql'],
  [/^(?:VALIDATE CONSTRAINT|ATTACH PARTITION|CLUSTER|REPLICA IDENTITY|RESET)\b/, null],
  [/^SET (?:\(|TABLESPACE|LOGGED|UNLOGGED|WITHOUT|ACCESS METHOD)/, null],
  [
    /^(?:ENGINE|AUTO_INCREMENT|COMMENT|ROW_FORMAT|ALGORITHM|LOCK|FORCE|ORDER BY|DEFAULT|CHARACTER SET|CHARSET|COLLATE|KEY_BLOCK_SIZE|PAGE_\w+|STATS_\w+|(?:MIN|MAX)_ROWS|(?:ANALYZE|OPTIMIZE|REBUILD|REPAIR|CHECK|REORGANIZE) PARTITION|PARTITION BY)\b/,
    null,
    'mysql',
  ],
];

/** What of the actions of an ALTER TABLE old code cannot live with; `actions` is the shape after the table's name. */
export function contractingActions(actions: string, phrase: Phrase, dialect: Dialect): string[] {
  return splitAtCommas(actions).flatMap((action) => {
    for (const [pattern, verdict, only] of ACTIONS) {
      const found = only === undefined || only === dialect ? pattern.exec(action) : null;
      if (found) return (typeof verdict === 'function' ? verdict(found, phrase) : verdict) ?? [];
    }
    const words = /^[A-Z_]+(?: [A-Z_]+)?/.exec(action)?.[0] ?? 'in a way that is not known';
    return `changes it (${words}), and whether old code can live with that is not known`;
  });
}

function columnList([, list]: RegExpExecArray, phrase: Phrase): Verdict {
  const found = splitAtCommas(list!).flatMap((part) => contractingActions(`ADD ${part}`, phrase, 'mysql'));
  return found.length > 0 ? found.join(' and ') : null;
}

/** Old code says nothing of a new column: it must fill itself. */
function newColumn([, column, definition = '']: RegExpExecArray, { name }: Phrase): Verdict {
  const filled =
    /(^| )(DEFAULT (?!NULL( |$))|GENERATED |IDENTITY( |$)|AUTO_INCREMENT( |$)|AS \()|^(SMALL|BIG)?SERIAL\d?( |$)/.test(
      definition,
    );
  const needed = /(^| )(NOT NULL|PRIMARY KEY)( |$)/.test(definition);
  if (needed && !filled) return `adds column ${name(column!)}, NOT NULL without a default`;
  const sameForAll = /(^| )DEFAULT (?!NULL( |$))(?!\()(?!\S+ \()/.test(definition);
  return /(^| )UNIQUE( |$)/.test(definition) && sameForAll
    ? `adds column ${name(column!)}, UNIQUE with one default for all`
    : null;
}

function alteredColumn([, column, how]: RegExpExecArray, { name }: Phrase): Verdict {
  const called = name(column!);
  if (/^(?:SET DATA )?TYPE\b/.test(how!)) return `changes the type of column ${called}`;
  if (/^SET NOT NULL/.test(how!)) return `forbids NULL in column ${called}`;
  if (/^DROP DEFAULT/.test(how!)) return `drops the default of column ${called}`;
  const harmless =
    /^(?:DROP NOT NULL|SET DEFAULT|SET STATISTICS|SET STORAGE|SET COMPRESSION|SET VISIBLE|SET \(|RESET|RESTART|(?:ADD|SET) GENERATED BY DEFAULT|SET (?:INCREMENT|START|RESTART|CACHE))/;
  return harmless.test(how!) ? null : `changes column ${called}`;
}
