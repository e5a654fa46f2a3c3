/** The list of everything in an unpacked artifact: what a host must hold, byte for byte, to have the version. */
import { createHash } from 'node:crypto';

/** One file or symlink. Folders are not listed; an empty one is not part of an artifact. */
export interface ManifestEntry {
  /** Relative to the tree, with `/`. */
  path: string;
  /** Lower-case hex of the content; of the target's text for a symlink. */
  sha256: string;
  /** Permission bits (0o644 …); 0o777 for a symlink. */
  mode: number;
  /** Size; 0 for a symlink. */
  bytes: number;
  /** The target of a relative symlink inside the tree. */
  link?: string;
}

/** Sorted by path, by code unit: the same everywhere. */
export function sortManifest(entries: ManifestEntry[]): ManifestEntry[] {
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `sha256:<hex>` of a sorted manifest: two trees with the same files, modes and links share it. */
export function digestOfManifest(manifest: readonly ManifestEntry[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256, mode, link } of manifest) {
    hash.update(`${JSON.stringify([path, sha256, mode.toString(8), link ?? null])}\n`);
  }
  return `sha256:${hash.digest('hex')}`;
}
