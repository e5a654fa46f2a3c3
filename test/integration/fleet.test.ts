/** A change on a fleet: of directories and real sshds, with services that say what they were started with. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  configSchema,
  type DeploySection,
  type Environment,
  type HostAddress,
  normalEnvironment,
} from '../../src/config/config.ts';
import {
  confirm,
  converge,
  deployFleet,
  type Fleet,
  openFleet,
  openReachable,
  prune,
  type Staged,
  survey,
  turnBack,
} from '../../src/fleet/fleet.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

const missing = sshdMissing();
const live = new AbortController().signal;
const HOSTS = 4;

/** What the service answers is what lay in `current` when it was restarted; where that failed, it does not answer. */
const RESTART = 'rm -f serving; echo r >> restarts; cp current/VERSION serving.new && mv serving.new serving';

/** The service of a root, on a port of its own. */
async function serve(root: string): Promise<Server> {
  const server = createServer((request, response) => {
    const file = join(root, 'serving');
    const version = existsSync(file) ? readFileSync(file, 'utf8') : null;
    if (version === null) return void request.socket.destroy();
    response.statusCode = request.url === '/health' && version === 'sick' ? 503 : 200;
    response.end(request.url === '/version' ? JSON.stringify({ version }) : 'ok');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

let folder: string;
let sshds: SshdFleet | null = null;
/** The strictest artifact refuses such a name; what verifies on the host must not depend on that. */
const ODD = "odd 'dir' $(id)/line\nbreak\\☃";
const artifacts = new Map<string, Staged>();
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeline-fleet-'));
  if (missing === null) sshds = await startSshds(HOSTS);
}, 30_000);
afterAll(async () => {
  await sshds?.stop();
  execFileSync('chmod', ['-R', 'u+w', folder]);
  await rm(folder, { recursive: true, force: true });
});

async function artifact(version: string, extra = version): Promise<Staged> {
  const key = `${version} ${extra}`;
  const known = artifacts.get(key);
  if (known) return known;
  const source = await mkdtemp(join(folder, 'source-'));
  await mkdir(join(source, "odd 'dir' $(id)"));
  await writeFile(join(source, 'VERSION'), version);
  await writeFile(join(source, 'same'), 'the same in every version');
  await writeFile(join(source, ODD), extra);
  await symlink('same', join(source, 'link'));
  const files = ['VERSION', 'same', ODD].map((path) => {
    const bytes = readFileSync(join(source, path));
    return { path, sha256: sha256(bytes), mode: 0o644, bytes: bytes.length };
  });
  const manifest = [...files, { path: 'link', sha256: sha256('same'), mode: 0o777, bytes: 0, link: 'same' }];
  const digest = `sha256:${sha256(JSON.stringify(manifest))}`;
  const made = { version, digest, tree: source, manifest, bytes: extra.length };
  artifacts.set(key, made);
  return made;
}

/** A fleet to test with. The sshds share one file system, so each host has a path of its own. */
interface Place {
  environment: Environment;
  roots: string[];
  open(): Promise<Fleet>;
  openReachable(): Promise<Fleet>;
  /** Ends the services. */
  close(): void;
}

const section = (changes: object = {}): DeploySection =>
  configSchema.parse({ name: 'x', artifact: 'x', environments: { p: { deploy: changes } } }).environments.p!.deploy!;
const SERVED = {
  restart: RESTART,
  health: { url: 'http://127.0.0.1:{port}/health', within: '3s' },
  version: { url: 'http://127.0.0.1:{port}/version', within: '3s' },
};

/** Every other host is a directory, with a blank in its name. */
async function mixedPlace(): Promise<Place> {
  const base = await mkdtemp(join(folder, 'hosts-'));
  return placeOf(
    Array.from({ length: HOSTS }, (_, index) =>
      sshds && index % 2 === 0 ? sshds.hosts[index]!.at : join(base, `h ${index + 1}`),
    ),
  );
}

async function sshPlace(): Promise<Place> {
  return placeOf(sshds!.hosts.map(({ at }) => at));
}

async function placeOf(addresses: string[]): Promise<Place> {
  const config = configSchema.parse({ name: 'x', artifact: 'x', environments: { p: {} } });
  const rootOf = (at: string) => sshds?.hosts.find((host) => host.at === at)?.directory ?? at;
  const hosts: HostAddress[] = [];
  const services: Server[] = [];
  for (const at of addresses) {
    const root = rootOf(at);
    execFileSync('sh', ['-c', 'mkdir -p "$1"; chmod -R u+w "$1"; rm -rf "$1"; mkdir "$1"', 'sh', root]);
    const service = await serve(root);
    services.push(service);
    hosts.push({ at, with: { port: String((service.address() as AddressInfo).port) } });
  }
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const environment = { ...normalEnvironment(config, 'p'), hosts };
  const options = {
    key: sshds?.key ?? null,
    knownHosts: sshds?.knownHosts ?? null,
    scratch,
    workspace: folder,
    signal: live,
  };
  const each = async (open: typeof openFleet) => {
    const fleets = await Promise.all(
      hosts.map((host) => open({ ...environment, hosts: [host], path: rootOf(host.at) }, options)),
    );
    const close = async () => void (await Promise.all(fleets.map((fleet) => fleet.close())));
    return { hosts: fleets.flatMap((fleet) => fleet.hosts), lost: fleets.flatMap((fleet) => fleet.lost), close };
  };
  return {
    environment,
    roots: hosts.map(({ at }) => rootOf(at)),
    open: () => each(openFleet),
    openReachable: () => each(openReachable),
    close: () => {
      for (const service of services) {
        service.close();
        service.closeAllConnections();
      }
    },
  };
}

const goOn = async () => ({ goOn: true });
const current = (place: Place) =>
  place.roots.map((root) =>
    lstatSync(join(root, 'current'), { throwIfNoEntry: false })?.isSymbolicLink()
      ? readlinkSync(join(root, 'current'))
      : null,
  );
const restarts = (place: Place) =>
  place.roots.map((root) =>
    execFileSync('sh', ['-c', 'wc -l < restarts 2>/dev/null || echo 0'], { cwd: root }).toString().trim(),
  );
const all = (value: string | null) => Array(HOSTS).fill(value);

describe('a fleet', () => {
  let place: Place;
  let fleet: Fleet;
  let log: RecordingLog;
  let fence = 0;

  beforeEach(async () => {
    place = await mixedPlace();
    log = new RecordingLog();
    fence = 0;
    fleet = await place.open();
    return async () => {
      await fleet.close();
      place.close();
    };
  });

  const work = (changes: object = {}) => ({
    change: { id: `c${fence}`, fence },
    section: section(changes),
    log,
    signal: live,
  });
  async function deploy(
    made: Staged,
    changes: object = {},
    afterWave: Parameters<typeof deployFleet>[1]['afterWave'] = goOn,
  ) {
    fence++;
    return deployFleet(fleet, { ...work(changes), artifact: made, afterWave });
  }
  async function settled(version: string, changes: object = {}) {
    expect(await deploy(await artifact(version), changes)).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(await confirm(fleet, { change: { id: `c${fence}`, fence }, version, ledger: '{"the":"state"}' })).toEqual(
      [],
    );
  }

  it('deploys wave by wave, remembers, and does nothing twice', async () => {
    await settled('1.0.0', SERVED);
    const waves: [number, number, number][] = [];
    const second = await deploy(
      await artifact('1.1.0'),
      { ...SERVED, waves: [1, '50%', '100%'] },
      async (wave, fresh, old) => {
        waves.push([wave, fresh.length, old.length]);
        return { goOn: true };
      },
    );
    expect(second.hosts.map(({ from, version, outcome }) => [from, version, outcome])).toEqual(
      all('').map(() => ['1.0.0', '1.1.0', 'live']),
    );
    expect(waves).toEqual([
      [0, 1, 3],
      [1, 2, 2],
    ]);
    await confirm(fleet, { change: { id: 'c2', fence: 2 }, version: '1.1.0', ledger: '{"the":"state"}' });
    const states = await survey(fleet);
    for (const state of states) {
      expect(state).toMatchObject({
        current: '1.1.0',
        previous: '1.0.0',
        fence: 2,
        ledger: '{"the":"state"}',
        journal: { state: 'confirmed' },
      });
    }
    for (const root of place.roots) {
      const inode = (version: string) => lstatSync(join(root, 'versions', version, 'same'));
      expect(inode('1.0.0').ino).toBe(inode('1.1.0').ino);
      expect(inode('1.1.0').mode & 0o222).toBe(0);
      expect(readdirSync(join(root, 'versions')).sort()).toEqual(['1.0.0', '1.1.0']);
    }
    const before = restarts(place);
    expect(await deploy(await artifact('1.1.0'), SERVED)).toMatchObject({ outcome: 'passed', code: 'nothing-to-do' });
    expect(restarts(place)).toEqual(before);
    expect((await turnBack(fleet.hosts, [], work(SERVED))).map(({ outcome }) => outcome)).toEqual(all('untouched'));
  });

  it('puts all back where the health never comes', async () => {
    await settled('1.0.0', SERVED);
    const result = await deploy(await artifact('sick'), SERVED);
    expect(result).toMatchObject({ outcome: 'failed', code: 'deploy-failed', turnedBack: true });
    expect(result.failures[0]).toMatchObject({ code: 'health-failed', why: expect.stringContaining('503') });
    expect(result.hosts.map(({ outcome, version }) => [outcome, version])).toEqual([
      ['back', '1.0.0'],
      ...Array(HOSTS - 1).fill(['untouched', '1.0.0']),
    ]);
    expect(current(place)).toEqual(all('versions/1.0.0'));
  });

  it('does not believe a restart that returns 0', async () => {
    await settled('1.0.0', SERVED);
    const result = await deploy(await artifact('1.1.0'), {
      ...SERVED,
      restart: 'true',
      version: { ...SERVED.version, within: '500ms' },
    });
    expect(result.failures[0]).toMatchObject({ code: 'version-mismatch', what: expect.stringContaining('1.0.0') });
    expect(current(place)).toEqual(all('versions/1.0.0'));
  });

  it('puts all back where the watch says no, draining and admitting on the way', async () => {
    const hooks = { ...SERVED, drain: 'echo out >> drained', admit: 'echo in >> drained' };
    await settled('1.0.0', hooks);
    const result = await deploy(await artifact('1.1.0'), { ...hooks, waves: ['50%', '100%'] }, async () => ({
      goOn: false,
      why: 'fewer orders',
      result: { outcome: 'failed', code: 'metric-worse', summary: 's', facts: {} },
    }));
    expect(result).toMatchObject({
      outcome: 'failed',
      code: 'metric-worse',
      summary: expect.stringMatching(/fewer orders.*2 put back.*2 untouched/),
      turnedBack: true,
    });
    expect(current(place)).toEqual(all('versions/1.0.0'));
    expect(readFileSync(join(place.roots[0]!, 'drained'), 'utf8')).toBe('out\nin\n'.repeat(3));
    expect(readFileSync(join(place.roots[3]!, 'drained'), 'utf8')).toBe('out\nin\n');
  });

  it('takes a first deploy back to nothing', async () => {
    const result = await deploy(await artifact('sick'), { ...SERVED, waves: ['100%'], 'min-in-service': '0%' });
    expect(result).toMatchObject({
      outcome: 'failed',
      turnedBack: true,
      summary: expect.stringContaining('nothing to go back to'),
    });
    expect(current(place)).toEqual(all(null));
    expect(result.hosts.map(({ outcome }) => outcome)).toEqual(all('removed'));
  });

  it.each([
    ['all', HOSTS],
    ['one', 1],
  ])('is lost, not untouched, where the root of %s of the hosts is gone', async (_, gone) => {
    await settled('1.0.0');
    const roots = place.roots.slice(0, gone);
    const result = await deploy(await artifact('1.1.0'), { waves: [1, '100%'] }, async () => {
      for (const root of roots) await rename(root, `${root}.away`);
      return { goOn: false, why: 'worse' };
    });
    const first = fleet.hosts[0]!.name;
    const backOfFirst = async () => (await turnBack(fleet.hosts, [], work())).find(({ host }) => host === first);
    const again = await backOfFirst();
    for (const root of roots) await rename(`${root}.away`, root);
    expect(result).toMatchObject({ outcome: 'failed', code: 'fleet-mixed', turnedBack: false });
    expect(result.failures).toHaveLength(gone);
    expect(result.failures[0]).toMatchObject({
      code: 'host-unfit',
      where: first,
      what: expect.stringContaining('is missing'),
      next: expect.stringContaining('mount it'),
    });
    // Later runs see it as long as another host tells that Changeline has been here.
    expect(again?.outcome).toBe(gone === HOSTS ? 'untouched' : 'lost');
    expect(await backOfFirst()).toMatchObject({ outcome: 'back', version: '1.0.0' });
    expect(current(place)).toEqual(all('versions/1.0.0'));
  });

  it('refuses what does not fit, on every host, before anything is touched', async () => {
    await settled('1.0.0');
    await rm(join(place.roots[1]!, 'current'));
    await mkdir(join(place.roots[1]!, 'current'));
    const versions = join(place.roots[2]!, 'versions');
    await writeFile(join(place.roots[2]!, '.changeline/fence'), '99\n');
    const error = await deploy(await artifact('1.1.0')).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'host-unfit', what: '2 hosts failed', untouched: 'no host was touched' });
    expect(error.message).toContain('99');
    expect(error.where).toBe([fleet.hosts[1]!.name, fleet.hosts[2]!.name].join(', '));
    expect(readdirSync(versions)).toEqual(['1.0.0']);
    expect(readdirSync(join(place.roots[1]!, 'current'))).toEqual([]);
  });

  it('never changes the live version, and stages a damaged other one again', async () => {
    await settled('1.0.0');
    await expect(deploy(await artifact('1.0.0', 'other content'))).rejects.toMatchObject({
      code: 'deploy-failed',
      what: expect.stringContaining('hosts'),
    });
    await settled('1.1.0');
    for (const root of place.roots) {
      const file = join(root, 'versions/1.0.0/VERSION');
      await chmod(file, 0o644);
      await writeFile(file, 'tampered');
    }
    expect(await deploy(await artifact('1.0.0'))).toMatchObject({ outcome: 'passed', code: 'ok' });
    for (const root of place.roots) {
      expect(readFileSync(join(root, 'current/VERSION'), 'utf8')).toBe('1.0.0');
      expect(readdirSync(join(root, 'versions')).sort()).toEqual(['1.0.0', '1.1.0']);
    }
  });

  it('begins nothing new on cancel; the next run takes back what was flipped, once', async () => {
    await settled('1.0.0', SERVED);
    const stop = new AbortController();
    fence++;
    const request = {
      ...work({ ...SERVED, waves: [2, '100%'] }),
      signal: stop.signal,
      artifact: await artifact('1.1.0'),
    };
    const afterWave = async () => {
      stop.abort();
      return { goOn: true };
    };
    const stopped = deployFleet(fleet, { ...request, afterWave });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(current(place)).toEqual(['versions/1.1.0', 'versions/1.1.0', 'versions/1.0.0', 'versions/1.0.0']);
    await mkdir(join(place.roots[3]!, `versions/.incoming-c${fence}-9`));
    await fleet.close();
    fleet = await place.open();
    fence++;
    await expect(
      deployFleet(fleet, { ...work(SERVED), artifact: await artifact('1.2.0'), afterWave: goOn }),
    ).rejects.toMatchObject({ code: 'host-busy' });
    fence--;
    const reports = await turnBack(fleet.hosts, [], work(SERVED));
    expect(reports.map(({ outcome, version }) => [outcome, version]).sort()).toEqual([
      ...Array(2).fill(['back', '1.0.0']),
      ...Array(2).fill(['untouched', '1.0.0']),
    ]);
    expect(current(place)).toEqual(all('versions/1.0.0'));
    expect(readdirSync(join(place.roots[3]!, 'versions')).filter((name) => name.startsWith('.'))).toEqual([]);
    const before = restarts(place);
    expect((await turnBack(fleet.hosts, [], work(SERVED))).map(({ outcome }) => outcome)).toEqual(all('untouched'));
    expect(restarts(place)).toEqual(before);
  });

  it('goes to any version that is there, names where it is not, and keeps what is needed', async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0']) await settled(version);
    fence++;
    expect((await converge(fleet, '1.1.0', work())).map(({ from, outcome }) => [from, outcome])).toEqual(
      all('').map(() => ['1.3.0', 'moved']),
    );
    await confirm(fleet, { change: { id: `c${fence}`, fence }, version: '1.1.0', ledger: '{}' });
    expect(await prune(fleet, { keep: 1 }, ['1.0.0'])).toEqual([]);
    expect(readdirSync(join(place.roots[0]!, 'versions')).sort()).toEqual(['1.0.0', '1.1.0', '1.3.0']);
    const absent = await converge(fleet, '1.2.0', work());
    expect(absent.map(({ failure }) => failure?.code)).toEqual(all('version-absent'));
    expect(current(place)).toEqual(all('versions/1.1.0'));
  });

  it('lets two changes on one host happen one after the other, the newer one last', async () => {
    await settled('1.0.0');
    const [older, newer] = [await artifact('1.1.0'), await artifact('1.2.0')];
    fence += 2;
    const answers = await Promise.allSettled([
      deployFleet(fleet, { ...work(), change: { id: 'older', fence: 2 }, artifact: older, afterWave: goOn }),
      deployFleet(fleet, { ...work(), change: { id: 'newer', fence: 3 }, artifact: newer, afterWave: goOn }),
    ]);
    const won = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.outcome === 'passed');
    expect(won.length).toBeLessThanOrEqual(1);
    for (const state of await survey(fleet))
      expect(['versions/1.0.0', 'versions/1.1.0', 'versions/1.2.0']).toContain(state.link);
  });
});

