/** Taking a backup: dump, store, prove, and only then the manifest, without which a set of files is no backup. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { type Database, difference, type Fingerprint, type ThrowawayPlace } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { hide } from '../secret/secret.ts';
import type { Vault } from '../vault/vault.ts';
import {
  ACROSS,
  backupId,
  type ConfigPart,
  type DatabasePart,
  type Manifest,
  manifestName,
  type Part,
  type ProvidedPart,
  sealed,
  weakest,
} from './manifest.ts';
import { type Provider, takeProvided } from './provider.ts';
import { store } from './stored.ts';
import { type ProofOptions, proveDatabase, proveFile, type Unproven } from './verify.ts';

/** A config file as it was read on a host. */
export interface ConfigFile {
  host: string;
  /** Below shared/. */
  path: string;
  bytes: Buffer;
}

export interface BackupWork {
  environment: string;
  /** What names in the vault begin with, since several products may share one; the environment where it is not given. */
  scope?: string;
  /** The version that is live; null where it is not known. */
  version: string | null;
  databases: Database[];
  /** By the name of a database: a replica that is dumped in its place, whose schema must be the same. */
  replicas?: ReadonlyMap<string, Database>;
  configFiles: ConfigFile[];
  vault: Vault;
  /** age recipients; none: the parts lie unencrypted. */
  recipients: string[];
  /** For copies and files with passwords, mode 0700. */
  scratch: string;
  /** Where throwaway servers run. */
  at: ThrowawayPlace;
  /** Databases of `databases` that another tool backs up, and the folder in which its commands run. */
  providers?: { workspace: string; commands: readonly Provider[] };
  /** See `ProofOptions`. */
  keepCopy?: ProofOptions['keepCopy'];
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
  /** Names in the vault that are written or may be, so far; the manifest's first, so that it goes first. */
  written: string[];
}

/** What lies in the vault and waits for its proof. Dumps come first, at full speed, so that they are close in time. */
type Waiting = () => Promise<Part>;

/**
 * Takes and proves one backup. The parts of a run that fails are removed. Throws the Failures of databases and vault,
 * `backup-changed-meanwhile` where a schema changed during its dump, and `replica-behind` where a replica has not the
 * schema of its primary. Whether the level suffices is for the caller.
 */
export async function takeBackup(work: BackupWork): Promise<Taken> {
  const began = new Date();
  const run = await begun(work, began);
  try {
    const waiting: Waiting[] = [];
    for (const database of work.databases) {
      const provider = work.providers?.commands.find((one) => one.database === database.name);
      waiting.push(provider ? await provided(run, database, provider) : await dumped(run, database));
    }
    for (const [index, file] of work.configFiles.entries()) waiting.push(await copied(run, file, index));
    const parts: Part[] = [];
    for (const prove of waiting) parts.push(await prove());
    const { environment, version, recipients } = work;
    const manifest: Manifest = {
      ...{ schema: 2, id: run.id, environment, version },
      ...{ began: began.toISOString(), ended: new Date().toISOString(), across: ACROSS, recipients },
      ...weakest(parts),
      parts,
    };
    const { text, digest } = sealed(manifest);
    run.written.unshift(manifestName(run.id));
    await work.vault.put(manifestName(run.id), Readable.from([Buffer.from(text)]), work.signal);
    return { manifest, digest };
  } catch (error) {
    for (const name of run.written) await work.vault.remove(name).catch(() => {});
    throw error;
  }
}

async function begun(work: BackupWork, began: Date): Promise<Run> {
  const id = backupId(work.scope ?? work.environment, began, randomBytes(4).toString('hex'));
  const identity = work.recipients.length ? await generateX25519Identity() : null;
  if (identity) hide(identity);
  const sealedFor = identity ? [...work.recipients, await identityToRecipient(identity)] : [];
  return { ...work, id, identity, sealedFor, written: [] };
}

/** Dumps a database into the vault. */
async function dumped(run: Run, live: Database): Promise<Waiting> {
  const began = new Date().toISOString();
  run.progress(`backup: ${live.name}, dumping`);
  const { source, schema } = await sourceOf(run, live);
  const traits = await source.traits();
  const file = fileName(run, `database.${live.name}`);
  const dump = (to: Writable) => source.dump(to, run.signal);
  run.written.push(file);
  const { bytes: stored, sha256, from: facts } = await store(run.vault, file, run.sealedFor, dump, run.signal);
  await sameSchema(source, schema);
  const { bytes: raw, held, ...rest } = facts;
  const part: Unproven<DatabasePart> = {
    ...{ kind: 'database', name: live.name, file, traits, ...rest, raw, stored, sha256, fingerprint: schema.digest },
    ...{ from: source === live ? 'primary' : 'replica', dumped: held, began, ended: new Date().toISOString() },
  };
  return async () => {
    run.progress(`backup: ${live.name}, restoring and comparing`);
    return { ...part, ...(await proveDatabase(part, schema, run)) };
  };
}

/** Where a database is dumped from, with its schema: a replica must have that of its primary. */
async function sourceOf(run: Run, live: Database): Promise<{ source: Database; schema: Fingerprint }> {
  const replica = run.replicas?.get(live.name);
  const schema = await live.fingerprint();
  if (!replica) return { source: live, schema };
  const there = await replica.fingerprint();
  if (there.digest === schema.digest) return { source: replica, schema };
  throw new Failure({
    code: 'replica-behind',
    what: 'the schema of the replica is not the one of the primary',
    where: replica.where,
    why: difference(schema.form, there.form, 3)
      .map((line) => line.slice(0, 120))
      .join(' | '),
    untouched: 'nothing was stored',
    next: 'wait until the replica has caught up, or leave out database.replica',
  });
}

async function sameSchema(source: Database, before: Fingerprint): Promise<void> {
  if ((await source.fingerprint()).digest !== before.digest) throw changedMeanwhile(source);
}

/** Has another tool back a database up. */
async function provided(run: Run, database: Database, provider: Provider): Promise<Waiting> {
  run.progress(`backup: ${database.name}, by the command of its provider`);
  const schema = await database.fingerprint();
  const { workspace } = run.providers!;
  const options = { id: run.id, workspace, scratch: run.scratch, at: run.at, signal: run.signal };
  const { part, prove } = await takeProvided(provider, database, schema, options);
  await sameSchema(database, schema);
  return async (): Promise<ProvidedPart> => {
    run.progress(`backup: ${database.name}, proven by the command of its provider`);
    return { ...part, ...(await prove()) };
  };
}

/** Stores a config file. */
async function copied(run: Run, { host, path, bytes }: ConfigFile, index: number): Promise<Waiting> {
  const began = new Date().toISOString();
  const file = fileName(run, `config.${index}`);
  const send = (to: NodeJS.WritableStream) => pipeline(Readable.from([bytes], { objectMode: false }), to);
  run.written.push(file);
  const { bytes: stored, sha256 } = await store(run.vault, file, run.sealedFor, send, run.signal);
  const part: Unproven<ConfigPart> = {
    ...{ kind: 'config', name: `${host}: ${path}`, host, path, file, raw: bytes.length, stored, sha256 },
    ...{ began, ended: new Date().toISOString() },
  };
  const original = createHash('sha256').update(bytes).digest('hex');
  return async () => ({ ...part, ...(await proveFile(part, original, run)) });
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
