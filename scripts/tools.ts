/** The programs that the tests need, where they lie, and which of them are missing. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** Where the tools that are built with Go lie: outside the tree, so that every clone finds them. */
export const toolsFolder = process.env.CHANGELINE_TOOLS || join(homedir(), '.cache', 'changeline-tools', 'bin');

/** Built from the pinned modules in tools/<name>. */
export const GO_TOOLS = ['actionlint', 'act', 'k6', 'versitygw', 'dbmate'] as const;
export type GoTool = (typeof GO_TOOLS)[number];

/** Programs of the Debian packages. */
const PROGRAMS: Record<string, string[]> = {
  'openssh-server': ['sshd', 'ssh-keygen'],
  rsync: ['rsync'],
  'mariadb-server': ['mariadbd', 'mariadb-install-db'],
  'mariadb-client': ['mariadb', 'mariadb-dump'],
  pgbackrest: ['pgbackrest'],
  postgresql: ['postgres', 'initdb', 'psql', 'pg_dump'],
  prometheus: ['prometheus'],
  age: ['age'],
  zstd: ['zstd'],
  sqlite3: ['sqlite3'],
};

/** The PATH that tests run with: our tools and Node first, then the places that daemons live in. */
export function searchPath(): string {
  const own = [toolsFolder, join(root, 'node_modules', '.bin')];
  const daemons = ['/usr/sbin', '/usr/local/sbin', ...postgresFolders()];
  return [...new Set([...own, ...(process.env.PATH ?? '').split(delimiter), ...daemons])]
    .filter(Boolean)
    .join(delimiter);
}

/** The Debian packages of which a program is on no search path. */
export function missingPackages(): string[] {
  const folders = searchPath().split(delimiter);
  const found = (program: string) => folders.some((folder) => isProgram(join(folder, program)));
  return Object.keys(PROGRAMS).filter((name) => !PROGRAMS[name]!.every(found));
}

/** The Go tools that are not there, or were built from other pins or by another Go. */
export function missingGoTools(goVersion: string): GoTool[] {
  return GO_TOOLS.filter((tool) => {
    if (!isProgram(join(toolsFolder, tool)) || !existsSync(stampFile(tool))) return true;
    const [pins, version] = readFileSync(stampFile(tool), 'utf8').split(' ');
    return pins !== pinsOf(tool) || (goVersion !== '' && version !== goVersion);
  });
}

/** What a built tool was made from: the digest of its pins and sources, and the Go that built it. */
export function stamp(tool: GoTool, goVersion: string): string {
  return `${pinsOf(tool)} ${goVersion}`;
}

/** Of the module's pins, and of its own sources where it has any. */
function pinsOf(tool: GoTool): string {
  const folder = join(root, 'tools', tool);
  const sources = readdirSync(folder).filter((name) => name.endsWith('.go'));
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', ...sources.sort()]) hash.update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

export function stampFile(tool: GoTool): string {
  return join(toolsFolder, `.${tool}.stamp`);
}

/** The version of the machine's Go; '' where there is none. Without Go, a tool that was built before stays good. */
export function currentGo(): string {
  try {
    return execFileSync('go', ['env', 'GOVERSION'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian keeps PostgreSQL's own programs off the PATH. Newest first. */
function postgresFolders(): string[] {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return [];
  return readdirSync(base)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(base, version, 'bin'));
}