describe.skipIf(missing !== null)('hosts that fail', () => {
  it('names every host that cannot be connected', async () => {
    const place = await sshPlace();
    await Promise.all([sshds!.hosts[1]!.kill(), sshds!.hosts[2]!.kill()]);
    const config = { key: sshds!.key, knownHosts: sshds!.knownHosts, scratch: folder, workspace: folder, signal: live };
    const error = await openFleet({ ...place.environment, path: place.roots[0] }, config).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'host-unreachable', where: `${sshds!.hosts[1]!.at}, ${sshds!.hosts[2]!.at}` });
    place.close();
    await Promise.all([sshds!.hosts[1]!.start(), sshds!.hosts[2]!.start()]);
  });

  it('takes the others back where one dies in the middle, and says who took it out of traffic', async () => {
    const place = await sshPlace();
    const fleet = await place.open();
    const log = new RecordingLog();
    const calls = join(folder, 'isolated');
    const base = { log, signal: live, afterWave: goOn };
    await deployFleet(fleet, {
      ...base,
      change: { id: 'a', fence: 1 },
      section: section(),
      artifact: await artifact('1.0.0'),
    });
    await confirm(fleet, { change: { id: 'a', fence: 1 }, version: '1.0.0', ledger: '{}' });
    const dying = sshds!.hosts[1]!;
    const result = await deployFleet(fleet, {
      ...base,
      change: { id: 'b', fence: 2 },
      section: section({ waves: [2, '100%'], isolate: `echo {host} >> '${calls}'` }),
      artifact: await artifact('1.1.0'),
      afterWave: async () => {
        await dying.kill();
        return { goOn: false, why: 'worse' };
      },
    });
    expect(result).toMatchObject({
      outcome: 'failed',
      code: 'fleet-mixed',
      summary: expect.stringContaining(`taken out of traffic: ${dying.at}`),
    });
    expect(readFileSync(calls, 'utf8')).toBe(`${dying.hostname}\n`);
    expect(current(place)).toEqual(['versions/1.0.0', 'versions/1.1.0', 'versions/1.0.0', 'versions/1.0.0']);
    await fleet.close();
    await dying.start();
    const again = await place.openReachable();
    const reports = await turnBack(again.hosts, again.lost, {
      log,
      signal: live,
      change: { id: 'b', fence: 2 },
      section: section(),
    });
    expect(reports.filter(({ outcome }) => outcome === 'back').map(({ host }) => host)).toEqual([dying.at]);
    expect(current(place)).toEqual(all('versions/1.0.0'));
    await again.close();
    place.close();
  });
});

