/**
 * Builds dist/: types are taken off by tsc, ncc makes the bundle, terser makes it small. The result depends on the
 * sources and the locked packages alone, not on the folder, the user or the hour: `npm test` holds dist/ to it.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { minify } from 'terser';
import { root } from './tools.ts';

/** Builds src/index.ts into the folder `to`, replacing it at the very end. Throws with the compiler's words. */
export async function build(to: string): Promise<void> {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'build-'));
  try {
    const made = join(scratch, 'dist');
    bundle(scratch, made);
    refuseAbsent(made);
    for (const file of readdirSync(made).filter((name) => name.endsWith('.js'))) await shrink(join(made, file));
    rmSync(to, { recursive: true, force: true });
    cpSync(made, to, { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function bundle(scratch: string, to: string): void {
  const modules = join(root, 'node_modules');
  run(
    join(modules, 'typescript', 'bin', 'tsc'),
    ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(scratch, 'src')],
    root,
  );
  copyFileSync(join(root, 'package.json'), join(scratch, 'package.json'));
  // ncc takes `process.cwd()` in a package for a folder of assets and would copy what lies there: give it nothing.
  const empty = join(scratch, 'empty');
  mkdirSync(empty);
  const ncc = join(modules, '@vercel', 'ncc', 'dist', 'ncc', 'cli.js');
  run(ncc, ['build', '../src/index.js', '--out', to, '--no-cache', '--quiet', '--license', 'licenses.txt'], empty);
}

/** ncc takes a file of ours that is not there for one that may be absent, and builds what fails when it is run. */
function refuseAbsent(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const absent = /eval\("require"\)\("(\.[^"]*)"\)/.exec(readFileSync(join(folder, file), 'utf8'));
    if (absent) throw new Error(`a module that is imported is not there: ${absent[1]}`);
  }
}

/** ncc minifies the entry only, not what it loads on demand, so all files are shrunk here alike. */
async function shrink(file: string): Promise<void> {
  // Names of functions and classes stay: packages ask for them, and a stack trace without them says nothing.
  const options = {
    module: true,
    ecma: 2020,
    keep_classnames: true,
    keep_fnames: true,
    format: { comments: false },
  } as const;
  const { code } = await minify(readFileSync(file, 'utf8'), options);
  writeFileSync(file, `${code}\n`);
}

function run(script: string, args: string[], cwd: string): void {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const ended = spawnSync(process.execPath, [script, ...args], { cwd, env, encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(`${script} ${args.join(' ')} failed\n${ended.stdout}${ended.stderr}`);
}

if (import.meta.main) await build(resolve(process.argv[2] ?? join(root, 'dist')));
