/** The one SQLite file that all hosts of the shop share. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Opens the database; it must exist and hold the tables that this version needs.
 * @param {string} file
 * @param {string[]} tables
 */
export function openDatabase(file, tables) {
  if (!existsSync(file)) throw new Error(`${file}: no such database; apply db/migrations first`);
  const database = new DatabaseSync(file);
  database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  for (const table of tables) {
    if (!known.get(table)) throw new Error(`${file}: no table ${table}; apply db/migrations first`);
  }
  return database;
}
