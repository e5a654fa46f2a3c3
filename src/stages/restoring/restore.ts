/** Puts a backup in the place of the live data: fenced, counted, built beside, proven, swapped, and the replaced kept. */
import { type ConfigPart, type DatabasePart, type Manifest, readPart } from '../../backup/backup.ts';
import { type Beside, compareContents, type Fence, type Swapped } from '../../database/database.ts';
import { inWords } from '../../duration/duration.ts';
import type { EnvironmentState } from '../../ledger/ledger.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import { irreversible, undoneBy } from './choice.ts';
import { type FilesBack, filesBack, type Hosts, readFiles } from './files.ts';
import { type Loss, lossesInWords, lossOf } from './loss.ts';
import { type Reached, type RollbackContext, sectionOf, withReplacements } from './reach.ts';

/** What a restore needs. */
export interface Wanted {
  manifest: Manifest;
  vault: Vault;
  hosts: Hosts;
  /** By the ledger: which steps it takes back. */
  state: EnvironmentState;
}

/** What came of it. */
export interface Restored {
  backup: string;
  losses: Loss[];
  /** By database; without those that held what the backup holds already. */
  swapped: (Swapped & { database: string })[];
  files: FilesBack;
  /** What is not as it should be although the data are back. */
  problems: string[];
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
        `another tool holds the backup of ${part.name}`,
        `${id} only names it`,
        `restore ${part.backup} with that tool, as it is done there, then run this with data: keep`,
      );
    if (part.kind === 'database' && part.contents === null)
      throw irreversible(
        `the backup of ${part.name} does not say what it holds, so a restore could not be proven`,
        `${id} was written by an older version of Changeline`,
        'name a newer backup, or restore this one by hand: docs/backups.md',
      );
  }
  return parts.filter((part) => part.kind === 'database');
}

async function inOrder(context: RollbackContext, wanted: Wanted, works: Work[]): Promise<Restored> {
  const { manifest, vault, hosts } = wanted;
  const identity = context.inputs.identity || null;
  for (const work of works) await ready(work, vault, identity);
  const config = manifest.parts.filter((part): part is ConfigPart => part.kind === 'config');
  const then = await readFiles(config, vault, identity);
  const losses = await fenceAndCount(context, works);
  for (const work of works) if (!work.there) await build(context, work, vault, identity);
  stopIfCancelled(context);
  const { swapped, problems } = await swapAll(context, wanted, works);
  const files = await filesBack(then, hosts, context.change!.id);
  return { backup: manifest.id, losses, swapped, files, problems };
}

async function fenceAndCount({ log, signal }: RollbackContext, works: Work[]): Promise<Loss[]> {
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
  return losses;
}

/** From the first swap on the run is not cancelled any more. What was swapped is in the ledger before anything else is done. */
async function swapAll(
  context: RollbackContext,
  { manifest, state }: Wanted,
  works: Work[],
): Promise<Pick<Restored, 'swapped' | 'problems'>> {
  const swapped: Restored['swapped'] = [];
  const problems: string[] = [];
  for (const work of works) {
    const { name: database, began } = work.part;
    if (work.beside) {
      const done = await work.beside.swap().catch((thrown) => {
        throw swapped.length > 0 ? halfRestored(failureFrom(thrown), manifest.id, swapped, works) : thrown;
      });
      swapped.push({ ...done, database });
      problems.push(...done.missing.map((each) => `${database}: could not be made again: ${each}`));
    }
    work.swapped = true;
    const changes = undoneBy(state, database, began);
    await context.book!.note({ kind: 'undone', database, changes, by: context.change!.id });
    await remember(context);
    await release(context, work);
  }
  for (const { database, kept, remove, away } of swapped)
    context.log.info(
      `${database}: restored, ${inWords(away)} away; the replaced data are kept as ${kept} until ${remove}`,
    );
  return { swapped, problems };
}

/** A run that dies later must not be followed by one that restores again. A ledger that does not answer is told at the end. */
async function remember({ book, log }: RollbackContext): Promise<void> {
  await book!.leaveOpen().catch((thrown) => log.warn(`the ledger does not know yet: ${failureFrom(thrown).what}`));
}

/** Several databases are swapped one after the other, and one of them was not. */
function halfRestored(failure: Failure, backup: string, swapped: Restored['swapped'], works: readonly Work[]): Failure {
  const done = swapped.map(({ database, kept }) => `${database} (what it replaced is kept as ${kept})`);
  const left = works.filter((work) => !work.swapped && work.beside).map((work) => work.part.name);
  return new Failure({
    ...{ code: failure.code, what: failure.what, where: failure.where, why: failure.why },
    untouched: `restored from ${backup} and live: ${done.join(', ')}; as they were: ${left.join(', ')}; no host was moved`,
    next: 'mend what is named and run the same again at once: what still holds what the backup holds is left alone',
    facts: { backup, swapped: swapped.map((each) => ({ ...each })) },
    cause: failure,
  });
}

/** All that can fail before writes are fenced. */
async function ready({ database, replacement, part }: Work, vault: Vault, identity: string | null): Promise<void> {
  await replacement.breaks();
  await replacement.check();
  const lacking = await lackingRoles(database, part);
  if (lacking) throw lacking;
  // A wrong identity and a vault that is away show here.
  (await readPart(vault, part, identity)).on('error', () => {}).destroy();
}

/** A Failure for roles that policies, owners or privileges of the backup name and the server lacks; null where none is. Only PostgreSQL has them in its backups. */
export async function lackingRoles(
  { engine, query, where }: Pick<Reached['database'], 'engine' | 'query' | 'where'>,
  { traits }: Pick<DatabasePart, 'traits'>,
): Promise<Failure | null> {
  if (engine !== 'postgres') return null;
  const there = new Set((await query('SELECT rolname AS name FROM pg_roles')).map(({ name }) => String(name)));
  const absent = [...new Set([...traits.roles, ...traits.owners])].filter((role) => !there.has(role));
  if (absent.length === 0) return null;
  return new Failure({
    code: 'restore-failed',
    what: `the server has no role ${absent.join(', ')}, which the backup names`,
    where,
    untouched: 'the live database is as it was',
    next: 'create it (CREATE ROLE …), then run it again; none is created silently',
  });
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
async function putBack(context: RollbackContext, work: Work): Promise<void> {
  if (work.swapped) return;
  await work.beside?.discard().catch((error) => context.log.warn(`${work.part.name}: ${failureFrom(error).message}`));
  await release(context, work);
}

/** Lets writes in. What cannot be done is told with what to do, and done by the end of the job or the next run. */
async function release({ log }: RollbackContext, { fence, part }: Work): Promise<void> {
  await fence?.release().catch((error) => {
    log.warn(`${part.name}: whether writes are let in again is not known: ${failureFrom(error).message}`);
  });
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
