/** A real S3 server (versitygw, over a folder of its own) on loopback, with random keys. Stopped by process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingGoTools } from '../../scripts/tools.ts';
import type { S3Section } from '../../src/config/config.ts';
import { freePort } from './ports.ts';
import { eventually } from './prometheus.ts';

export interface S3Server {
  /** As in changeline.yml, for the administrator. */
  section: S3Section;
  /** The folder of its buckets: each file is an object. */
  folder: string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Why no S3 server can be started here, or null. Under CI a missing one is an error. */
export function s3Missing(): string | null {
  if (!missingGoTools('').includes('versitygw')) return null;
  if (process.env.CI === 'true') throw new Error('versitygw is not built; npm run setup');
  return 'versitygw is not built';
}

/** Starts it with these buckets. */
export async function startS3(buckets: string[]): Promise<S3Server> {
  const base = await mkdtemp(join(tmpdir(), 's3-'));
  const folder = join(base, 'buckets');
  for (const name of buckets) mkdirSync(join(folder, name), { recursive: true });
  mkdirSync(join(base, 'meta'));
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const [access, secret] = [randomBytes(10).toString('hex'), randomBytes(20).toString('hex')];
  const args = ['--port', endpoint.slice(7), '--quiet', 'posix', '--sidecar', join(base, 'meta'), folder];
  let child: ChildProcess | null = null;
  const start = async () => {
    const env = { PATH: process.env.PATH, ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret };
    const started = spawn('versitygw', args, { env, stdio: 'ignore' });
    child = started;
    process.once('exit', () => started.kill('SIGKILL'));
    await eventually(async () => {
      if (started.exitCode !== null) throw new Error(`versitygw ended with status ${started.exitCode}`);
      return (await fetch(endpoint).catch(() => null)) !== null;
    });
  };
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGKILL');
    await once(running, 'exit');
  };
  await start();
  return {
    section: { endpoint, region: 'us-east-1', 'access-key': access, 'secret-key': secret },
    folder,
    kill,
    start,
    stop: async () => {
      await kill();
      await rm(base, { recursive: true, force: true });
    },
  };
}
