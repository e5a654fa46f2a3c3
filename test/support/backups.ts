/** What tests of backups have in common: folders of their own, vaults in them, and stages that run there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type BackupWork, type Manifest, newestFirst } from '../../src/backup/backup.ts';
import { type Config, configSchema, normalEnvironment } from '../../src/config/config.ts';
import { type Database, type DumpFacts, openDatabase } from '../../src/database/database.ts';
import { type EnvironmentState, emptyState, type Ledger, noted } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';

/** A folder of one test file: `base` is its workspace, `scratch` lies in it. */
export class BackupPlace {
  readonly base = mkdtempSync(join(tmpdir(), 'backups-'));
  readonly scratch = join(this.base, 'scratch');
  readonly signal = new AbortController().signal;

  constructor() {
    mkdirSync(this.scratch, { mode: 0o700 });
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }

  /** A new, empty folder for a vault. */
  newVault(): string {
    return mkdtempSync(join(this.base, 'vault-'));
  }

  vault(path: string): Promise<Vault> {
    const connect = () => Promise.reject(new Error('no host is needed'));
    return openVault(path, { workspace: this.base, s3: null, connect, signal: this.signal });
  }

  open(url: string, name = 'main'): Promise<Database> {
    return openDatabase({ name, url }, { workspace: this.base, scratch: this.scratch, signal: this.signal });
  }

  /** A SQLite database with these statements run in it; its URL. */
  sqlite(name: string, sql: string): string {
    const db = new DatabaseSync(join(this.base, name));
    db.exec(sql);
    db.close();
    return `sqlite:${name}`;
  }

  work(vault: Vault, databases: Database[], more: Partial<BackupWork> = {}): BackupWork {
    return {
      ...{ environment: 'production', version: '1.0.0', databases, configFiles: [], vault, recipients: [] },
      ...{ scratch: this.scratch, at: { kind: 'runner', scratch: null }, signal: this.signal, progress: () => {} },
      ...more,
    };
  }

  /** The context of a run of the backup stage in `production`, as `sections` have it; null for a run without changeline.yml. */
  context(
    inputs: Record<string, unknown>,
    sections: object | null = null,
    more: Partial<StageContext<'backup'>> = {},
  ): StageContext<'backup'> {
    const given = { 'database-url': '', to: '', recipients: [], version: '', artifact: '', drill: false, identity: '' };
    const file = { name: 'shop', artifact: './shop-{version}', environments: { production: sections ?? {} } };
    const config: Config | null = sections && configSchema.parse(file);
    const folder = this.base;
    return {
      verb: 'backup',
      inputs: { ...given, 'ssh-key': '', environment: '', config: '', token: '', ...inputs },
      ...{ config, environment: config && normalEnvironment(config, 'production') },
      ...{ change: null, book: null, ledger: null, runner: null, log: new RecordingLog(), signal: this.signal },
      place: { workspace: folder, scratch: this.scratch, handover: folder, cache: folder, reports: folder },
      ...more,
    } as unknown as StageContext<'backup'>;
  }
}

/** A book and a ledger in the memory: what is noted by one is known to the other at once. */
export function remembering(): { state: EnvironmentState; more: Partial<StageContext<'backup'>> } {
  const remembered = { state: emptyState('production'), more: {} as Partial<StageContext<'backup'>> };
  const note = async (one: Parameters<typeof noted>[1][number]) => {
    remembered.state = noted(remembered.state, [one]);
  };
  remembered.more = {
    book: { change: { id: 'change-1' }, note } as unknown as NonNullable<StageContext<'backup'>['book']>,
    ledger: { state: async () => remembered.state } as unknown as Ledger,
  };
  return remembered;
}

/** The bytes of a dump, and what is known of it. */
export async function wholeDump(database: Database, signal: AbortSignal): Promise<{ bytes: Buffer; facts: DumpFacts }> {
  const through = new PassThrough();
  const [bytes, facts] = await Promise.all([buffer(through), database.dump(through, signal)]);
  return { bytes, facts };
}

/** All backups of a scope, newest first. */
export async function listBackups(vault: Vault, scope: string): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for await (const manifest of newestFirst(vault, scope)) found.push(manifest);
  return found;
}

/** Flips one bit in the middle of a file, or of the bytes at `at` (0 to 1) of it. */
export function flipByte(file: string, at = 0.5): void {
  const bytes = readFileSync(file);
  bytes[Math.floor(bytes.length * at)]! ^= 1;
  writeFileSync(file, bytes);
}

/** The database, but for some of its methods. */
export function changed(database: Database, methods: Partial<Database>): Database {
  const value = (key: keyof Database) =>
    methods[key] ?? (typeof database[key] === 'function' ? database[key].bind(database) : database[key]);
  return new Proxy(database, { get: (_database, key) => value(key as keyof Database) });
}
