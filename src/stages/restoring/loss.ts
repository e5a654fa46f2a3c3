/** What a restore loses, told from what the database holds and what the backup holds. Pure. */
import type { Contents } from '../../database/database.ts';

/** One table that would not be as it is now. */
export interface Loss {
  database: string;
  table: string;
  /** Rows now and in the backup. */
  now: number;
  backup: number;
}

/** Where tools keep which migrations are applied: it goes back with the schema, and is nobody's loss. */
const RECORDS = /(^|\.)"?(changeline_migrations|schema_migrations|flyway_schema_history|__EFMigrationsHistory)"?$/;

/** The tables whose content differs, by name. A table that one side does not have counts as empty there. */
export function lossOf(database: string, now: Contents, then: Contents): Loss[] {
  const names = [...new Set([...Object.keys(now.tables), ...Object.keys(then.tables)])]
    .filter((name) => !RECORDS.test(name))
    .sort();
  return names.flatMap((table) => {
    const [live, kept] = [own(now.tables, table), own(then.tables, table)];
    const rows = { now: live?.rows ?? 0, backup: kept?.rows ?? 0 };
    return rows.now === rows.backup && (rows.now === 0 || live?.sha256 === kept?.sha256)
      ? []
      : [{ database, table, ...rows }];
  });
}

/** `orders: 1,204 rows now, 1,180 in the backup`; `users: 12 rows on both sides, not all of them the same`. */
export function lossInWords({ table, now, backup }: Loss): string {
  const number = (rows: number) => rows.toLocaleString('en');
  return now === backup
    ? `${table}: ${number(now)} rows on both sides, not all of them the same`
    : `${table}: ${number(now)} rows now, ${number(backup)} in the backup`;
}

/** All of it on one line; the first few tables by name. */
export function lossesInWords(losses: readonly Loss[]): string {
  if (losses.length === 0) return 'nothing is lost: the backup holds what the database holds';
  return listed(losses);
}

/** As `lossesInWords`, of numbers of rows alone: equal ones do not say that the rows are. */
export function estimateInWords(losses: readonly Loss[]): string {
  const words = losses.length ? listed(losses) : 'every table has as many rows as in the backup';
  return `${words} (estimated by numbers of rows, so rows that were changed do not show; counted under a fence when it is done)`;
}

function listed(losses: readonly Loss[]): string {
  const more = losses.length > 5 ? ` and ${losses.length - 5} more tables` : '';
  return `lost is what changed since the backup: ${losses.slice(0, 5).map(lossInWords).join(', ')}${more}`;
}

function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
