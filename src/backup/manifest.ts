/** What a backup is: all its parts under one manifest. Pure: names, levels, digests, and which backup is which. */
import { createHash } from 'node:crypto';
import type { Contents, DumpFacts, Traits } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';

/** What was proven, from least to most: written; read back, decrypted and unpacked whole; restored into a server; equal there to the original. */
export const LEVELS = ['stored', 'readable', 'restored', 'compared'] as const;
export type Level = (typeof LEVELS)[number];

interface AnyPart {
  /** Unique among the parts of its kind. */
  name: string;
  /** ISO 8601, UTC: when it was begun, and when all of it lay in the vault. Proving comes after. */
  began: string;
  ended: string;
  level: Level;
  /** Why not a higher level; null for `compared`. */
  why: string | null;
}

/** A part whose bytes lie in the vault. */
interface StoredPart extends AnyPart {
  /** Its name in the vault. */
  file: string;
  /** Bytes before compression, and as they are stored. */
  raw: number;
  stored: number;
  /** Of the bytes as they are stored, hex. */
  sha256: string;
}

/** What proving a database has shown. */
export interface Shown {
  level: Level;
  why: string | null;
  /** Milliseconds from the first byte read back to the server having all of it; null where it was not restored. */
  restored: number | null;
  /** In what the server it was restored into is not like the original, for people. */
  unlike: string[];
}

export interface DatabasePart extends StoredPart, Shown, Omit<DumpFacts, 'bytes' | 'held' | 'contents'> {
  kind: 'database';
  traits: Traits;
  /** The digest of the schema's canonical form, the same before and after the dump. */
  fingerprint: string;
  /** What the dump holds; null in a manifest of schema 1. */
  contents: Contents | null;
  /** Where it was dumped from. */
  from: 'primary' | 'replica';
  /** Milliseconds of the dump: how long the server held its snapshot. Null in a manifest of schema 1. */
  dumped: number | null;
}

export interface ConfigPart extends StoredPart {
  kind: 'config';
  host: string;
  path: string;
}

/** A database that another tool has backed up, where that tool keeps it. */
export interface ProvidedPart extends AnyPart, Shown {
  kind: 'provided';
  traits: Traits;
  /** What the tool calls this backup. */
  backup: string;
  /** Where it stands, as the tool says it; null where it does not. */
  position: string | null;
  /** Bytes of it, as the tool says; null where it does not. */
  bytes: number | null;
  /** The longest stretch of work that a restore loses, as changeline.yml says it: 5m. */
  rpo: string;
  /** The digest of the live schema when the tool was done, the same as before. */
  fingerprint: string;
}

export type Part = DatabasePart | ConfigPart | ProvidedPart;

/** What the positions and times of the parts mean together. */
export const ACROSS = 'databases are dumped one after the other, each with its own position and time';

export interface Manifest {
  /** 1 was written before contents were compared: read as this, with what it lacks as null. */
  schema: 1 | 2;
  id: string;
  environment: string;
  /** The version that was live. */
  version: string | null;
  began: string;
  ended: string;
  across: string;
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

/** The id of a backup: sorts by time within its scope. `random` are some lower-case letters and digits. */
export function backupId(scope: string, at: Date, random: string): string {
  return `${scope}.${at.toISOString().replace(/[-:.]/g, '')}-${random}`;
}

/** A name in the vault taken apart; null where it is none of ours. */
export function parseName(name: string): { id: string; scope: string; at: Date; manifest: boolean } | null {
  const [, scope, stamp, random, rest] = /^([A-Za-z0-9][\w-]*)\.(\d{8}T\d{9}Z)-([a-z0-9]+)\.(.+)$/.exec(name) ?? [];
  const time = STAMP.exec(stamp ?? '');
  if (!scope || !time) return null;
  const [, y, mo, d, h, mi, s, ms] = time;
  return {
    id: `${scope}.${stamp}-${random}`,
    scope,
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
    if (manifest.schema !== 1 && manifest.schema !== 2)
      throw new Error(`it has schema ${manifest.schema}, and this version knows 1 and 2`);
    if (manifestName(manifest.id) !== name) throw new Error('it names another backup');
    return { manifest: manifest.schema === 1 ? brought(manifest) : manifest, digest };
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

/** A manifest of schema 1 with what it did not know as null. */
function brought(old: Manifest): Manifest {
  const unknown = { contents: null, dumped: null, restored: null, unlike: [], from: 'primary' as const };
  const parts = old.parts.map((part) => (part.kind === 'database' ? { ...part, ...unknown } : part));
  return { ...old, across: ACROSS, parts };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What a killed run left: names of files without a manifest. A run that may still be at work (`youngerThan`) is told apart. */
export function leftovers(
  names: string[],
  scope: string,
  now: Date,
  youngerThan: number,
): { abandoned: string[]; perhapsRunning: string[] } {
  const parsed = names.map((name) => ({ name, of: parseName(name) }));
  const complete = new Set(parsed.filter(({ of }) => of?.manifest).map(({ of }) => of!.id));
  const rest = parsed.filter(({ of }) => of?.scope === scope && !complete.has(of.id));
  const young = ({ of }: (typeof rest)[number]) => now.getTime() - of!.at.getTime() < youngerThan;
  return {
    abandoned: rest.filter((each) => !young(each)).map(({ name }) => name),
    perhapsRunning: rest.filter(young).map(({ name }) => name),
  };
}
