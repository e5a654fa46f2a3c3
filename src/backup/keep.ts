/** Keeping the newest backups, and clearing away what killed runs left. */
import { text } from 'node:stream/consumers';
import type { Vault } from '../vault/vault.ts';
import { expired, leftovers, type Manifest, parseName, unsealed } from './manifest.ts';

/** A run may take this long before its files count as left behind. */
const RUN_MS = 24 * 3_600_000;

/** What was cleared, for people. */
export interface Kept {
  /** Ids of backups that went because of `last`. */
  deleted: string[];
  /** Names of files of runs that never finished, removed. */
  abandoned: string[];
  /** Names of files of runs that may still be at work, or were killed within the last day; left alone. */
  perhapsRunning: string[];
  /** Names of manifests that cannot be read; their files are left alone. */
  damaged: string[];
}

/** Deletes all but the newest `last` backups of an environment (all stay where it is null), never the newest proven one. */
export async function keepNewest(
  vault: Vault,
  environment: string,
  last: number | null,
  now = new Date(),
): Promise<Kept> {
  const names = await vault.list();
  const { abandoned, perhapsRunning } = leftovers(names, environment, now, RUN_MS);
  for (const name of abandoned) await vault.remove(name);
  const { manifests, damaged } = await readManifests(vault, names, environment);
  const old = last === null ? [] : expired(manifests, last);
  for (const manifest of old) {
    // The manifest goes first: what is half deleted is then no backup any more, and the next run clears it.
    await vault.remove(`${manifest.id}.manifest.json`);
    for (const name of names.filter((each) => parseName(each)?.id === manifest.id)) await vault.remove(name);
  }
  return { deleted: old.map(({ id }) => id), abandoned, perhapsRunning, damaged };
}

async function readManifests(
  vault: Vault,
  names: string[],
  environment: string,
): Promise<{ manifests: Manifest[]; damaged: string[] }> {
  const manifests: Manifest[] = [];
  const damaged: string[] = [];
  for (const name of names) {
    const of = parseName(name);
    if (!of?.manifest || of.environment !== environment) continue;
    const found = await vault
      .get(name)
      .then(text)
      .then((json) => unsealed(json, name))
      .catch(() => null);
    if (found) manifests.push(found.manifest);
    else damaged.push(name);
  }
  return { manifests, damaged };
}
