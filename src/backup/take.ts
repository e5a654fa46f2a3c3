/** Taking a backup: dump, store, prove, and only then the manifest, without which a set of files is no backup. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Database } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { hide } from '../secret/secret.ts';
import type { Vault } from '../vault/vault.ts';
import {
  backupId,
  type ConfigPart,
  type DatabasePart,
  type Manifest,
  manifestName,
  type Part,
  sealed,
  weakest,
} from './manifest.ts';
import { store } from './stored.ts';
import { proveDatabase, proveFile } from './verify.ts';

/** A config file as it was read on a host. */
export interface ConfigFile {
  host: string;
  /** Below shared/. */
  path: string;
  bytes: Buffer;
}

export interface BackupWork {
  environment: string;
  /** The version that is live; null where it is not known. */
  version: string | null;
  databases: Database[];
  configFiles: ConfigFile[];
  vault: Vault;
  /** age recipients; none: the parts lie unencrypted. */
  recipients: string[];
  /** For copies and throwaway servers, mode 0700. */
  scratch: string;
  signal: AbortSignal;
  /** Told what is being done. */
  progress(line: string): void;
}

export interface Taken {
  manifest: Manifest;
  /** sha256 of the manifest, hex: for the ledger. */
  digest: string;
}

interface Run extends BackupWork {
  id: string;
  /** The recipients and one of this run alone, whose identity never leaves the memory. */
  sealedFor: string[];
  identity: string | null;
}

/**
 * Takes and proves one backup. The parts of a run that fails are removed. Throws the Failures of databases and vault,
 * and `backup-changed-meanwhile` where a schema changed during its dump. Whether the level suffices is for the caller.
 */
export async function takeBackup(work: BackupWork): Promise<Taken> {
  const began = new Date();
  const id = backupId(work.environment, began, randomBytes(4).toString('hex'));
  const identity = work.recipients.length ? await generateX25519Identity() : null;
  if (identity) hide(identity);
  const run: Run = {
    ...work,
    id,
    identity,
    sealedFor: identity ? [...work.recipients, await identityToRecipient(identity)] : [],
  };
  const parts: Part[] = [];
  const written: string[] = [];
  try {
    for (const database of work.databases) parts.push(await databasePart(run, database, written));
    for (const [index, file] of work.configFiles.entries()) parts.push(await filePart(run, file, index, written));
    const { environment, version, recipients } = work;
    const manifest: Manifest = {
      schema: 1,
      id,
      environment,
      version,
      began: began.toISOString(),
      ended: new Date().toISOString(),
      recipients,
      ...weakest(parts),
      parts,
    };
    const { text, digest } = sealed(manifest);
    await work.vault.put(manifestName(id), Readable.from([Buffer.from(text)]), work.signal);
    return { manifest, digest };
  } catch (error) {
    for (const name of written) await work.vault.remove(name).catch(() => {});
    throw error;
  }
}

async function databasePart(run: Run, database: Database, written: string[]): Promise<DatabasePart> {
  const began = new Date().toISOString();
  const traits = await database.traits();
  const before = await database.fingerprint();
  run.progress(`backup: ${database.name}, dumping`);
  const file = fileName(run, `database.${database.name}`);
  const {
    bytes: stored,
    sha256,
    from,
  } = await store(run.vault, file, run.sealedFor, (to) => database.dump(to, run.signal), run.signal);
  written.push(file);
  const after = await database.fingerprint();
  if (after.digest !== before.digest) throw changedMeanwhile(database);
  const { bytes: raw, ...facts } = from;
  const part = {
    kind: 'database' as const,
    name: database.name,
    file,
    traits,
    ...facts,
    raw,
    stored,
    sha256,
    fingerprint: before.digest,
    began,
    ended: new Date().toISOString(),
  };
  run.progress(`backup: ${database.name}, restoring and comparing`);
  return { ...part, ...(await proveDatabase(part, before, run)) };
}

async function filePart(
  run: Run,
  { host, path, bytes }: ConfigFile,
  index: number,
  written: string[],
): Promise<ConfigPart> {
  const began = new Date().toISOString();
  const file = fileName(run, `config.${index}`);
  const send = (to: NodeJS.WritableStream) => pipeline(Readable.from([bytes], { objectMode: false }), to);
  const { bytes: stored, sha256 } = await store(run.vault, file, run.sealedFor, send, run.signal);
  written.push(file);
  const part = {
    kind: 'config' as const,
    name: `${host}: ${path}`,
    host,
    path,
    file,
    raw: bytes.length,
    stored,
    sha256,
    began,
    ended: new Date().toISOString(),
  };
  return { ...part, ...(await proveFile(part, createHash('sha256').update(bytes).digest('hex'), run)) };
}

function fileName(run: Run, part: string): string {
  return `${run.id}.${part}.zst${run.identity ? '.age' : ''}`;
}

function changedMeanwhile(database: Database): Failure {
  return new Failure({
    code: 'backup-changed-meanwhile',
    what: 'the schema changed while it was dumped: nobody knows which schema the dump holds',
    where: database.where,
    untouched: 'the dump was removed; older backups are as they were',
    next: 'run it again when no migration runs',
  });
}

/** Throws `input-invalid` for a text that only looks like an age recipient. */
export function checkRecipients(recipients: string[]): void {
  for (const recipient of recipients) {
    try {
      new Encrypter().addRecipient(recipient);
    } catch (error) {
      throw new Failure({
        code: 'input-invalid',
        what: 'this is not an age recipient',
        where: recipient.slice(0, 80),
        why: (error as Error).message,
        untouched: 'nothing was stored',
        next: 'give the public key that age-keygen prints: age1…',
      });
    }
  }
}
