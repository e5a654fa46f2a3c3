/** Hosts as they are reached: a directory, and real sshds. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { endGroup } from '../../src/process/process.ts';
import { END_GROUP } from '../../src/transport/scripts.ts';
import { type ConnectOptions, connect, type Host, type ShOptions } from '../../src/transport/transport.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

const missing = sshdMissing();
const ODD = [
  "it's",
  '"q"',
  '$(id)',
  '`id`',
  'a b',
  ' ',
  '',
  'line\nbreak\n',
  'ünï ☃',
  '-n',
  '*',
  '\\n',
  '%s',
  "'; false; '",
];
const live = new AbortController().signal;

let folder: string;
let sshds: SshdFleet | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeline-transport-'));
  if (missing === null) sshds = await startSshds(2);
}, 30_000);
afterAll(async () => {
  await sshds?.stop();
  await rm(folder, { recursive: true, force: true });
});

function options(changes: Partial<ConnectOptions> = {}): ConnectOptions {
  const { hosts, key, knownHosts } = sshds ?? { hosts: [], key: null, knownHosts: null };
  return {
    path: hosts[0]?.directory ?? null,
    key,
    knownHosts,
    scratch: folder,
    workspace: folder,
    signal: live,
    ...changes,
  };
}

const kinds: [string, boolean, () => Promise<Host>][] = [
  [
    'a local directory',
    false,
    async () => {
      await mkdir(join(folder, 'local host'), { recursive: true });
      return connect({ at: './local host', with: {} }, options());
    },
  ],
  ['a host over SSH', missing !== null, () => connect({ at: sshds!.hosts[0]!.at, with: {} }, options())],
];

describe.each(kinds)('%s', (_, skip, open) => {
  let host: Host;
  beforeAll(async () => {
    if (!skip) host = await open();
  });
  afterAll(async () => await host?.close());
  const test = it.skipIf(skip);

  test('gives arguments, variables, status and both outputs through as they are', async () => {
    const script = 'for a; do printf "%s\\0" "$a"; done; printf %s "$ODD_ONE" >&2; exit 7';
    const result = await host.sh(script, { args: ODD, env: { ODD_ONE: ODD.join('|') } });
    expect(result).toMatchObject({ status: 7, stderr: ODD.join('|'), timedOut: false });
    expect(result.stdout.split('\0').slice(0, -1)).toEqual(ODD);
  });

  test('survives scripts that exit, fail to parse, or change what a shell holds', async () => {
    expect((await host.sh('if; then')).status).not.toBe(0);
    expect((await host.sh('exit 9')).status).toBe(9);
    expect((await host.sh('set -eu; cd /; umask 777; X=1; false')).status).toBe(1);
    expect(await host.sh('echo "${X:-unset}"')).toMatchObject({ status: 0, stdout: 'unset\n' });
  });

  test('keeps answers of jobs at the same time apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => host.sh('echo "$1"', { args: [String(index)] })),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
  });

  test('carries binary input there and back, and large output', async () => {
    const bytes = randomBytes(3_000_000);
    await host.write("odd 'name' $(id)/☃\nfile", bytes, 0o640);
    expect((await host.read("odd 'name' $(id)/☃\nfile")).equals(bytes)).toBe(true);
    const there = await host.sh('stat -c %a "$1"; wc -c < "$1"', {
      args: [join(host.path, "odd 'name' $(id)/☃\nfile")],
    });
    expect(there.stdout.replace(/\s+/g, ' ')).toBe('640 3000000 ');
    const large = await host.sh('head -c 5000000 /dev/zero | tr "\\0" x');
    expect(large.stdout.length).toBe(5_000_000);
  });

  test('gives text input to the script and nothing to one without', async () => {
    expect((await host.sh('cat; echo "$1"', { input: 'in', args: ['x'] })).stdout).toBe('inx\n');
    expect((await host.sh('cat')).stdout).toBe('');
    expect((await host.sh('true', { input: randomBytes(500_000) })).status).toBe(0);
  });

  test('ends a script at its time limit with all that it started', async () => {
    const result = await host.sh('sleep 86 & echo $!; sleep 87', { timeout: 1000 });
    expect(result).toMatchObject({ timedOut: true });
    const pid = Number(result.stdout.trim());
    expect(pid).toBeGreaterThan(1);
    expect(existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('86');
    expect((await host.sh('echo on')).stdout).toBe('on\n');
  });

  test('ends a script on cancel', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    await expect(host.sh('sleep 88', { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('does not wait for what a script leaves in the background', async () => {
    const result = await host.sh('sleep 30 & echo $!', { timeout: 20_000 });
    expect(result).toMatchObject({ status: 0, timedOut: false });
    const pid = Number(result.stdout);
    expect(pid).toBeGreaterThan(1); // 0 would be all of us
    process.kill(pid, 'SIGTERM');
  });

  test('streams 50 MB of output as they are, and says how the script ended where it failed', async () => {
    const file = join(host.path, 'large');
    await host.write(file, randomBytes(50_000_000), 0o600);
    const wanted = createHash('sha256').update(readFileSync(file)).digest('hex');
    const hash = createHash('sha256');
    for await (const chunk of host.stream('cat -- "$1"', { args: [file] })) hash.update(chunk);
    expect(hash.digest('hex')).toBe(wanted);
    const failing = host.stream('cat; echo "no $WORD left" >&2; exit 3', { env: { WORD: 'room' }, input: 'in' });
    await expect(text(failing)).rejects.toMatchObject({
      code: 'host-unfit',
      where: host.name,
      why: 'status 3: no room left',
      facts: { status: 3 },
    });
  });

  test('ends the script behind a stream that is destroyed, cancelled, or late, with all that it started', async () => {
    const stop = new AbortController();
    const ways: [(stream: Readable) => unknown, ShOptions, unknown][] = [
      [(stream) => stream.destroy(), {}, undefined],
      [() => stop.abort(), { signal: stop.signal }, expect.objectContaining({ code: 'cancelled' })],
      [() => {}, { timeout: 1000 }, expect.objectContaining({ code: 'host-unfit' })],
    ];
    for (const [end, how, error] of ways) {
      const stream = host.stream('sleep 86 & echo $!; yes', how).on('error', () => {});
      const [first] = (await once(stream, 'data')) as [Buffer];
      stream.pause();
      end(stream);
      if (!stream.closed) await once(stream, 'close').catch(() => {});
      const pid = Number.parseInt(first.toString(), 10);
      expect(pid).toBeGreaterThan(1);
      expect(existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('86');
      if (error !== undefined) expect(stream.errored).toEqual(error);
    }
    await expect(text(host.stream('cat', { signal: stop.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    await expect(text(host.stream('kill -9 $$'))).rejects.toMatchObject({
      code: expect.stringMatching(/^host-(unfit|unreachable)$/), // ssh does not tell a signal there from its own end
    });
  });

  test('never gives a script half of its input as all of it', async () => {
    const input = () =>
      Readable.from(
        (async function* () {
          yield 'half';
          throw new Error('the input broke');
        })(),
      );
    const [script, args] = ['cat >"$1.part" && mv "$1.part" "$1"', [join(host.path, 'whole')]];
    await expect(text(host.stream(script, { args, input: input() }))).rejects.toThrow('the input broke');
    await expect(host.sh(script, { args, input: input() })).rejects.toThrow('the input broke');
    expect(existsSync(args[0]!)).toBe(false);
    // One that has enough lets go of its source.
    const endless = Readable.from(
      (function* () {
        for (;;) yield 'more ';
      })(),
    );
    expect(await host.sh('head -c 4', { input: endless })).toMatchObject({ status: 0, stdout: 'more' });
    await vi.waitFor(() => expect(endless.destroyed).toBe(true));
  });

  test('names a file that cannot be read or written', async () => {
    await expect(host.read('nowhere')).rejects.toMatchObject({ code: 'host-unfit', where: host.name });
    await host.write('plain', Buffer.from('x'), 0o644);
    await expect(host.write('plain/below', Buffer.from('x'), 0o644)).rejects.toMatchObject({ code: 'host-unfit' });
  });

  test('pushes a tree with odd names and links; equal files share an inode with the older version and are read-only', async () => {
    const tree = await mkdtemp(join(folder, 'tree-'));
    await mkdir(join(tree, "d 'x'"));
    await writeFile(join(tree, 'same'), 'same');
    await writeFile(join(tree, "d 'x'", '$(id) ☃\n"q"'), 'odd');
    await chmod(join(tree, 'same'), 0o755);
    await symlink('../same', join(tree, "d 'x'", 'link'));
    const [one, two] = [join(host.path, "v/1 'a'"), join(host.path, 'v/2')];
    await host.push(tree, one);
    await writeFile(join(tree, "d 'x'", '$(id) ☃\n"q"'), 'new');
    await host.push(tree, two, { linkDest: one });
    expect(await readFile(join(one, "d 'x'", '$(id) ☃\n"q"'), 'utf8')).toBe('odd');
    expect(await readFile(join(two, "d 'x'", '$(id) ☃\n"q"'), 'utf8')).toBe('new');
    expect(await readlink(join(two, "d 'x'", 'link'))).toBe('../same');
    expect((await stat(join(one, 'same'))).ino).toBe((await stat(join(two, 'same'))).ino);
    expect((await lstat(join(two, 'same'))).mode & 0o777).toBe(0o555);
  });

  test('pushes without rsync there', async () => {
    const bin = await mkdtemp(join(folder, 'bin-'));
    for (const tool of ['tar', 'find', 'chmod', 'mkdir', 'sh']) {
      const found = await host.sh('command -v "$1"', { args: [tool] });
      await symlink(found.stdout.trim(), join(bin, tool));
    }
    const tree = await mkdtemp(join(folder, 'tree-'));
    await writeFile(join(tree, '@odd $(id)'), 'x');
    const poor: Host = Object.create(host, {
      sh: { value: (script: string, how: object) => host.sh(script, { ...how, env: { PATH: bin } }) },
    });
    const { pushTree } = await import('../../src/transport/push.ts');
    await pushTree(poor, { tree, to: join(host.path, 'v/3'), control: null }, {});
    expect(await readFile(join(host.path, 'v/3/@odd $(id)'), 'utf8')).toBe('x');
  });

  test('reaches a port as the host sees it', async () => {
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const tunnel = await host.tunnel('127.0.0.1', (server.address() as AddressInfo).port);
    const answer = await fetch(`http://${tunnel.hostname}:${tunnel.port}/`);
    expect(await answer.text()).toBe('hello');
    await tunnel.close();
    await new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  });
});

describe('a process that came to the id of a shell which is gone', () => {
  const end: [string, (pid: number) => unknown][] = [
    ['over SSH', (pid) => execFileSync('sh', ['-c', END_GROUP, 'sh', String(pid), 'changeline-gone'])],
    ['here', (pid) => endGroup({ pid, exitCode: 0, signalCode: null, kill: () => false } as unknown as ChildProcess)],
  ];
  it.each(end)('is not ended, %s', async (_, how) => {
    const other = spawn('sleep', ['86'], { detached: true });
    await once(other, 'spawn');
    how(other.pid!);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(other.signalCode).toBe('SIGKILL');
  });
});

describe.skipIf(missing !== null)('connections', () => {
  const at = (index: number) => ({ at: sshds!.hosts[index]!.at, with: {} });

  it('refuses a host whose key is another, and one that is not known', async () => {
    const [first, second] = sshds!.hosts;
    const wrong = join(folder, 'wrong_hosts');
    await writeFile(wrong, `[${first!.hostname}]:${first!.port} ${second!.publicKey}\n`);
    await expect(connect(at(0), options({ knownHosts: wrong }))).rejects.toMatchObject({
      code: 'host-key',
      next: expect.stringMatching(/fingerprint.*wrong_hosts/),
    });
    await writeFile(wrong, '');
    await expect(connect(at(0), options({ knownHosts: wrong }))).rejects.toMatchObject({ code: 'host-key' });
    await expect(connect(at(0), options({ knownHosts: 'nowhere' }))).rejects.toMatchObject({ code: 'host-key' });
  });

  it('takes .github/known_hosts of the workspace where none is named', async () => {
    const workspace = await mkdtemp(join(folder, 'workspace-'));
    await mkdir(join(workspace, '.github'));
    await writeFile(join(workspace, '.github/known_hosts'), readFileSync(sshds!.knownHosts));
    const host = await connect(at(0), options({ knownHosts: null, workspace }));
    await host.close();
  });

  it('says that a login was refused, or that the key is no key', async () => {
    await expect(connect(at(0), options({ key: sshds!.strangerKey }))).rejects.toMatchObject({ code: 'host-denied' });
    await expect(connect(at(0), options({ key: 'not a key' }))).rejects.toMatchObject({ code: 'host-denied' });
  });

  it('says that a host is not there, and what an SSH host lacks', async () => {
    const gone = { at: '127.0.0.9:1', with: {} };
    await expect(connect(gone, options())).rejects.toMatchObject({ code: 'host-unreachable', where: '127.0.0.9:1' });
    await expect(connect(at(0), options({ path: null }))).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(connect(at(0), options({ path: './x' }))).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('leaves no file, process or secret behind, and shows no secret while it runs', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const host = await connect(at(0), options({ scratch: own }));
    const body = sshds!.key.split('\n')[2]!;
    const running = host.sh('cat >/dev/null; sleep 0.5; echo "$TOKEN"', {
      env: { TOKEN: 'token-of-the-test' },
      input: 'x',
    });
    await new Promise((resolve) => setTimeout(resolve, 250));
    const lines = readdirSync('/proc').flatMap((pid) => {
      try {
        return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : [];
      } catch {
        return [];
      }
    });
    const ours = lines.filter((line) => line.startsWith('ssh\0') && line.includes(own));
    expect(ours.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain(body);
    expect(lines.join('\n')).not.toContain('token-of-the-test');
    expect((await running).stdout).toBe('token-of-the-test\n');
    const key = readdirSync(own, { recursive: true })
      .map(String)
      .find((name) => name.endsWith('key'))!;
    expect((await stat(join(own, key))).mode & 0o777).toBe(0o600);
    await host.close();
    expect(readdirSync(own)).toEqual([]);
  });

  it('notices a connection that is lost, and connects anew once the host is back', async () => {
    const host = await connect(at(1), options());
    const running = host.sh('sleep 60');
    const ended = expect(running).rejects.toMatchObject({ code: 'host-unreachable', where: host.name });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await sshds!.hosts[1]!.kill();
    await ended;
    await expect(host.sh('true')).rejects.toMatchObject({ code: 'host-unreachable' });
    await sshds!.hosts[1]!.start();
    expect((await host.sh('echo back')).stdout).toBe('back\n');
    await host.close();
  });

  it('fails a stream that is cut in the middle, however much of it was read', async () => {
    const host = await connect(at(1), options());
    const stream = host.stream('yes');
    await once(stream, 'data');
    stream.pause();
    await sshds!.hosts[1]!.kill();
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'host-unreachable', where: host.name });
    await sshds!.hosts[1]!.start();
    await host.close();
  });

  it('connects many times at once although the server drops what is too much', async () => {
    const hosts = await Promise.all(Array.from({ length: 14 }, () => connect(at(0), options())));
    const answers = await Promise.all(hosts.map((host) => host.sh('echo ok')));
    expect(answers.every(({ stdout }) => stdout === 'ok\n')).toBe(true);
    await Promise.all(hosts.map((host) => host.close()));
  });

  it('gives up connecting on cancel', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(connect(at(0), options({ signal: stop.signal }))).rejects.toMatchObject({ code: 'cancelled' });
  });
});
