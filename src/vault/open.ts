/** Opens the vault of an address. */
import type { S3Section } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { openDirectoryVault } from './directory.ts';
import { parsePlace } from './place.ts';
import { openS3Vault } from './s3/s3.ts';
import { openSshVault } from './ssh.ts';
import type { Vault } from './vault.ts';

/** What a vault needs beside its address. */
export interface VaultOptions {
  /** Relative directories are below it. */
  workspace: string;
  /** The section backup.s3; null where there is none. */
  s3: S3Section | null;
  /** Connects to a host by its address, user@host[:port]. The vault closes it. */
  connect(address: string): Promise<Host>;
  /** Ends what reads and writes. What removes and puts in order works on. */
  signal: AbortSignal;
}

/**
 * The vault at `to`: a directory, `ssh://user@host[:port]/absolute/path`, or `s3://bucket/prefix`. Only SSH connects at
 * once. Throws `config-invalid`, and the Failures of `connect`.
 */
export async function openVault(to: string, { workspace, s3, connect, signal }: VaultOptions): Promise<Vault> {
  const place = parsePlace(to, workspace);
  if (place.kind === 'directory') return openDirectoryVault(place.path);
  if (place.kind === 'ssh') return openSshVault(await connect(place.host), place.path, signal);
  if (s3 === null)
    throw new Failure({
      code: 'config-invalid',
      what: 'how the storage is reached is not said',
      where: `s3://${place.bucket}`,
      untouched: 'nothing was touched',
      next: 'add backup.s3 with access-key and secret-key, and the endpoint where it is not Amazon',
    });
  return openS3Vault(place, s3, signal);
}
