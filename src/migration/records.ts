/**
 * The record of what is applied, in the database itself. Two tables: the tool's own, so that dbmate or Flyway run by
 * hand agrees with what was done here, and `changeline_migrations`, which knows of each migration what it said and how
 * far it came. Every name is qualified: a migration may change the search path or the default database.
 */
import type { Engine, Parameter, Runner } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { appliedByFlyway, flywayInsert } from './flyway-history.ts';
import type { Dialect } from './lexer.ts';
import { literally, numbered } from './literals.ts';
import type { JournalRecord, Recorded } from './pending.ts';
import { dialectOf, type History, type Migration, type Tool } from './script.ts';
import {
  JOURNAL,
  journalEntry,
  journalTable,
  LATER_COLUMNS,
  laterColumn,
  type Reached,
  TABLES,
  toolTable,
} from './tables.ts';

/** The tables of one database, for as long as a session lasts. */
export class Records {
  readonly #runner: Runner;
  readonly #dialect: Dialect;
  readonly #tool: Tool;
  readonly #schema: string;
  readonly #history: History;

  private constructor(runner: Runner, dialect: Dialect, tool: Tool, schema: string, history: History | null) {
    this.#runner = runner;
    this.#dialect = dialect;
    this.#tool = tool;
    this.#schema = schema;
    this.#history = history ?? { schema: null, table: TABLES[tool], column: 'version' };
  }

  /**
   * Finds out where the tables are or would be: the current schema or database. Changes nothing. `history`: where a
   * script of EF Core keeps its own.
   */
  static async open(runner: Runner, engine: Engine, tool: Tool, history: History | null = null): Promise<Records> {
    const dialect = dialectOf(engine);
    if (dialect === 'sqlite') return new Records(runner, dialect, tool, 'main', history);
    const [row] = await runner.query(
      dialect === 'postgres' ? 'SELECT current_schema() AS name' : 'SELECT DATABASE() AS name',
    );
    if (typeof row?.name === 'string') return new Records(runner, dialect, tool, row.name, history);
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
    const journal = await this.#readJournal();
    if (!(await this.#toolTableIsThere())) return { tool: [], baseline: null, journal };
    if (this.#tool === 'flyway') {
      const history = this.#table('flyway_schema_history');
      const rows = await this.#runner.query(
        `SELECT version, type, checksum, success FROM ${history} ORDER BY installed_rank`,
      );
      return { ...appliedByFlyway(rows), journal };
    }
    const { table, column, schema } = this.#history;
    const rows = await this.#runner.query(
      `SELECT ${this.#quote(column)} AS version FROM ${this.#table(table, schema ?? this.#schema)}`,
    );
    return {
      tool: rows.map((row) => ({ version: String(row.version), checksum: null, success: true })),
      baseline: null,
      journal,
    };
  }

