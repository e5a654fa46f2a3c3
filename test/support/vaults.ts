/** Where tests of vaults have them: a folder, an sshd and an S3 server of their own, and streams that go into them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { connect } from '../../src/transport/transport.ts';
import type { VaultOptions } from '../../src/vault/vault.ts';
import { type S3Server, s3Missing, startS3 } from './s3.ts';
import { type SshdFleet, sshdMissing, startSshds } from './sshd.ts';

/** A signal that never fires. */
export const live = new AbortController().signal;
/** More than two parts of an upload. */
export const LARGE = 20_000_000;
/** Why there is none of a kind here; null where there is. */
export const without = { ssh: sshdMissing(), s3: s3Missing() };

/** The servers of one test file; those that cannot be had here are null. The bucket is `backups`. */
export class VaultPlace {
  readonly folder = mkdtempSync(join(tmpdir(), 'vaults-'));
  sshds: SshdFleet | null = null;
  s3: S3Server | null = null;

  async start(): Promise<void> {
    if (without.ssh === null) this.sshds = await startSshds(1);
    if (without.s3 === null) this.s3 = await startS3(['backups']);
  }

  async stop(): Promise<void> {
    await this.sshds?.stop();
    await this.s3?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  options(changes: Partial<VaultOptions> = {}): VaultOptions {
    const { key, knownHosts } = this.sshds ?? { key: null, knownHosts: null };
    const how = { path: '/', key, knownHosts, scratch: this.folder, workspace: this.folder, signal: live };
    return {
      workspace: this.folder,
      s3: this.s3?.section ?? null,
      connect: (at) => connect({ at, with: {} }, how),
      signal: live,
      ...changes,
    };
  }
}

/** A stream of one chunk. */
export const bytes = (content: string | Buffer): Readable => Readable.from([Buffer.from(content)]);

/** A stream of which so many bytes came before `then` is called: more than a part of an upload, or than pipes hold. */
export function largeThen(then: () => Promise<unknown> | unknown, size = 9_000_000): Readable {
  const come = async function* () {
    for (let sent = 0; sent < size; sent += 100_000) yield randomBytes(100_000);
    await then();
    yield Buffer.from('the rest');
  };
  return Readable.from(come(), { objectMode: false });
}
