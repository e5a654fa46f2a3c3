/** A throwaway server in a container, by Podman; Docker's command lines are the same ones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  checkThrowaway,
  type ThrowawayPlace,
  type Traits,
  throwaway,
  throwawayRoom,
} from '../../src/database/database.ts';
import { type Podman, podmanMissing, startPodman } from '../support/podman.ts';
import type { OwnerRequest } from '../support/throwaway-owner.ts';

const { signal } = new AbortController();

describe.skipIf(podmanMissing() !== null)('a container', () => {
  let podman: Podman;
  let scratch: string;
  let like: Traits;
  let at: Extract<ThrowawayPlace, { kind: 'container' }>;

  beforeAll(() => {
    podman = startPodman();
    vi.stubEnv('PATH', `${podman.bin}${delimiter}${process.env.PATH}`);
    scratch = mkdtempSync(join(tmpdir(), 'container, "scratch"-'));
    chmodSync(scratch, 0o711);
    const version = podman.image.split(':')[1]!;
    at = { kind: 'container', image: podman.image, scratch };
    like = {
      engine: 'postgres',
      version,
      name: 'shop',
      encoding: 'UTF8',
      collation: 'C',
      ctype: 'C',
      provider: 'libc',
      icu: null,
      roles: [],
      owners: [],
      extensions: [],
    };
  }, 120_000);
  afterAll(() => {
    vi.unstubAllEnvs();
    podman?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  const left = () => ({
    containers: podman.run('ps', '--all', '--quiet'),
    volumes: podman.run('volume', 'ls', '--quiet'),
    data: readdirSync(scratch),
  });
  const nothing = { containers: '', volumes: '', data: [] };

  it('holds a server that becomes durable, and goes with its data', async () => {
    expect(await throwawayRoom({ ...at, scratch: null })).toBeGreaterThan(0);
    const copy = await throwaway({ scratch: tmpdir(), like, at, signal });
    const url = new URL(copy.database.url());
    expect(podman.run('inspect', '--latest')).not.toContain(url.password);
    await copy.database.execute(['CREATE TABLE kept (id int)']);
    await copy.harden();
    expect(await copy.database.query('SELECT * FROM kept')).toEqual([]);
    expect(await copy.database.query('SHOW fsync')).toEqual([{ fsync: 'on' }]);
    await copy.close();
    expect(left()).toEqual(nothing);
  });

  it('goes with its owner’s death by SIGKILL, with its volume', async () => {
    const request: OwnerRequest = { like, scratch: tmpdir(), host: null, container: { ...at, scratch: null } };
    const owner = spawn(process.execPath, [join(import.meta.dirname, '../support/throwaway-owner.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    owner.stdin.end(JSON.stringify(request));
    await once(owner.stdout, 'data');
    expect(left()).toMatchObject({ containers: expect.stringMatching(/./), volumes: expect.stringMatching(/./) });
    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(left()).toEqual(nothing), { timeout: 20_000, interval: 100 });
  });

  it('is refused where its image cannot be had, or its name is none', async () => {
    const absent = { ...at, image: 'localhost/changeline-absent:1' };
    await expect(checkThrowaway('postgres', like.version, absent)).rejects.toMatchObject({ code: 'backup-failed' });
    await expect(checkThrowaway('postgres', like.version, { ...at, image: '--privileged' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(checkThrowaway('postgres', '99.0', at)).rejects.toMatchObject({
      what: expect.stringContaining(podman.image),
    });
    expect(left()).toEqual(nothing);
  });
});
