/** The tables of the record: the tools' own as the tools make them, and Changeline's. */
import type { Parameter } from '../database/database.ts';
import type { Dialect } from './lexer.ts';
import { keptWayBack, type Migration, type Tool } from './script.ts';

/** The table of each tool. EF Core's can be given another name; the script says which. */
export const TABLES: Record<Tool, string> = {
  dbmate: 'schema_migrations',
  flyway: 'flyway_schema_history',
  ef: '__EFMigrationsHistory',
};

/** How far each migration came. */
export const JOURNAL = 'changeline_migrations';

/**
 * Columns that a journal of an earlier version lacks. `down_script` is the way back, with its mark `-- migrate:down`
 * as the first line; the other two say how far it came while it is being undone, and are null else.
 */
export const LATER_COLUMNS = ['down_script', 'down_done', 'down_begun'] as const;

/** Adds one of the later columns to a journal that lacks it. */
export function laterColumn(table: string, column: (typeof LATER_COLUMNS)[number], dialect: Dialect): string {
  return `ALTER TABLE ${table} ADD COLUMN ${definition(column, dialect)}`;
}

function definition(column: (typeof LATER_COLUMNS)[number], dialect: Dialect): string {
  if (column !== 'down_script') return `${column} integer`;
  return `${column} ${dialect === 'mysql' ? 'mediumtext' : 'text'}`; // MySQL's text ends at 64 KB
}

/** `change_id` is the change that applied it; times are ISO 8601 in UTC; `applied_at` is null until all of it is applied. */
export function journalTable(table: string, dialect: Dialect): string {
  return (
    `CREATE TABLE IF NOT EXISTS ${table} (version varchar(128) NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, checksum varchar(64) NOT NULL, ` +
    'change_id varchar(128) NOT NULL, statements integer NOT NULL, statements_done integer NOT NULL, statement_begun integer NOT NULL, applied_at varchar(32), ' +
    `${LATER_COLUMNS.map((column) => definition(column, dialect)).join(', ')})`
  );
}

/** How far a migration came: statements that are done, that were begun, and when all of it was applied. */
export interface Reached {
  done: number;
  begun: number;
  applied: string | null;
}

/** Writes the row of a migration, or writes it anew. */
export function journalEntry(
  table: string,
  dialect: Dialect,
  migration: Migration,
  change: string,
  at: Reached,
): { sql: string; parameters: Parameter[] } {
  const values = {
    version: migration.version,
    name: migration.name,
    checksum: migration.checksum,
    change_id: change,
    statements: migration.statements.length,
    statements_done: at.done,
    statement_begun: at.begun,
    applied_at: at.applied,
    down_script: keptWayBack(migration),
  };
  const columns = Object.keys(values);
  const into = `INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  const others = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  const anew = `INSERT ${into} ON CONFLICT (version) DO UPDATE SET ${others.join(', ')}`;
  return { sql: dialect === 'mysql' ? `REPLACE ${into}` : anew, parameters: Object.values(values) };
}

/** What makes a tool's table where it is missing; EF Core's script makes its own. */
export function toolTable(tool: Tool, dialect: Dialect, table: string): string[] {
  if (tool === 'ef') return [];
  if (tool === 'dbmate')
    return [
      `CREATE TABLE IF NOT EXISTS ${table} (version ${dialect === 'postgres' ? 'varchar' : 'varchar(128)'} PRIMARY KEY)`,
    ];
  const installed = {
    postgres: 'timestamp NOT NULL DEFAULT now()',
    mysql: 'timestamp DEFAULT CURRENT_TIMESTAMP',
    sqlite: "text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))",
  };
  const columns =
    'installed_rank integer NOT NULL, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, ' +
    `checksum integer, installed_by varchar(100) NOT NULL, installed_on ${installed[dialect]}, execution_time integer NOT NULL, success boolean NOT NULL`;
  const create = `CREATE TABLE IF NOT EXISTS ${table} (${columns}, CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank)`;
  if (dialect === 'mysql') return [`${create}, INDEX flyway_schema_history_s_idx (success))`];
  const index =
    dialect === 'sqlite'
      ? `"main".flyway_schema_history_s_idx ON flyway_schema_history`
      : `flyway_schema_history_s_idx ON ${table}`;
  return [`${create})`, `CREATE INDEX IF NOT EXISTS ${index} (success)`];
}
