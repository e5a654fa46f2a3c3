/** Folders as texts, so that two looks at one can be compared. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every file, link and folder below `root` with a word for its content; paths that `left` accepts are left out. */
export function snapshot(root: string, left: (path: string) => boolean = () => false): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const inside = path ? `${path}/${name}` : name;
      if (left(inside)) continue;
      const full = join(root, inside);
      const entry = lstatSync(full);
      if (entry.isSymbolicLink()) found[inside] = `-> ${readlinkSync(full)}`;
      else if (entry.isDirectory()) {
        found[inside] = 'folder';
        walk(inside);
      } else found[inside] = entry.isFile() ? createHash('sha256').update(readFileSync(full)).digest('hex') : 'other';
    }
  };
  if (existsSync(root)) walk('');
  return found;
}

/** Every regular file below the folders, with its bytes. */
export function filesBelow(...roots: string[]): { path: string; bytes: Buffer }[] {
  return roots
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path) }));
}
