/**
 * Undoes migrations, newest first, by the ways back that were kept in the database when they were applied: a rollback
 * needs no artifact, and what runs is what was there when the migration was reviewed.
 */
import type { Engine, Runner, Session } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { cancelled } from './failing.ts';
import { halfReverted, type JournalRecord, key, type Recorded, refuseHalves } from './pending.ts';
import { Records } from './records.ts';
import { type Applied, atomically, type Job, type RunningOptions, stepByStep, underMutex } from './running.ts';
import { isAtomic, type Tool, wayBack } from './script.ts';
import type { Statement } from './statements.ts';
import { compareVersions, isVersion } from './version.ts';

/** A migration that may be undone. */
export interface Down {
  version: string;
  /** Empty where it is not known. */
  name: string;
  /** Its way back is kept in the database. */
  has: boolean;
  /** It is on record in the table of dbmate or Flyway: there is something to undo. */
  applied: boolean;
}

/** One migration on its way back. */
interface Way {
  version: string;
  name: string;
  statements: Statement[];
  transaction: boolean;
  /** Its version as the tool's table spells it. */
  recorded: string;
}

/** What is known of the way back of each version, in the order asked for. Changes nothing. */
export async function findDowns(session: Runner, engine: Engine, versions: string[]): Promise<Down[]> {
  const downs = await (await Records.open(session, engine, 'dbmate')).downs();
  const recorded = new Set<string>();
  for (const tool of ['dbmate', 'flyway'] as const)
    for (const { version } of (await (await Records.open(session, engine, tool)).read()).tool)
      recorded.add(key(version));
  return versions.map((version) => {
    const [, kept] = [...downs].find(([one]) => key(one) === key(version)) ?? [];
    const has = kept !== undefined && kept.script !== null;
    return { version, name: kept?.name ?? '', has, applied: recorded.has(key(version)) };
  });
}

/**
 * Undoes `versions`, given newest first, which have to be those that were applied last: what was applied after one may
 * stand on it. All ways back are read before the first runs; each runs in one transaction with the removal of its
 * records where the engine can. Returns what was run, in order. Throws `data-irreversible` where there is no way back
 * or the order is another, `migration-half-applied` where one stopped in the middle, now or before, and else as
 * `applyMigrations` does.
 */
export async function revertMigrations(
  session: Session,
  versions: string[],
  options: RunningOptions,
): Promise<Applied[]> {
  return underMutex(session, options, async (begin) => {
    if (versions.length === 0) return [];
    const { records, recorded, tool } = await recordsWith(session, options.engine, versions[0]!);
    refuseHalves(recorded, tool);
    refuseGaps(versions, recorded);
    const ways = await waysBack(versions, records, recorded, options.engine);
    const run = await begin();
    const done: Applied[] = [];
    for (const way of ways) {
      if (options.signal.aborted) throw cancelled({ file: fileOf(way) }, done.length);
      const job = jobOf(way, records, tool);
      done.push(await (isAtomic(way, options.engine) ? atomically(run, job) : stepByStep(run, job)));
    }
    return done;
  });
}

/** The record that the version is in. Of EF Core's there is no way back: its script holds none. */
async function recordsWith(
  session: Session,
  engine: Engine,
  version: string,
): Promise<{ records: Records; recorded: Recorded; tool: Tool }> {
  for (const tool of ['dbmate', 'flyway'] as const) {
    const records = await Records.open(session, engine, tool);
    const recorded = await records.read();
    if (recorded.tool.some((record) => key(record.version) === key(version))) return { records, recorded, tool };
  }
  throw irreversible(
    version,
    'it is not on record as applied by dbmate, Flyway or Changeline',
    'nothing has to be undone of it here',
  );
}

/** Throws where another was applied after one of them, or they are in another order than newest first. */
function refuseGaps(versions: string[], recorded: Recorded): void {
  const journal = new Map(recorded.journal.map((record) => [key(record.version), record]));
  const stay = new Set(recorded.tool.map(({ version }) => version).filter(isVersion));
  for (const version of [...versions].reverse()) {
    const same = [...stay].find((one) => key(one) === key(version));
    if (same === undefined)
      throw irreversible(
        version,
        'it is not on record as applied, or it was named twice',
        'see what the database has recorded',
      );
    stay.delete(same);
  }
  versions.forEach((version, index) => {
    const later = [...versions.slice(index + 1), ...stay].find((other) => isLater(other, version, journal));
    if (later !== undefined)
      throw irreversible(version, `${later} was applied after it, and may stand on it`, `undo ${later} first`);
  });
}

/** By the time when each was applied: one that was held back came later than its version says. */
function isLater(a: string, b: string, journal: Map<string, JournalRecord>): boolean {
  const [first, second] = [journal.get(key(a))?.applied, journal.get(key(b))?.applied];
  if (first && second && first !== second) return first > second;
  return compareVersions(a, b) > 0;
}

async function waysBack(versions: string[], records: Records, recorded: Recorded, engine: Engine): Promise<Way[]> {
  const downs = await records.downs();
  return versions.map((version) => {
    const [same, kept] = [...downs].find(([one]) => key(one) === key(version)) ?? [version, undefined];
    if (!kept || kept.script === null)
      throw irreversible(
        version,
        'no way back was kept when it was applied',
        'keep the data as they are, or restore the backup',
      );
    const recordedAs = recorded.tool.find((one) => key(one.version) === key(version))!.version;
    const way = { version: same, name: kept.name, recorded: recordedAs };
    return { ...way, ...wayBack(kept.script, fileOf(way), engine) };
  });
}

function jobOf(way: Way, records: Records, tool: Tool): Job {
  const { version, name, statements, recorded } = way;
  return {
    ...{ version, name, statements, file: fileOf(way) },
    called: `the way back of migration ${version}`,
    chains: false,
    prepare: () => records.create(),
    begins: () => records.backAt(version, { done: 0, begun: 1 }),
    statementBegins: (number) => records.backAt(version, { done: number - 1, begun: number }),
    ends: (_took, commit) => records.reverted(version, recorded, commit),
    half: (number, left, why) => half(way, records, tool, number, left, why),
  };
}

async function half(
  { version, name, statements }: Way,
  records: Records,
  tool: Tool,
  number: number,
  left: boolean,
  why: string,
): Promise<Failure | null> {
  const back = { done: number - 1, begun: left ? number : number - 1 };
  try {
    if (back.begun === 0) {
      await records.backForgotten(version);
      return null;
    }
    await records.backAt(version, back);
  } catch {
    back.begun = number; // the connection is gone: the journal says what was begun, and that is all that is known
  }
  return halfReverted({ version, name, back }, tool, why, statements.length);
}

function fileOf({ version, name }: Pick<Way, 'version' | 'name'>): string {
  return `way back of ${version}${name ? ` (${name})` : ''}`;
}

function irreversible(version: string, why: string, next: string): Failure {
  return new Failure({
    code: 'data-irreversible',
    what: `migration ${version} cannot be undone`,
    where: 'changeline_migrations',
    why,
    untouched: 'nothing was undone',
    next,
    facts: { version },
  });
}