describe.skipIf(process.getuid?.() !== 0)('a full disk', () => {
  it('is said before or while files travel, and the live version stays', async () => {
    const disk = await mkdtemp(join(folder, 'disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return; // a container may not mount
    }
    try {
      const open = () =>
        openFleet(
          {
            ...normalEnvironment(configSchema.parse({ name: 'x', artifact: 'x', environments: { p: {} } }), 'p'),
            hosts: [{ at: disk, with: {} }],
          },
          { key: null, knownHosts: null, scratch: folder, workspace: folder, signal: live },
        );
      const fleet = await open();
      const request = { section: section(), log: new RecordingLog(), signal: live, afterWave: goOn };
      await deployFleet(fleet, { ...request, change: { id: 'a', fence: 1 }, artifact: await artifact('1.0.0') });
      await confirm(fleet, { change: { id: 'a', fence: 1 }, version: '1.0.0', ledger: '{}' });
      const large = await artifact('2.0.0', 'x'.repeat(6_000_000));
      await expect(
        deployFleet(fleet, { ...request, change: { id: 'b', fence: 2 }, artifact: large }),
      ).rejects.toMatchObject({ code: 'disk-full' });
      await expect(
        deployFleet(fleet, { ...request, change: { id: 'b', fence: 2 }, artifact: { ...large, bytes: 1 } }),
      ).rejects.toMatchObject({ code: 'disk-full' });
      expect(readlinkSync(join(disk, 'current'))).toBe('versions/1.0.0');
      expect(readdirSync(join(disk, 'versions'))).toEqual(['1.0.0']);
      await fleet.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
