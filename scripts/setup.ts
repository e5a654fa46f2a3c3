/**
 * Installs what the tests need and the machine lacks: Debian packages (as root) and the tools that are built with Go.
 * Quick where nothing is missing. Under CI=true a missing piece is an error; elsewhere it is named, and tests that
 * need it are skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  currentGo,
  type GoTool,
  missingGoTools,
  missingPackages,
  root,
  stamp,
  stampFile,
  toolsFolder,
} from './tools.ts';

/** Installs, then says what is still missing; each entry names the piece and how it is had. */
export function setup(): string[] {
  const packages = missingPackages();
  if (packages.length > 0) install(packages);
  const go = currentGo();
  for (const tool of go ? missingGoTools(go) : []) build(tool, go);
  return [
    ...missingPackages().map((name) => `${name}: apt-get install ${name}`),
    ...missingGoTools(go).map((tool) => `${tool}: install Go, then run npm run setup`),
  ];
}

/** Installs Debian packages where this user may; says so and goes on where not. */
function install(packages: string[]): void {
  const sudo = process.getuid?.() === 0 ? [] : process.env.CI === 'true' ? ['sudo', '-n', '-E'] : null;
  if (!existsSync('/etc/debian_version') || sudo === null) return;
  console.log(`setup: installing ${packages.join(', ')}`);
  for (const action of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const [file, ...args] = [...sudo, 'apt-get', '-q', ...action];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const ended = spawnSync(file!, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    if (ended.status !== 0) {
      console.error(
        `setup: apt-get ${action[0]} failed\n${ended.stdout ?? ''}${ended.stderr ?? ended.error?.message ?? ''}`,
      );
      return;
    }
  }
}

/** Builds one tool aside and moves it into place, so that two builds at once do no harm. */
function build(tool: GoTool, goVersion: string): void {
  const began = Date.now();
  console.log(`setup: building ${tool} with Go`);
  mkdirSync(toolsFolder, { recursive: true });
  const aside = join(toolsFolder, `.${tool}.${process.pid}`);
  const folder = join(root, 'tools', tool);
  const named = spawnSync('go', ['list', 'tool'], { cwd: folder, encoding: 'utf8' });
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', aside, named.stdout.trim()];
  const built = spawnSync('go', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (built.status === 0) {
    renameSync(aside, join(toolsFolder, tool));
    writeFileSync(`${aside}.stamp`, stamp(tool, goVersion));
    renameSync(`${aside}.stamp`, stampFile(tool));
    console.log(`setup: built ${tool} in ${Math.round((Date.now() - began) / 1000)} s`);
  } else {
    rmSync(aside, { force: true });
    console.error(`setup: building ${tool} failed\n${named.stderr}${built.stderr}`);
  }
}

if (import.meta.main) {
  const missing = setup();
  for (const piece of missing) console.error(`setup: missing ${piece}`);
  if (missing.length > 0 && process.env.CI === 'true') process.exitCode = 1;
}
