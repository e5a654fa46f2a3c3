/** Which backups are kept, and clearing away the others and what killed runs left. */
import type { Vault } from '../vault/vault.ts';
import { manifestsIn } from './find.ts';
import { LEVELS, leftovers, type Manifest, manifestName, parseName } from './manifest.ts';

/** A run may take this long before its files count as left behind. */
const RUN_MS = 24 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** Rules of what is kept: so many of the newest, so many of each day, week, month. No rule at all keeps everything. */
export interface KeepPolicy {
  last?: number | undefined;
  daily?: number | undefined;
  weekly?: number | undefined;
  monthly?: number | undefined;
}

/** What was cleared, for people. */
export interface Kept {
  /** Ids of backups that went, newest first. */
  deleted: string[];
  /** The manifests of `deleted`. */
  gone: Manifest[];
  /** Ids of backups that no rule keeps, and that somebody may still need; newest first. */
  protected: string[];
  /** Names of files of runs that never finished, removed. */
  abandoned: string[];
  /** Names of files of runs that may still be at work, or were killed within the last day; left alone. */
  perhapsRunning: string[];
  /** Names of manifests that cannot be read; their files are left alone. */
  damaged: string[];
}

/**
 * Which of a scope's backups go, newest first; `manifests` in any order. A backup stays where any rule keeps it:
 * `last: n` the newest n; `daily: n` the newest backup of each of the last n days that have one, and so by ISO weeks
 * (from Monday) and months, all in UTC. A day without a backup does not use up one of the n. This is how `restic forget`
 * reads its --keep rules (https://restic.readthedocs.io/en/stable/060_forget.html). Never goes the newest of those with
 * the best level, nor one in `protectedIds`; none goes without a rule. Pure.
 */
export function expired(manifests: Manifest[], policy: KeepPolicy, protectedIds: Iterable<string>): Manifest[] {
  const { last, daily, weekly, monthly } = policy;
  const rules = [
    { count: last, period: ({ id }: Manifest) => id },
    { count: daily, period: (of: Manifest) => dayOf(of) },
    // 1 January 1970 was a Thursday: three days after a Monday.
    { count: weekly, period: (of: Manifest) => Math.floor((dayOf(of) + 3) / 7) },
    { count: monthly, period: ({ began }: Manifest) => new Date(began).toISOString().slice(0, 7) },
  ];
  if (rules.every(({ count }) => count === undefined)) return [];
  const newestFirst = manifests.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const stay = new Set(protectedIds);
  const best = bestOf(newestFirst);
  if (best) stay.add(best.id);
  for (const { count = 0, period } of rules)
    for (const manifest of newestOfEach(newestFirst, period).slice(0, count)) stay.add(manifest.id);
  return newestFirst.filter(({ id }) => !stay.has(id));
}

/**
 * Deletes what `expired` names, and what runs left behind more than a day ago. `protectedIds` are backups that an open
 * change or incident names. Throws what the vault throws; what is half done then is finished by the next call.
 */
export async function clearOld(
  vault: Vault,
  scope: string,
  policy: KeepPolicy,
  protectedIds: Iterable<string>,
  now = new Date(),
): Promise<Kept> {
  const listed = await vault.list();
  const names = listed.map(({ name }) => name);
  const [manifests, damaged]: [Manifest[], string[]] = [[], []];
  for await (const { name, manifest } of manifestsIn(vault, listed, scope)) {
    if (manifest) manifests.push(manifest);
    else damaged.push(name);
  }
  const needed = new Set(protectedIds);
  const old = expired(manifests, policy, needed);
  const spared = expired(manifests, policy, []).filter(({ id }) => needed.has(id));
  const { abandoned, perhapsRunning } = leftovers(names, scope, now, RUN_MS);
  for (const name of abandoned) await vault.remove(name);
  for (const { id } of old) {
    // The manifest goes first: what is half deleted is then no backup any more, and the next run clears it.
    await vault.remove(manifestName(id));
    for (const name of names.filter((each) => parseName(each)?.id === id)) await vault.remove(name);
  }
  const ids = (of: Manifest[]) => of.map(({ id }) => id);
  return { deleted: ids(old), gone: old, protected: ids(spared), abandoned, perhapsRunning, damaged };
}

/** The newest of those with the best level. */
function bestOf(newestFirst: Manifest[]): Manifest | undefined {
  const level = LEVELS.findLast((each) => newestFirst.some((manifest) => manifest.level === each));
  return newestFirst.find((manifest) => manifest.level === level);
}

function newestOfEach(newestFirst: Manifest[], period: (manifest: Manifest) => string | number): Manifest[] {
  const seen = new Set<string | number>();
  return newestFirst.filter((manifest) => {
    const of = period(manifest);
    return !seen.has(of) && seen.add(of);
  });
}

/** The day on which a backup was begun, UTC, counted from 1 January 1970. */
function dayOf({ began }: Manifest): number {
  return Math.floor(Date.parse(began) / DAY_MS);
}
