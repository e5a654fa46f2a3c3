/** Runs a program of the checks and gives back what it said. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** Runs a program from the root of the repository. `said` is both of its outputs; `code` is its exit code. */
export function run(file: string, args: string[], cwd = root): { code: number | null; said: string } {
  const ended = spawnSync(file, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { code: ended.status, said: `${ended.stdout ?? ''}${ended.stderr ?? ''}${ended.error?.message ?? ''}` };
}

/** Runs a script of a package with the Node that runs the tests. `script` is its path inside node_modules. */
export function runPackage(script: string, args: string[]): { code: number | null; said: string } {
  return run(process.execPath, [join(root, 'node_modules', script), ...args]);
}
