/** A backup in words and in facts. Pure. */
import { type Kept, type Manifest, type Part, reaches, type Taken } from '../../backup/backup.ts';
import { markdownTable } from '../../escape/escape.ts';
import type { KnownBackup } from '../../ledger/ledger.ts';
import type { Json, Result } from '../../outcome/outcome.ts';
import type { Wanted } from './wanted.ts';

/** What was cleared away after a backup, and what of it went wrong. */
export interface Cleared {
  kept: Kept;
  /** Backups of providers that could not be removed, in words. */
  left: string[];
}

/** The result of a backup that was taken. */
export function resultOf({ manifest, digest }: Taken, wanted: Wanted, cleared: Cleared | null): Result {
  const proven = reaches(manifest.level, wanted.level);
  return {
    outcome: proven ? 'passed' : 'failed',
    code: proven ? 'ok' : 'backup-unproven',
    summary: [inWords(manifest, wanted), ...clearedInWords(cleared)].join('; '),
    facts: factsOf(manifest, digest, cleared),
    outputs: { backup: manifest.id, level: manifest.level },
    markdown: tableOf(manifest.parts),
    ...(proven ? {} : { next: `put right what is named, or require no more than ${manifest.level} (backup.level)` }),
  };
}

/** The parts of a backup as a table in Markdown. */
export function tableOf(parts: Part[]): string {
  return markdownTable(
    ['part', 'size', 'stored', 'level', 'why not higher'],
    parts.map((part) => [label(part), ...sizes(part), part.level, part.why]),
  );
}

function sizes(part: Part): [string, string] {
  if (part.kind !== 'provided') return [inBytes(part.raw), inBytes(part.stored)];
  return [part.bytes === null ? '' : inBytes(part.bytes), `by its provider, RPO ${part.rpo}`];
}

function inWords(manifest: Manifest, wanted: Wanted): string {
  const { parts, level, why } = manifest;
  const size = inBytes(parts.reduce((sum, part) => sum + (part.kind === 'provided' ? 0 : part.stored), 0));
  const tables = parts.flatMap((part) => (part.kind === 'database' ? Object.values(part.contents?.tables ?? {}) : []));
  const rows = tables.reduce((sum, table) => sum + table.rows, 0).toLocaleString('en');
  const equal = level === 'compared' && tables.length ? `: ${plural(tables.length, 'table')}, ${rows} rows equal` : '';
  const lower = level === 'compared' ? '' : `, not higher because ${why}`;
  const required = reaches(level, wanted.level) ? '' : `, ${wanted.level} is required`;
  const stored = parts.some(({ kind }) => kind !== 'provided');
  const open = manifest.recipients.length || !stored ? '' : ', unencrypted';
  return `${plural(parts.length, 'part')}, ${size}, ${level}${equal}${lower}${required}${open}${lost(parts)}`;
}

/** What is lost in the worst case where a provider's backup has to be restored. */
function lost(parts: Part[]): string {
  const provided = parts.flatMap((part) => (part.kind === 'provided' ? [`${part.name} up to ${part.rpo}`] : []));
  return provided.length ? `; a restore loses of ${provided.join(', of ')}` : '';
}

function clearedInWords(cleared: Cleared | null): string[] {
  if (cleared === null) return [];
  const { deleted, abandoned, perhapsRunning, damaged } = cleared.kept;
  return [
    ...(deleted.length ? [`deleted ${plural(deleted.length, 'old backup')}`] : []),
    ...(abandoned.length ? [`removed ${plural(abandoned.length, 'file')} of runs that never finished`] : []),
    ...(perhapsRunning.length ? [`${plural(perhapsRunning.length, 'file')} of a run that has not finished`] : []),
    ...(damaged.length ? [`${plural(damaged.length, 'manifest')} damaged`] : []),
    ...cleared.left,
  ];
}

/** For the ledger and the output: names of hosts stay out, and so does everything that is in a part. */
function factsOf(manifest: Manifest, digest: string, cleared: Cleared | null): Result['facts'] {
  const { id, version, began, ended, level, why, recipients, across } = manifest;
  const gone = cleared && {
    deleted: cleared.kept.deleted,
    abandoned: cleared.kept.abandoned,
    unfinished: cleared.kept.perhapsRunning,
    damaged: cleared.kept.damaged,
    left: cleared.left,
  };
  return {
    ...{ schema: 2, id, digest, version, began, ended, level, why, across },
    encrypted: recipients.length > 0,
    parts: manifest.parts.map(factOf),
    cleared: gone,
  };
}

function factOf(part: Part): Json {
  const common = { kind: part.kind, name: label(part), level: part.level, why: part.why };
  if (part.kind === 'config') return { ...common, raw: part.raw, stored: part.stored, sha256: part.sha256 };
  const { traits, fingerprint, position, restored, unlike } = part;
  const database = {
    ...common,
    engine: traits.engine,
    version: traits.version,
    fingerprint,
    position,
    restored,
    unlike,
  };
  if (part.kind === 'provided') return { ...database, backup: part.backup, bytes: part.bytes, rpo: part.rpo };
  const { raw, stored, sha256, contents, tool, from, dumped } = part;
  const rows = Object.fromEntries(Object.entries(contents?.tables ?? {}).map(([name, held]) => [name, held.rows]));
  return { ...database, raw, stored, sha256, rows, tool, from, dumped };
}

/** What the ledger remembers of a backup. */
export function knownOf({ manifest, digest }: Taken, change: string): KnownBackup {
  const databases = manifest.parts.flatMap((part) => (part.kind === 'config' ? [] : [part]));
  const whole = databases.length > 0 && databases.every(({ restored }) => restored !== null);
  return {
    ...{ id: manifest.id, digest, level: manifest.level, ended: manifest.ended, change },
    databases: databases.map(({ name }) => name),
    restored: whole ? databases.reduce((sum, { restored }) => sum + restored!, 0) : null,
  };
}

/** The name of a part for everyone: of a config file without its host. */
export function label(part: Part): string {
  return part.kind === 'config' ? part.path : part.name;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** Bytes for people: 812 B, 3.4 kB, 12.3 MB, 1.2 GB. */
export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const unit = bytes < 999_950 ? 1 : bytes < 999_950_000 ? 2 : 3;
  return `${(bytes / 1000 ** unit).toFixed(1)} ${['B', 'kB', 'MB', 'GB'][unit]}`;
}
