import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/transport/address.ts';
import { forwardArgument, masterArguments, rsyncArguments } from '../../../src/transport/arguments.ts';
import { connectionFailure, troubleOf } from '../../../src/transport/diagnose.ts';
import { FrameReader, jobText } from '../../../src/transport/job.ts';
import { Limit } from '../../../src/transport/limit.ts';
import { quote } from '../../../src/transport/quote.ts';

const ODD = [
  '',
  ' ',
  "'",
  "''",
  '"',
  '$(id)',
  '`id`',
  '\\',
  '\n',
  'a\nb\n',
  '-n',
  '*',
  '~',
  '!',
  'ünïcödé ☃',
  "'; rm -rf /; '",
  '\t\r',
  '%s',
];

describe('quote', () => {
  it.each(ODD)('gives %j back through a real shell', (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${quote(text)}`]).toString()).toBe(text);
  });
  it('refuses a NUL', () => expect(() => quote('a\0b')).toThrow(/NUL/));
});

describe('parseAddress', () => {
  it.each([
    ['deploy@web1', { kind: 'ssh', user: 'deploy', hostname: 'web1', port: null }],
    ['web1:22', { kind: 'ssh', user: null, hostname: 'web1', port: 22 }],
    ['u@[::1]:2222', { kind: 'ssh', user: 'u', hostname: '::1', port: 2222 }],
    ['./hosts/1', { kind: 'local', directory: './hosts/1' }],
    ['/srv/a b', { kind: 'local', directory: '/srv/a b' }],
  ])('%s', (at, expected) => expect(parseAddress(at)).toEqual(expected));

  it.each(['', '-oProxyCommand', 'a@-v', 'web1:0', 'web1:70000', 'a b', 'a@b@c', 'web1;id', 'u@web1:x'])(
    'refuses %j',
    (at) => {
      expect(() => parseAddress(at)).toThrow(/address/);
    },
  );
});

describe('command lines', () => {
  const files = { control: '/tmp/c/s', key: '/tmp/a b/100%/key', knownHosts: '/tmp/known' };

  it('are strict, and end options before the host', () => {
    const args = masterArguments({ kind: 'ssh', user: 'u', hostname: 'h', port: 2222 }, files);
    for (const option of [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'UserKnownHostsFile="/tmp/known"',
      'GlobalKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
      'IdentityFile="/tmp/a b/100%%/key"',
    ]) {
      expect(args).toContain(option);
    }
    expect(args.slice(-7)).toEqual(['-l', 'u', '-p', '2222', '--', 'h', 'exec sh']);
  });

  it("leave the user's own keys and known hosts alone where none are given", () => {
    const args = masterArguments(
      { kind: 'ssh', user: null, hostname: 'h', port: null },
      { control: '/c', key: null, knownHosts: null },
    );
    expect(args.join(' ')).not.toMatch(/Identit|KnownHosts|-l |-p /);
  });

  it('send a path to rsync as it is', () => {
    const args = rsyncArguments('/t', "/srv/a 'b'", { control: '/tmp/c/s', linkDest: '/srv/old' });
    expect(args.slice(-3)).toEqual(['--', '/t/', "changeline:/srv/a 'b'/"]);
    expect(args).toContain('--secluded-args');
    expect(rsyncArguments('/t', '/to', { control: null, linkDest: null }).slice(-2)).toEqual(['/t/', '/to/']);
  });

  it('bracket an IPv6 target', () => expect(forwardArgument(1, '::1', 80)).toBe('127.0.0.1:1:[::1]:80'));
});

describe('troubleOf', () => {
  it.each([
    ['@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.', 'key-changed'],
    [
      'No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.',
      'key-unknown',
    ],
    ['u@h: Permission denied (publickey).', 'denied'],
    ['Load key "/k": error in libcrypto\nu@h: Permission denied (publickey).', 'bad-key'],
    ['kex_exchange_identification: read: Connection reset by peer', 'dropped'],
    ['Connection closed by 127.0.0.1 port 22', 'dropped'],
    ['ssh: connect to host h port 22: Connection refused', 'unreachable'],
    ['ssh: Could not resolve hostname h: Name or service not known', 'unreachable'],
    ['', 'unreachable'],
  ])('%j', (words, expected) => expect(troubleOf(words)).toBe(expected));

  it('calls a connection that was lost unreachable, whatever it said', () => {
    expect(connectionFailure('h', 'Permission denied', 'f', 'while a command ran')).toMatchObject({
      code: 'host-unreachable',
    });
  });
});

describe('FrameReader', () => {
  const stream = Buffer.from('motd\n\nB begin 42\nout\nput\nB end 3\nlate words');

  it.each([1, 2, 7, 1000])('finds the answer in pieces of %i bytes', (size) => {
    const reader = new FrameReader('B');
    for (let at = 0; at < stream.length; at += size) reader.feed(Buffer.from(stream.subarray(at, at + size)));
    expect(reader.pid).toBe(42);
    expect(reader.done).toEqual({ body: Buffer.from('out\nput'), status: 3 });
  });

  it('keeps what came of an answer that never ended', () => {
    const reader = new FrameReader('B');
    expect(reader.feed(Buffer.from('\nB begin 1\nhalf'))).toBe(false);
    expect(reader.rest().toString()).toBe('half');
  });

  it('refuses odd names of variables', () =>
    expect(() => jobText({ script: '', env: { 'A=1; id': '' } }, 'B')).toThrow(/variable/));
});

describe('Limit', () => {
  it('holds its width through failures', async () => {
    const limit = new Limit(2);
    let [running, most] = [0, 0];
    const work = async (fail: boolean) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      if (fail) throw new Error('x');
    };
    await Promise.allSettled([true, false, true, false, false].map((fail) => limit.run(() => work(fail))));
    expect([most, running]).toEqual([2, 0]);
  });
});
