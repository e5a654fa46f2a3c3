/**
 * Podman with an image that holds the PostgreSQL of this machine: no registry is asked. What it stores lies in a folder
 * of its own. It needs root, and the packages podman and runc (crun refuses machines whose cgroups are of both versions).
 */
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export interface Podman {
  /** To be put first on the PATH: podman with this store, and no docker that answers. */
  bin: string;
  image: string;
  run(...args: string[]): string;
  stop(): void;
}

const POSTGRES = '/usr/lib/postgresql';
/** The compiler of queries, with its libraries the larger half of it all, and what nobody reads there. */
const LEFT_OUT = /\/(bitcode|llvmjit[^/]*|pgxs|locale|man)$/;
const TOOLS =
  'cat chmod chown cp cut df env find getconf grep head id ls mktemp mkdir rm sed setpriv sh sleep tail tr true'.split(
    ' ',
  );

/** Why there is none; null where it can be tried. */
export function podmanMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can do this here';
  if (!existsSync('/usr/bin/podman') || !existsSync('/usr/sbin/runc')) return 'podman or runc is not installed';
  return existsSync(POSTGRES) ? null : 'PostgreSQL is not where Debian puts it';
}

/** Makes the image and the wrapper. */
export function startPodman(): Podman {
  const folder = mkdtempSync(join(tmpdir(), 'podman-'));
  const version = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a))[0]!;
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const settings =
    '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\n';
  writeFileSync(join(folder, 'containers.conf'), settings);
  const store = `--storage-driver=overlay --root '${folder}/store' --runroot '${folder}/run'`;
  writeFileSync(
    join(bin, 'podman'),
    `#!/bin/sh\nexport CONTAINERS_CONF='${folder}/containers.conf'\nexec /usr/bin/podman ${store} "$@"\n`,
  );
  writeFileSync(join(bin, 'docker'), '#!/bin/sh\nexit 1\n');
  for (const name of ['podman', 'docker']) chmodSync(join(bin, name), 0o755);
  const run = (...args: string[]) =>
    execFileSync(join(bin, 'podman'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const image = `localhost/changeline-postgres:${version}`;
  const path = `${POSTGRES}/${version}/bin:/usr/bin:/bin`;
  const tar = join(folder, 'root.tar');
  execFileSync('tar', ['-C', rootOf(join(folder, 'root'), version), '-cf', tar, '.']);
  run('import', '--quiet', '--change', `ENV PATH=${path}`, tar, image);
  const stop = () => {
    run('rm', '--all', '--force', '--time', '0');
    rmSync(folder, { recursive: true, force: true });
  };
  return { bin, image, run, stop };
}

/** A root with PostgreSQL, a shell and what the scripts call, with the libraries of all of them. */
function rootOf(root: string, version: string): string {
  const home = join(POSTGRES, version);
  const tools = TOOLS.map((name) => ['/usr/bin', '/bin'].map((at) => join(at, name)).find((file) => existsSync(file))!);
  for (const folder of ['tmp', 'etc', 'proc', 'sys', 'dev', 'run', 'usr/share'])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const folder of [home, `/usr/share/postgresql/${version}`])
    cpSync(folder, join(root, folder), { recursive: true, dereference: true, filter: (path) => !LEFT_OUT.test(path) });
  for (const file of [...tools, '/bin/sh']) copyInto(root, file);
  const programs = ['bin', 'lib'].flatMap((folder) =>
    readdirSync(join(root, home, folder)).map((name) => join(home, folder, name)),
  );
  for (const file of [...tools, ...programs.filter((file) => /\/bin\/|\.so$/.test(file))])
    for (const library of libraries(file)) copyInto(root, library);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\npostgres:x:999:\n');
  return root;
}

function copyInto(root: string, file: string): void {
  const to = join(root, dirname(file), basename(file));
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(file), to);
  accessSync(to);
}

function libraries(file: string): string[] {
  try {
    return (
      execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .match(/\/\S+/g)
        ?.filter((path) => !path.endsWith(':')) ?? []
    );
  } catch {
    return []; // a script
  }
}
