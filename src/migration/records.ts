/**
 * The record of what is applied, in the database itself. Two tables: the tool's own, so that dbmate or Flyway run by
 * hand agrees with what was done here, and `changeline_migrations`, which knows of each migration what it said and how
 * far it came. Every name is qualified: a migration may change the search path or the default database.
 */
import type { Engine, Parameter, Runner } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Dialect } from './lexer.ts';
import type { JournalRecord, Recorded, ToolRecord } from './pending.ts';
import { dialectOf, type Migration, type Tool } from './script.ts';

const JOURNAL = 'changeline_migrations';
const TABLES: Record<Tool, string> = { dbmate: 'schema_migrations', flyway: 'flyway_schema_history' };

/** The tables of one database, for as long as a session lasts. */
export class Records {
  readonly #runner: Runner;
  readonly #dialect: Dialect;
  readonly #tool: Tool;
  readonly #schema: string;

  private constructor(runner: Runner, dialect: Dialect, tool: Tool, schema: string) {
    this.#runner = runner;
    this.#dialect = dialect;
    this.#tool = tool;
    this.#schema = schema;
  }

  /** Finds out where the tables are or would be: the current schema or database. Changes nothing. */
  static async open(runner: Runner, engine: Engine, tool: Tool): Promise<Records> {
    const dialect = dialectOf(engine);
    if (dialect === 'sqlite') return new Records(runner, dialect, tool, 'main');
    const [row] = await runner.query(
      dialect === 'postgres' ? 'SELECT current_schema() AS name' : 'SELECT DATABASE() AS name',
    );
    if (typeof row?.name === 'string') return new Records(runner, dialect, tool, row.name);
    throw new Failure({
      code: 'database-error',
      what: 'the login has no schema of its own to keep the record of migrations in',
      next:
        dialect === 'postgres'
          ? 'give the login a search_path with a schema that exists'
          : 'name the database in the URL',
    });
  }

  /** All that is on record; nothing where the tables are not there yet. Throws `migration-invalid` for another tool's record. */
  async read(): Promise<Recorded> {
    await this.#refuseOtherTools();
    const journal = (await this.#columns(JOURNAL)).length > 0 ? await this.#readJournal() : [];
    if ((await this.#columns(TABLES[this.#tool])).length === 0) return { tool: [], baseline: null, journal };
    if (this.#tool === 'flyway') return { ...(await this.#readFlyway()), journal };
    const rows = await this.#runner.query(`SELECT version FROM ${this.#table('schema_migrations')}`);
    return {
      tool: rows.map((row) => ({ version: String(row.version), checksum: null, success: true })),
      baseline: null,
      journal,
    };
  }

  /** Makes the tables where they are missing, as the tool itself would make them. */
  async create(): Promise<void> {
    for (const sql of [
      ...toolTable(this.#tool, this.#dialect, this.#table(TABLES[this.#tool])),
      journalTable(this.#table(JOURNAL)),
    ]) {
      await this.#runner.query(sql);
    }
  }

  /** True where `create` has nothing to do. */
  async exist(): Promise<boolean> {
    return (await this.#columns(JOURNAL)).length > 0 && (await this.#columns(TABLES[this.#tool])).length > 0;
  }

  /** Journals that a migration begins which no transaction protects. Flyway sees it as failed until it is done. */
  async begin(migration: Migration, change: string): Promise<void> {
    await this.#journal(migration, change, { done: 0, begun: 0, applied: null });
    if (this.#tool === 'flyway') await this.#recordFlyway(migration, false, 0);
  }

  /** Journals that statement `number` (from 1) begins, and so that those before it are done. */
  async statementBegins(migration: Migration, number: number): Promise<void> {
    await this.#run(`UPDATE ${this.#table(JOURNAL)} SET statements_done = ?, statement_begun = ? WHERE version = ?`, [
      number - 1,
      number,
      migration.version,
    ]);
  }

  /** Journals that the statement which was begun last failed and left nothing. Returns how far the migration came. */
  async statementFailed(migration: Migration): Promise<JournalRecord | null> {
    await this.#run(`UPDATE ${this.#table(JOURNAL)} SET statement_begun = statements_done WHERE version = ?`, [
      migration.version,
    ]);
    return this.journalOf(migration);
  }

  /** The journal of one migration, or null. */
  async journalOf(migration: Migration): Promise<JournalRecord | null> {
    return (await this.#readJournal()).find(({ version }) => version === migration.version) ?? null;
  }

  /** Takes the journal of a migration back, of which nothing is in the database. */
  async forget(migration: Migration): Promise<void> {
    await this.#run(`DELETE FROM ${this.#table(JOURNAL)} WHERE version = ? AND applied_at IS NULL`, [
      migration.version,
    ]);
    if (this.#tool === 'flyway')
      await this.#run(`DELETE FROM ${this.#table('flyway_schema_history')} WHERE version = ? AND NOT success`, [
        migration.version,
      ]);
  }

  /** Records that all of a migration is applied. `took` is in milliseconds. */
  async applied(migration: Migration, change: string, took: number): Promise<void> {
    const all = migration.statements.length;
    await this.#journal(migration, change, { done: all, begun: all, applied: new Date().toISOString() });
    if (this.#tool === 'flyway') await this.#recordFlyway(migration, true, took);
    else await this.#run(`INSERT INTO ${this.#table('schema_migrations')} (version) VALUES (?)`, [migration.version]);
  }

  async #journal(
    migration: Migration,
    change: string,
    at: { done: number; begun: number; applied: string | null },
  ): Promise<void> {
    const table = this.#table(JOURNAL);
    const { version, name, checksum, statements } = migration;
    await this.#run(`DELETE FROM ${table} WHERE version = ?`, [version]);
    await this.#run(
      `INSERT INTO ${table} (version, name, checksum, change_id, statements, statements_done, statement_begun, applied_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [version, name, checksum, change, statements.length, at.done, at.begun, at.applied],
    );
  }

  async #recordFlyway(migration: Migration, success: boolean, took: number): Promise<void> {
    const table = this.#table('flyway_schema_history');
    await this.#run(`DELETE FROM ${table} WHERE version = ? AND NOT success`, [migration.version]);
    const [row] = await this.#runner.query(`SELECT MAX(installed_rank) AS newest FROM ${table}`);
    const user =
      this.#dialect === 'sqlite'
        ? "''"
        : this.#dialect === 'mysql'
          ? "SUBSTRING_INDEX(USER(), '@', 1)"
          : 'current_user';
    await this.#run(
      `INSERT INTO ${table} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) ` +
        `VALUES (?, ?, ?, 'SQL', ?, ?, ${user}, ?, ${success ? 'TRUE' : 'FALSE'})`,
      [
        Number(row?.newest ?? 0) + 1,
        migration.version,
        migration.name,
        migration.file,
        migration.flywayChecksum,
        Math.round(took),
      ],
    );
  }

  async #readJournal(): Promise<JournalRecord[]> {
    const rows = await this.#runner.query(`SELECT * FROM ${this.#table(JOURNAL)}`);
    return rows.map((row) => ({
      version: String(row.version),
      name: String(row.name),
      checksum: String(row.checksum),
      statements: Number(row.statements),
      done: Number(row.statements_done),
      begun: Number(row.statement_begun),
      applied: row.applied_at === null ? null : String(row.applied_at),
    }));
  }

  /** Flyway adds rows and never changes them: a version that was undone or deleted has a later row that says so. */
  async #readFlyway(): Promise<Omit<Recorded, 'journal'>> {
    const rows = await this.#runner.query(
      `SELECT version, type, checksum, success FROM ${this.#table('flyway_schema_history')} ORDER BY installed_rank`,
    );
    const tool = new Map<string, ToolRecord>();
    let baseline: string | null = null;
    for (const row of rows) {
      if (row.version === null) continue; // the schema's own row, and repeatable migrations
      const version = String(row.version);
      const type = String(row.type);
      if (type === 'BASELINE') baseline = version;
      else if (type === 'DELETE' || type.startsWith('UNDO')) tool.delete(version);
      else
        tool.set(version, {
          version,
          checksum: row.checksum === null ? null : Number(row.checksum),
          success: isTrue(row.success),
        });
    }
    return { tool: [...tool.values()], baseline };
  }

