/** What a backup is: all its parts under one manifest. Pure: names, levels, digests, and which backup is which. */
import { createHash } from 'node:crypto';
import type { DumpFacts, Traits } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';

/** What was proven, from least to most: written; read back, decrypted and unpacked whole; restored into a server; equal there to the original. */
export const LEVELS = ['stored', 'readable', 'restored', 'compared'] as const;
export type Level = (typeof LEVELS)[number];

interface AnyPart {
  /** Unique among the parts of its kind. */
  name: string;
  /** Its name in the vault. */
  file: string;
  /** Bytes before compression, and as they are stored. */
  raw: number;
  stored: number;
  /** Of the bytes as they are stored. */
  sha256: string;
  /** ISO 8601, UTC. */
  began: string;
  ended: string;
  level: Level;
  /** Why not a higher level; null for `compared`. */
  why: string | null;
}

export interface DatabasePart extends AnyPart, Omit<DumpFacts, 'bytes'> {
  kind: 'database';
  traits: Traits;
  /** The digest of the schema's canonical form, the same before and after the dump. */
  fingerprint: string;
}

export interface ConfigPart extends AnyPart {
  kind: 'config';
  host: string;
  path: string;
}

export type Part = DatabasePart | ConfigPart;

export interface Manifest {
  schema: 1;
  id: string;
  environment: string;
  /** The version that was live. */
  version: string | null;
  began: string;
  ended: string;
  /** age recipients; empty where the parts lie unencrypted. */
  recipients: string[];
  /** The lowest of the parts. */
  level: Level;
  why: string | null;
  parts: Part[];
}

/** True where `level` proves at least as much as `required`. */
export function reaches(level: Level, required: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(required);
}

/** The level of a backup is that of its weakest part. Without parts nothing was proven. */
export function weakest(parts: Part[]): { level: Level; why: string | null } {
  const part = parts.reduce<Part | null>(
    (low, each) => (low === null || !reaches(each.level, low.level) ? each : low),
    null,
  );
  if (!part) return { level: 'stored', why: 'the backup has no part' };
  // Not the name of a config part: it holds its host, and this text is shown to everyone.
  const name = part.kind === 'config' ? part.path : part.name;
  return { level: part.level, why: part.why === null ? null : `${name}: ${part.why}` };
}

const STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/;

/** The id of a backup: sorts by time within its environment. `random` are some lower-case letters and digits. */
export function backupId(environment: string, at: Date, random: string): string {
  return `${environment}.${at.toISOString().replace(/[-:.]/g, '')}-${random}`;
}

/** A name in the vault taken apart; null where it is none of ours. */
export function parseName(name: string): { id: string; environment: string; at: Date; manifest: boolean } | null {
  const [, environment, stamp, random, rest] =
    /^([A-Za-z0-9][\w-]*)\.(\d{8}T\d{9}Z)-([a-z0-9]+)\.(.+)$/.exec(name) ?? [];
  const time = STAMP.exec(stamp ?? '');
  if (!environment || !time) return null;
  const [, y, mo, d, h, mi, s, ms] = time;
  return {
    id: `${environment}.${stamp}-${random}`,
    environment,
    at: new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`),
    manifest: rest === 'manifest.json',
  };
}

export function manifestName(id: string): string {
  return `${id}.manifest.json`;
}

/** The file of a manifest: with the sha256 of the manifest's own JSON, so that a damaged one is known. */
export function sealed(manifest: Manifest): { text: string; digest: string } {
  const digest = sha256(JSON.stringify(manifest));
  return { text: `${JSON.stringify({ sha256: digest, manifest }, null, 2)}\n`, digest };
}

/** The manifest in such a file. Throws `backup-failed` where it is damaged or of another name. */
export function unsealed(text: string, name: string): { manifest: Manifest; digest: string } {
  try {
    const { sha256: digest, manifest } = JSON.parse(text) as { sha256: string; manifest: Manifest };
    if (sha256(JSON.stringify(manifest)) !== digest) throw new Error('its digest does not fit');
    if (manifest.schema !== 1) throw new Error(`it has schema ${manifest.schema}, and this version knows 1`);
    if (manifestName(manifest.id) !== name) throw new Error('it names another backup');
    return { manifest, digest };
  } catch (error) {
    throw new Failure({
      code: 'backup-failed',
      what: 'the manifest of a backup cannot be used',
      where: name,
      why: (error as Error).message,
      next: 'use another backup',
    });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Which of an environment's backups go: all but the newest `last`, and never the newest one that reached `compared`
 * (or, where none did, the newest of the best level). `manifests` in any order.
 */
export function expired(manifests: Manifest[], last: number): Manifest[] {
  const newestFirst = manifests.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const best = LEVELS.toReversed()
    .map((level) => newestFirst.find((each) => each.level === level))
    .find(Boolean);
  return newestFirst.slice(last).filter((each) => each !== best);
}

/** What a killed run left: names of files without a manifest. A run that may still be at work (`youngerThan`) is told apart. */
export function leftovers(
  names: string[],
  environment: string,
  now: Date,
  youngerThan: number,
): { abandoned: string[]; perhapsRunning: string[] } {
  const parsed = names.map((name) => ({ name, of: parseName(name) }));
  const complete = new Set(parsed.filter(({ of }) => of?.manifest).map(({ of }) => of!.id));
  const rest = parsed.filter(({ of }) => of?.environment === environment && !complete.has(of.id));
  const young = ({ of }: (typeof rest)[number]) => now.getTime() - of!.at.getTime() < youngerThan;
  return {
    abandoned: rest.filter((each) => !young(each)).map(({ name }) => name),
    perhapsRunning: rest.filter(young).map(({ name }) => name),
  };
}
