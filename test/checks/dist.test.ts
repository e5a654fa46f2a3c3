/** dist/ is what the sources build to, byte for byte, and small enough to be fetched with every use. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build } from '../../scripts/build.ts';
import { root } from '../support/tool.ts';

const dist = join(root, 'dist');

test('dist is byte for byte what npm run build gives', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'changeline-dist-'));
  try {
    const fresh = join(scratch, 'dist');
    await build(fresh);
    expect(filesOf(dist), 'run npm run build').toEqual(filesOf(fresh));
    const differing = filesOf(fresh).filter(
      (path) => !readFileSync(join(dist, path)).equals(readFileSync(join(fresh, path))),
    );
    expect(differing, 'run npm run build').toEqual([]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test('dist weighs no more than 4 MB', () => {
  const bytes = filesOf(dist).reduce((sum, path) => sum + readFileSync(join(dist, path)).length, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(4_000_000);
});

/** The paths of all files below a folder, sorted. */
function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
