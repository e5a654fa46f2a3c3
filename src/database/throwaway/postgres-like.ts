/** What a dump of PostgreSQL takes for granted: the database in its encoding and sort order, roles, the extensions' files. */
import { Failure } from '../../outcome/outcome.ts';
import type { Database, Traits } from '../types.ts';
import { unusable } from './machine.ts';

/** Throws `backup-failed` with the names of the extensions whose files the server lacks. */
export async function requireExtensions(admin: Database, extensions: string[]): Promise<void> {
  const available = new Set((await admin.query('SELECT name FROM pg_available_extensions')).map((row) => row.name));
  const absent = extensions.filter((extension) => !available.has(extension));
  if (absent.length === 0) return;
  throw unusable(
    `the throwaway server lacks extensions of the original: ${absent.join(', ')}`,
    undefined,
    'install the packages of these extensions there',
  );
}

/** Creates the roles that are not there, unable to log in, and answers which it created. Throws `database-denied`. */
export async function createRoles(admin: Database, roles: string[]): Promise<string[]> {
  const there = new Set((await admin.query('SELECT rolname AS name FROM pg_roles')).map((row) => row.name));
  const missing = roles.filter((role) => !there.has(role));
  try {
    await admin.execute(missing.map((role) => `CREATE ROLE ${admin.quote(role)} NOLOGIN`));
  } catch (error) {
    throw new Failure({
      code: 'database-denied',
      what: `roles of the original cannot be created where backups are proven: ${missing.join(', ')}`,
      where: admin.where,
      why: (error as Failure).why,
      untouched: 'the original database was only read',
      next: 'create them there (NOLOGIN is enough), or grant CREATEROLE to the login of backup.verify.url',
      cause: error,
    });
  }
  return missing;
}

/**
 * Creates an empty database of that name, like the original. Where the server does not know the original's locale it is
 * created with C, and what is not proven then is answered, for people.
 */
export async function createLike(admin: Database, name: string, like: Traits): Promise<string[]> {
  const create = `CREATE DATABASE ${admin.quote(name)} TEMPLATE template0 ENCODING ${literal(like.encoding ?? 'UTF8')}`;
  const major = Number.parseInt(await admin.version(), 10);
  try {
    await admin.execute([`${create} ${localeClause(like, major)}`]);
    return [];
  } catch (error) {
    // Where C fails as well the locale was not the reason, and the first words tell more.
    await admin.execute([`${create} LOCALE 'C'`]).catch(() => {
      throw error;
    });
    return [`the locale ${localeName(like)} is not installed there: order and uniqueness by it are not proven`];
  }
}

/** The locale's part of CREATE DATABASE, for a server of that major version ("CREATE DATABASE" in PostgreSQL's manual, 12 to 18). */
export function localeClause(like: Pick<Traits, 'collation' | 'ctype' | 'provider' | 'icu'>, major: number): string {
  const collation = like.collation ?? 'C';
  const libc = `LC_COLLATE ${literal(collation)} LC_CTYPE ${literal(like.ctype ?? collation)}`;
  if (major < 15 || like.icu === null || like.provider === null || like.provider === 'libc') return libc;
  const own = like.provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE';
  return `${libc} LOCALE_PROVIDER ${like.provider} ${own} ${literal(like.icu)}`;
}

function localeName({ collation, ctype, provider, icu }: Traits): string {
  if (icu !== null && provider !== 'libc') return `${icu} (${provider})`;
  return ctype === null || ctype === collation ? String(collation) : `${collation} with ${ctype}`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