  /** Makes the tables where they are missing, as the tool itself would make them, and the journal's later columns. */
  async create(): Promise<void> {
    const journal = this.#table(JOURNAL);
    const tables = [
      ...toolTable(this.#tool, this.#dialect, this.#table(TABLES[this.#tool])),
      journalTable(journal, this.#dialect),
    ];
    for (const sql of tables) await this.#runner.query(sql);
    const there = await this.#columns(JOURNAL);
    for (const column of LATER_COLUMNS) {
      if (!there.includes(column)) await this.#runner.query(laterColumn(journal, column, this.#dialect));
    }
  }

  /** True where `create` has nothing to do. */
  async exist(): Promise<boolean> {
    const there = await this.#columns(JOURNAL);
    if (!LATER_COLUMNS.every((column) => there.includes(column))) return false;
    return this.#tool === 'ef' || this.#toolTableIsThere();
  }

  /** Journals that the first statement of a migration begins which no transaction protects. Flyway sees it as failed until it is done. */
  async begin(migration: Migration, change: string): Promise<void> {
    await this.#journal(migration, change, { done: 0, begun: Math.min(1, migration.statements.length), applied: null });
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
  async journalOf(migration: Pick<Migration, 'version'>): Promise<JournalRecord | null> {
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

  /**
   * Records that all of a migration is applied, and ends with `commit` the transaction that the caller has begun: one
   * of the two tables without the other would be a lie. `took` is in milliseconds. Throws `migration-failed` where EF
   * Core's script did not record it.
   */
  async applied(migration: Migration, change: string, took: number, commit: string): Promise<void> {
    const all = migration.statements.length;
    const at = { done: all, begun: all, applied: new Date().toISOString() };
    const journal = journalEntry(this.#table(JOURNAL), this.#dialect, migration, change, at);
    const record = `INSERT INTO ${this.#table('schema_migrations')} (version) VALUES (?)`;
    if (this.#tool === 'dbmate' && this.#dialect === 'postgres') {
      // One message: of hundreds of small migrations most of the time is waiting for answers.
      const both = [literally(journal.sql, journal.parameters), literally(record, [migration.version]), commit];
      await this.#runner.query(both.join(';\n'));
      return;
    }
    await this.#run(journal.sql, journal.parameters);
    if (this.#tool === 'flyway') await this.#recordFlyway(migration, true, took);
    else if (this.#tool === 'dbmate') await this.#run(record, [migration.version]);
    else await this.#expectRecorded(migration);
    await this.#runner.query(commit);
  }

  /** The ways back that are kept, by version: the script with its mark, or null where there was none. */
  async downs(): Promise<Map<string, { name: string; script: string | null }>> {
    const there = await this.#columns(JOURNAL);
    if (there.length === 0) return new Map();
    const script = there.includes('down_script') ? 'down_script' : 'NULL AS down_script';
    const rows = await this.#runner.query(`SELECT version, name, ${script} FROM ${this.#table(JOURNAL)}`);
    return new Map(
      rows.map((row) => [
        String(row.version),
        { name: String(row.name), script: row.down_script === null ? null : String(row.down_script) },
      ]),
    );
  }

  /** Journals how far undoing a migration came: so many statements of its way back are done, and so many were begun. */
  async backAt(version: string, back: { done: number; begun: number }): Promise<void> {
    await this.#run(`UPDATE ${this.#table(JOURNAL)} SET down_done = ?, down_begun = ? WHERE version = ?`, [
      back.done,
      back.begun,
      version,
    ]);
  }

  /** Journals that nothing of a way back is in the database. */
  async backForgotten(version: string): Promise<void> {
    await this.#run(`UPDATE ${this.#table(JOURNAL)} SET down_done = NULL, down_begun = NULL WHERE version = ?`, [
      version,
    ]);
  }

  /** Takes both records of an undone migration away, and commits; `recorded` is its version in the spelling of the tool's table. */
  async reverted(version: string, recorded: string, commit: string): Promise<void> {
    await this.#run(`DELETE FROM ${this.#table(this.#history.table)} WHERE version = ?`, [recorded]);
    await this.#run(`DELETE FROM ${this.#table(JOURNAL)} WHERE version = ?`, [version]);
    await this.#runner.query(commit);
  }

  async #journal(migration: Migration, change: string, at: Reached): Promise<void> {
    const { sql, parameters } = journalEntry(this.#table(JOURNAL), this.#dialect, migration, change, at);
    await this.#run(sql, parameters);
  }

  async #expectRecorded(migration: Migration): Promise<void> {
    const { table, column, schema } = this.#history;
    const history = this.#table(table, schema ?? this.#schema);
    const rows = await this.#run(`SELECT 1 FROM ${history} WHERE ${this.#quote(column)} = ?`, [migration.version]);
    if (rows.length > 0) return;
    throw new Failure({
      code: 'migration-failed',
      what: `its statements ran, and ${migration.version} is not in ${table}`,
      where: migration.file,
      untouched: 'migrations before it stay applied',
      next: 'write the script anew with dotnet ef migrations script --idempotent',
    });
  }

  async #recordFlyway(migration: Migration, success: boolean, took: number): Promise<void> {
    const table = this.#table('flyway_schema_history');
    await this.#run(`DELETE FROM ${table} WHERE version = ? AND NOT success`, [migration.version]);
    const [row] = await this.#runner.query(`SELECT MAX(installed_rank) AS newest FROM ${table}`);
    await this.#run(flywayInsert(table, this.#dialect, success), [
      Number(row?.newest ?? 0) + 1,
      migration.version,
      migration.name,
      migration.file,
      migration.flywayChecksum,
      Math.round(took),
    ]);
  }

  async #readJournal(): Promise<JournalRecord[]> {
    const there = await this.#columns(JOURNAL);
    if (there.length === 0) return [];
    const wanted = there.filter((column) => column !== 'down_script'); // which may be long
    const rows = await this.#runner.query(`SELECT ${wanted.join(', ')} FROM ${this.#table(JOURNAL)}`);
    return rows.map((row) => ({
      version: String(row.version),
      name: String(row.name),
      checksum: String(row.checksum),
      statements: Number(row.statements),
      done: Number(row.statements_done),
      begun: Number(row.statement_begun),
      applied: row.applied_at === null ? null : String(row.applied_at),
      back:
        row.down_begun === null || row.down_begun === undefined
          ? null
          : { done: Number(row.down_done), begun: Number(row.down_begun) },
    }));
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

  async #toolTableIsThere(): Promise<boolean> {
    const { table, schema } = this.#history;
    return (await this.#columns(table, schema ?? this.#schema)).length > 0;
  }

  async #columns(table: string, schema = this.#schema): Promise<string[]> {
    if (this.#dialect === 'sqlite') {
      return (await this.#runner.query('SELECT name FROM pragma_table_info(?)', [table])).map((row) =>
        String(row.name),
      );
    }
    const rows = await this.#run(
      'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?',
      [schema, table],
    );
    return rows.map((row) => String(row.name));
  }

  #run(sql: string, parameters: Parameter[]) {
    return this.#runner.query(this.#dialect === 'postgres' ? numbered(sql) : sql, parameters);
  }

  #table(name: string, schema = this.#schema): string {
    return `${this.#quote(schema)}.${this.#quote(name)}`;
  }

  #quote(name: string): string {
    const quote = this.#dialect === 'mysql' ? '`' : '"';
    return `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;
  }
}
