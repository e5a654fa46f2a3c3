/** Changeline's command line as a process of its own, run from the sources. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './tool.ts';

/** How a command line ended and what it said on both outputs. */
export interface Said {
  status: number | null;
  out: string;
}

/** The program for `node --input-type=module -e`. */
export const DOOR = `import { cli } from ${JSON.stringify(pathToFileURL(join(root, 'src/index.ts')).href)};
process.exitCode = await cli(process.argv.slice(1), ${JSON.stringify(root)});`;

/** Runs `changeline <args>` in a folder. The variables come on top of PATH, HOME, TMPDIR and Node’s cache; nothing else is passed on. */
export function changeline(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Said> {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', DOOR, '--', ...args], {
    cwd,
    env: { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, out }));
  });
}
