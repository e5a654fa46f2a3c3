/** A container as the machine of a throwaway server: the same scripts run in it, by Docker or, where that is not there, Podman. */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Failure } from '../../outcome/outcome.ts';
import { run } from '../../process/process.ts';
import { answerOf, holdProcess, type Machine, type MachineRequest, unusable } from './machine.ts';
import type { ServerEngine } from './survey.ts';

const LABEL = 'changeline.throwaway';
// Another word than directories without a container begin with: process ids mean nothing across its wall.
const NAME = 'changeline-container';
/** Where the data lie inside: a volume, since the container's own layer is slow to write to. */
const DATA = '/changeline';
const PORTS: Record<ServerEngine, number> = { postgres: 5432, mariadb: 3306, mysql: 3306 };
/** Milliseconds that a pull of an image may take. */
const PULL_MS = 600_000;

/** What decides the command line of a container. */
export interface ContainerRequest {
  image: string;
  name: string;
  engine: ServerEngine;
  /** A folder of this machine for the data, or null for a volume that goes with the container. */
  scratch: string | null;
}

/** The official image of the original's major version (MariaDB and MySQL: major and minor). */
export function defaultImage(engine: ServerEngine, version: string): string {
  return `${engine}:${version
    .split('.')
    .slice(0, engine === 'postgres' ? 1 : 2)
    .join('.')}`;
}

/** `run` with the script as the program and our pipe as its input: the container ends with either. No secret is in it. */
export function runArguments(request: ContainerRequest, script: string, args: readonly string[]): string[] {
  const { image, name, engine, scratch } = request;
  return [
    ...['run', '--rm', '--interactive', '--name', name, '--label', `${LABEL}=${name}`],
    ...['--publish', `127.0.0.1::${PORTS[engine]}`, '--user', '0:0', '--workdir', '/'],
    ...(scratch === null ? ['--volume', DATA] : ['--mount', `type=bind,${csv(`source=${scratch}`)},target=${DATA}`]),
    ...['--entrypoint', 'sh', image, '-c', script, 'changeline', ...args],
  ];
}

/** `run` for a script that only looks. */
export function askArguments(
  { image }: Pick<ContainerRequest, 'image'>,
  script: string,
  args: readonly string[],
): string[] {
  const alone = [
    'run',
    '--rm',
    '--network=none',
    '--label',
    LABEL,
    '--user',
    '0:0',
    '--workdir',
    '/',
    '--volume',
    DATA,
  ];
  return [...alone, '--entrypoint', 'sh', image, '-c', script, 'changeline', ...args];
}

/** The containers of this machine whose run is gone. A name holds a hash of the machine's name and a process id. */
export function deadContainers(names: string[], machine: string, alive: (pid: number) => boolean): string[] {
  return names.filter((name) => {
    const found = new RegExp(`^${NAME}-([0-9a-f]+)-(\\d+)-[0-9a-f]+$`).exec(name);
    return found?.[1] === machine && !alive(Number(found[2]));
  });
}

/** The host's side of a published port in what `port` answers, "127.0.0.1:49153"; null where there is none. */
export function publishedPort(said: string): number | null {
  return Number(/^127\.0\.0\.1:(\d+)$/m.exec(said)?.[1]) || null;
}

type Request = Omit<MachineRequest, 'at' | 'scratch'> & { image: string | null; scratch: string | null };

/** A container that is started when the server is. Throws `tool-missing` where neither Docker nor Podman answers, `config-invalid`. */
export async function containerMachine({ image, engine, version, scratch }: Request): Promise<Machine> {
  const request = {
    image: checked(image ?? defaultImage(engine, version)),
    name: `${NAME}-${machineHash()}-${process.pid}-${randomBytes(6).toString('hex')}`,
    engine,
    scratch,
  };
  const file = await containerProgram();
  const command = (args: string[], signal?: AbortSignal) => ({ file, args, env: environment(), signal });
  const running = async () =>
    (await answerOf(command(['ps', '--all', '--filter', `label=${LABEL}`, '--format', '{{.Names}}'])))
      .split('\n')
      .filter(Boolean);
  const remove = (name: string) => run(command(['rm', '--force', '--volumes', name]));
  return {
    place: `in a container of ${request.image}`,
    folders: [DATA],
    listen: '*',
    ports: [PORTS[engine]],
    prefix: NAME,
    tunnel: null,
    live: async () => {
      for (const name of deadContainers(await running(), machineHash(), alive)) await remove(name);
      return [request.name, ...(await running())];
    },
    ask: async (script, args, signal) => {
      await pull(file, request.image, signal);
      return answerOf(command(askArguments(request, script, args), signal));
    },
    hold: (script, args, input) => holdProcess(command(runArguments(request, script, args)), input),
    near: async (port) => {
      const near = publishedPort(await answerOf(command(['port', request.name, `${port}/tcp`])));
      if (near !== null) return near;
      throw unusable(
        'the port of a container was not published on 127.0.0.1',
        undefined,
        'see how containers reach the network here',
      );
    },
    abandon: async () => void (await remove(request.name)),
  };
}

/** The folder below which containers and their volumes lie; null where it is not on this machine. */
export async function containerStore(): Promise<string | null> {
  const file = await containerProgram();
  const format = file === 'docker' ? '{{.DockerRootDir}}' : '{{.Store.GraphRoot}}';
  return (await answerOf({ file, args: ['info', '--format', format], env: environment() })).trim() || null;
}

async function containerProgram(): Promise<'docker' | 'podman'> {
  for (const file of ['docker', 'podman'] as const) {
    const args = file === 'docker' ? ['version', '--format', '{{.Server.Version}}'] : ['version'];
    const done = await run({ file, args, env: environment(), timeout: 20_000 }).catch(() => null);
    if (done?.status === 0) return file;
  }
  throw new Failure({
    code: 'tool-missing',
    what: 'neither Docker nor Podman answers here',
    untouched: 'nothing was changed',
    next: 'install or start one of them, or let backups be proven elsewhere (backup.verify.at)',
  });
}

async function pull(file: string, image: string, signal?: AbortSignal): Promise<void> {
  const there = await run({ file, args: ['image', 'inspect', image], env: environment(), signal });
  if (there.status !== 0)
    await answerOf({ file, args: ['pull', '--quiet', image], env: environment(), timeout: PULL_MS, signal });
}

/** Where the programs find their engine and its logins, if the user says so. */
function environment(): Record<string, string> {
  const names = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'XDG_RUNTIME_DIR', 'CONTAINERS_CONF'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

function checked(image: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/.test(image)) return image;
  throw new Failure({
    code: 'config-invalid',
    what: 'this is not the name of an image',
    where: `backup.verify.image: ${JSON.stringify(image)}`,
    untouched: 'nothing was started',
    next: 'write it as postgres:15 or registry.example.com/postgres:15',
  });
}

function machineHash(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 12);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** --mount takes its fields as CSV. */
function csv(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