  /** Where another tool kept the record, nothing here knows what is applied: running everything again would be the harm. */
  async #refuseOtherTools(): Promise<void> {
    const found = (await this.#columns('_prisma_migrations')).length > 0 ? '_prisma_migrations' : null;
    const golang = this.#tool === 'dbmate' && (await this.#columns('schema_migrations')).includes('dirty');
    if (!found && !golang) return;
    throw new Failure({
      code: 'migration-invalid',
      what: golang
        ? 'schema_migrations is the table of golang-migrate, which names only the newest version'
        : 'Prisma keeps the record of migrations of this database',
      where: found ?? 'schema_migrations',
      untouched: 'the database is untouched',
      next: 'rename that table and record the versions that are applied in schema_migrations (version), one a row',
    });
  }

  async #columns(table: string): Promise<string[]> {
    if (this.#dialect === 'sqlite') {
      return (await this.#runner.query('SELECT name FROM pragma_table_info(?)', [table])).map((row) =>
        String(row.name),
      );
    }
    const rows = await this.#run(
      'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?',
      [this.#schema, table],
    );
    return rows.map((row) => String(row.name));
  }

  #run(sql: string, parameters: Parameter[]) {
    let position = 0;
    const marked = this.#dialect === 'postgres' ? sql.replace(/\?/g, () => `$${++position}`) : sql;
    return this.#runner.query(marked, parameters);
  }

  #table(name: string): string {
    const quote = this.#dialect === 'mysql' ? '`' : '"';
    const quoted = this.#schema.replaceAll(quote, quote + quote);
    return `${quote}${quoted}${quote}.${quote}${name}${quote}`;
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 't' || Number(value) === 1;
}

/** `change_id` is the change that applied it; times are ISO 8601 in UTC; `applied_at` is null until all of it is applied. */
function journalTable(table: string): string {
  return (
    `CREATE TABLE IF NOT EXISTS ${table} (version varchar(128) NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, checksum varchar(64) NOT NULL, ` +
    'change_id varchar(128) NOT NULL, statements integer NOT NULL, statements_done integer NOT NULL, statement_begun integer NOT NULL, applied_at varchar(32))'
  );
}

function toolTable(tool: Tool, dialect: Dialect, table: string): string[] {
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
