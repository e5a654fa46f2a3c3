/**
 * A deploy of 2,001 files and 20 MB to ten sshd hosts, against what a good bash script does: rsync with --link-dest,
 * `mv -T`, one ControlMaster a host, all hosts at once. Ours verifies every file on every host besides.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Measured } from '../scripts/bench.ts';
import { fetchArtifact } from '../src/artifact/artifact.ts';
import { configSchema, normalEnvironment } from '../src/config/config.ts';
import { confirm, deployFleet, type Fleet, openFleet, type Staged } from '../src/fleet/fleet.ts';
import { RecordingLog } from '../src/log/log.ts';
import { type SshdFleet, startSshds } from '../test/support/sshd.ts';

const HOSTS = 10;
const FILES = 2001;
const BYTES = 20_000_000;
const ROUNDS = 3;
const CHANGED = 20;

/** $1 tree, $2 version, $3 folder for sockets, $4 key, $5 known_hosts, then user@host port directory of each host. */
const REFERENCE = `set -eu
tree=$1 version=$2 sockets=$3 key=$4 known=$5; shift 5
deploy() {
  ssh="ssh -o ControlMaster=auto -o ControlPersist=60 -o ControlPath=$sockets/$2 -o BatchMode=yes -o UserKnownHostsFile=$known -o IdentitiesOnly=yes -i $key -p $2"
  $ssh "$1" "mkdir -p '$3/versions'"
  rsync -rlpt --link-dest="$3/current/" -e "$ssh" "$tree/" "$1:$3/versions/$version/"
  $ssh "$1" "cd '$3' && ln -s 'versions/$version' .next && mv -T .next current"
}
pids=
while [ $# -gt 0 ]; do deploy "$1" "$2" "$3" & pids="$pids $!"; shift 3; done
for pid in $pids; do wait "$pid"; done
`;

/** Measures a first deploy and one of a version in which 20 files changed, both with cold connections. */
export async function run(): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeline-bench-'));
  const sshds = await startSshds(HOSTS, ['MaxStartups 100']);
  try {
    const key = join(folder, 'key');
    await writeFile(key, sshds.key, { mode: 0o600 });
    const trees = await makeTrees(folder);
    const times = { first: { ours: [], reference: [] }, changed: { ours: [], reference: [] } } as Record<string, Times>;
    for (let round = 0; round < ROUNDS; round++) {
      await emptyHosts(sshds);
      times.first!.reference.push(await bash(sshds, key, trees[0], 'r1'));
      times.changed!.reference.push(await bash(sshds, key, trees[1], 'r2'));
      await emptyHosts(sshds);
      times.first!.ours.push(await deploy(sshds, folder, trees[0], '1.0.0', 1));
      times.changed!.ours.push(await deploy(sshds, folder, trees[1], '1.1.0', 2));
    }
    return [
      measured(`first deploy of ${FILES} files, 20 MB, ${HOSTS} hosts`, times.first!),
      measured(`deploy of ${CHANGED} changed files of ${FILES}, ${HOSTS} hosts`, times.changed!),
    ];
  } finally {
    await sshds.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Times {
  ours: number[];
  reference: number[];
}

function measured(name: string, times: Times): Measured {
  const [ours, reference] = [median(times.ours), median(times.reference)];
  return { name, ours, reference, ratio: ours / reference, unit: 'ms', aim: '≤ 2×' };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function makeTrees(folder: string): Promise<[string, string]> {
  const trees: [string, string] = [join(folder, 'one'), join(folder, 'two')];
  for (let index = 0; index < FILES; index++) {
    const bytes = randomBytes(Math.floor(BYTES / FILES));
    const path = join(`d${index % 40}`, `f${index}`);
    for (const [which, tree] of trees.entries()) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), which === 1 && index < CHANGED ? randomBytes(bytes.length) : bytes);
    }
  }
  // What did not change kept its time, as in a checkout that is built again: the script compares times.
  execFileSync('sh', [
    '-c',
    'cd "$1" && find . -type f -exec touch -d "2026-01-01" {} +; cd "$2" && find . -type f -exec touch -d "2026-01-01" {} +',
    'sh',
    ...trees,
  ]);
  execFileSync('sh', ['-c', `for i in $(seq 0 ${CHANGED - 1}); do touch "$1/d$((i % 40))/f$i"; done`, 'sh', trees[1]]);
  return trees;
}

async function emptyHosts({ hosts }: SshdFleet): Promise<void> {
  for (const { directory } of hosts) {
    execFileSync('sh', ['-c', 'chmod -R u+w "$1"; rm -rf "$1"; mkdir "$1"', 'sh', directory]);
  }
}

/** Milliseconds of the script; its masters are closed afterwards. */
async function bash(sshds: SshdFleet, key: string, tree: string, version: string): Promise<number> {
  const sockets = await mkdtemp('/tmp/cb-');
  const login = (at: string) => at.replace(/:\d+$/, '');
  const hosts = sshds.hosts.flatMap(({ at, port, directory }) => [login(at), String(port), directory]);
  const began = performance.now();
  await ended('bash', ['-c', REFERENCE, 'bash', tree, version, sockets, key, sshds.knownHosts, ...hosts]);
  const took = performance.now() - began;
  for (const { at, port } of sshds.hosts) {
    await ended('ssh', ['-o', `ControlPath=${join(sockets, String(port))}`, '-O', 'exit', login(at)]);
  }
  await rm(sockets, { recursive: true, force: true });
  return took;
}

function ended(file: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${file}: ${words}`))));
  });
}

/** Milliseconds from connecting to the confirmed end; fetching the artifact is not part of it, nor of the script. */
async function deploy(sshds: SshdFleet, folder: string, tree: string, version: string, fence: number): Promise<number> {
  const artifact = await made(folder, tree, version);
  const config = configSchema.parse({
    name: 'x',
    artifact: 'x',
    environments: { p: { deploy: { waves: ['100%'], 'min-in-service': '0%' } } },
  });
  const environment = normalEnvironment(config, 'p');
  const signal = new AbortController().signal;
  const options = { key: sshds.key, knownHosts: sshds.knownHosts, scratch: folder, workspace: folder, signal };
  const began = performance.now();
  // The sshds share one file system, so each host has a path of its own.
  const fleets = await Promise.all(
    sshds.hosts.map(({ at, directory }) =>
      openFleet({ ...environment, hosts: [{ at, with: {} }], path: directory }, options),
    ),
  );
  const fleet: Fleet = {
    hosts: fleets.flatMap(({ hosts }) => hosts),
    lost: [],
    close: async () => void (await Promise.all(fleets.map((each) => each.close()))),
  };
  const change = { id: `bench-${fence}`, fence };
  const section = environment.deploy!;
  const result = await deployFleet(fleet, {
    artifact,
    change,
    section,
    log: new RecordingLog(),
    signal,
    afterWave: async () => ({ goOn: true }),
  });
  const untold = await confirm(fleet, { change, version, ledger: '{}' });
  const took = performance.now() - began;
  await fleet.close();
  if (result.outcome !== 'passed' || untold.length > 0) throw new Error(result.summary);
  return took;
}

async function made(folder: string, tree: string, version: string): Promise<Staged> {
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const github = () => {
    throw new Error('no GitHub');
  };
  return fetchArtifact({
    source: tree,
    digest: null,
    version,
    workspace: folder,
    scratch,
    github,
    log: new RecordingLog(),
    signal: new AbortController().signal,
  });
}
