/** Puts a backup in the place of the live data: fenced, counted, built beside, proven, swapped, and the replaced kept. */
import { type ConfigPart, type DatabasePart, type Manifest, readPart } from '../../backup/backup.ts';
import { type Beside, compareContents, type Fence, type Swapped } from '../../database/database.ts';
import { inWords } from '../../duration/duration.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { Host } from '../../transport/transport.ts';
import type { Vault } from '../../vault/vault.ts';
import { type FilesBack, filesBack } from './files.ts';
import { type Loss, lossesInWords, lossOf } from './loss.ts';
import { type Reached, type RollbackContext, sectionOf, withReplacements } from './reach.ts';

/** What a restore needs. */
export interface Wanted {
  manifest: Manifest;
  vault: Vault;
  hosts: readonly Host[];
  /** The changes whose steps it takes back. */
  undoes: readonly string[];
}

/** What came of it. */
export interface Restored {
  backup: string;
  losses: Loss[];
  /** By database; empty for one that held what the backup holds already. */
  swapped: (Swapped & { database: string })[];
  files: FilesBack;
}

/** One database at work. */
interface Work extends Reached {
  part: DatabasePart;
  fence: Fence | null;
  beside: Beside | null;
  /** True where it holds what the backup holds already. */
  there: boolean;
  swapped: boolean;
}

/**
 * Restores every database of the backup, and its config files. Up to the first swap everything is as it was, whatever
 * fails. Throws `restore-failed`, `data-irreversible`, `database-denied`, `backup-identity` and what vault and databases throw.
 */
export async function restoreData(context: RollbackContext, wanted: Wanted): Promise<Restored> {
  const parts = databaseParts(wanted.manifest);
  const sections = parts.map(({ name }) => sectionOf(context, name));
  return withReplacements(context, sections, async (reached) => {
    const works = reached.map(
      (each, index): Work => ({
        ...each,
        ...{ part: parts[index]!, fence: null, beside: null, there: false, swapped: false },
      }),
    );
    try {
      return await inOrder(context, wanted, works);
    } finally {
      for (const work of works) await putBack(context, work);
      context.log.progress(null);
    }
  });
}

/** The databases of a backup, all of which can be restored here. Throws `data-irreversible`. */
export function databaseParts({ id, parts }: Manifest): DatabasePart[] {
  for (const part of parts) {
    if (part.kind === 'provided')
      throw irreversible(
        id,
        `another tool holds the backup of ${part.name}`,
        `restore ${part.backup} with that tool, then run this with data: keep`,
      );
    if (part.kind === 'database' && part.contents === null)
      throw irreversible(
        id,
        `the backup of ${part.name} does not say what it holds, so a restore could not be proven`,
        'use a newer backup',
      );
  }
  return parts.filter((part) => part.kind === 'database');
}

async function inOrder(
  context: RollbackContext,
  { manifest, vault, hosts, undoes }: Wanted,
  works: Work[],
): Promise<Restored> {
  const { log, signal } = context;
  const identity = context.inputs.identity || null;
  const id = context.change!.id;
  for (const work of works) await ready(work, vault, identity);
  const losses: Loss[] = [];
  for (const work of works) {
    log.progress(`restore: ${work.part.name}, fencing writes and counting`);
    work.fence = await work.replacement.fence();
    const now = await work.database.contents(signal);
    losses.push(...lossOf(work.part.name, now, work.part.contents!));
    const same = compareContents(now, work.part.contents!) === null;
    work.there = same && (await work.database.fingerprint()).digest === work.part.fingerprint;
  }
  log.info(lossesInWords(losses));
  for (const work of works) if (!work.there) await build(context, work, vault, identity);
  stopIfCancelled(context);
  const swapped: Restored['swapped'] = [];
  for (const work of works) {
    if (work.beside) swapped.push({ ...(await work.beside.swap()), database: work.part.name });
    work.swapped = true;
    await context.book!.note({ kind: 'undone', database: work.part.name, changes: [...undoes], by: id });
    await work.fence?.release();
  }
  for (const { database, kept, remove, away } of swapped)
    log.info(`${database}: restored, ${inWords(away)} away; the replaced data are kept as ${kept} until ${remove}`);
  const config = manifest.parts.filter((part): part is ConfigPart => part.kind === 'config');
  const files = await filesBack(config, { hosts, vault, identity, id });
  return { backup: manifest.id, losses, swapped, files };
}

/** All that can fail before writes are fenced. */
async function ready({ database, replacement, part }: Work, vault: Vault, identity: string | null): Promise<void> {
  await replacement.breaks();
  await replacement.check();
  const absent = await missingRoles(database, part);
  if (absent.length > 0)
    throw new Failure({
      code: 'restore-failed',
      what: `the server has no role ${absent.join(', ')}, which the backup names`,
      where: database.where,
      untouched: 'the live database is as it was',
      next: 'create it (CREATE ROLE …), then run it again; none is created silently',
    });
  // A wrong identity and a vault that is away show here.
  (await readPart(vault, part, identity)).on('error', () => {}).destroy();
}

/** Roles that the backup names and the server lacks. Only PostgreSQL has them in its backups. */
export async function missingRoles(
  database: Reached['database'],
  { traits }: Pick<DatabasePart, 'traits'>,
): Promise<string[]> {
  if (database.engine !== 'postgres' || traits.roles.length === 0) return [];
  const there = new Set((await database.query('SELECT rolname AS name FROM pg_roles')).map(({ name }) => String(name)));
  return traits.roles.filter((role) => !there.has(role));
}

/** Builds the database beside the live one and proves it. */
async function build(context: RollbackContext, work: Work, vault: Vault, identity: string | null): Promise<void> {
  const { part } = work;
  context.log.progress(`restore: ${part.name}, building it beside the live one`);
  work.beside = await work.replacement.beside(context.change!.id);
  await work.beside.restore(await readPart(vault, part, identity), context.signal);
  context.log.progress(`restore: ${part.name}, comparing`);
  const { database } = work.beside;
  const unlike =
    compareContents(await database.contents(context.signal), part.contents!) ??
    ((await database.fingerprint()).digest === part.fingerprint ? null : 'the schema differs from that of the backup');
  if (unlike === null) return;
  throw new Failure({
    code: 'restore-failed',
    what: 'what was restored is not what the backup held',
    where: part.name,
    why: unlike,
    untouched: 'the live database is as it was',
    next: 'use another backup, or choose data: keep or data: down',
  });
}

/** After a failure too: what was built and not swapped in goes, and writes are let in again. */
async function putBack({ log }: RollbackContext, work: Work): Promise<void> {
  if (work.swapped) return;
  const told = (error: unknown) => log.warn(`${work.part.name}: ${failureFrom(error).message}`);
  await work.beside?.discard().catch(told);
  await work.fence?.release().catch(told);
}

function stopIfCancelled({ signal }: RollbackContext): void {
  if (!signal.aborted) return;
  throw new Failure({
    code: 'cancelled',
    what: 'the run was cancelled before the restored data were put in place',
    untouched: 'the live data are as they were, and writes are let in again',
    next: 'run it again',
  });
}

function irreversible(where: string, what: string, next: string): Failure {
  return new Failure({ code: 'data-irreversible', what, where, untouched: 'nothing was changed', next });
}
