/** Backs up databases and config files under one manifest, and proves it by restoring. */
import { type Kept, keepNewest, type Manifest, type Part, reaches, type Taken, takeBackup } from '../backup/backup.ts';
import type { DatabaseSection } from '../config/config.ts';
import { checkThrowaway, type Database } from '../database/database.ts';
import { markdownTable } from '../escape/escape.ts';
import { hostCount } from '../fleet/fleet.ts';
import { Failure, failureFrom, type Json, type Result } from '../outcome/outcome.ts';
import {
  type BackupContext,
  inBytes,
  lackOfRoom,
  readConfigFiles,
  type Wanted,
  wantedOf,
  withDatabase,
  withDatabases,
} from './backing-up.ts';
import type { Planned, Stage } from './stage.ts';

/** The stage of the verb `backup`. */
export const stage: Stage<'backup'> = {
  verb: 'backup',

  async plan(context) {
    const wanted = wantedOf(context);
    if (wanted === null)
      return [{ kind: 'blind', text: 'no backup is configured: what a migration loses cannot be had back' }];
    const sizes: number[] = [];
    const planned: Planned[] = [];
    for (const section of wanted.databases) planned.push(...(await planDatabase(context, section, wanted, sizes)));
    planned.push(...(await attempt(() => planFiles(context, wanted))));
    planned.push(...(await attempt(() => planVault(context, wanted, sizes))));
    if (context.runner?.hosted) planned.push({ kind: 'blind', text: GONE_WITH_THE_RUNNER });
    if (wanted.recipients.length === 0)
      planned.push({ kind: 'will', text: 'store the backup unencrypted: there are no recipients' });
    return planned;
  },

  async run(context) {
    const wanted = wantedOf(context);
    if (wanted === null)
      return {
        outcome: 'skipped',
        code: 'not-configured',
        summary: 'no backup is configured',
        facts: {},
        outputs: { backup: '', level: '' },
      };
    const { signal, place, log } = context;
    const configFiles = await readConfigFiles(context, wanted.configFiles);
    const version =
      context.ledger && context.environment
        ? ((await context.ledger.state(wanted.environment)).live?.version ?? null)
        : null;
    try {
      const taken = await withDatabases(context, wanted.databases, (databases) =>
        takeBackup({
          ...wanted,
          version,
          databases,
          configFiles,
          scratch: place.scratch,
          signal,
          progress: (line) => log.progress(line),
        }),
      );
      // Old backups go only after a new one has proven as much as is required.
      const proven = reaches(taken.manifest.level, wanted.level);
      const kept = proven ? await keepNewest(wanted.vault, wanted.environment, wanted.keep) : null;
      if (context.runner?.hosted) log.warn(GONE_WITH_THE_RUNNER);
      return resultOf(taken, wanted, kept);
    } finally {
      log.progress(null);
    }
  },
};

const GONE_WITH_THE_RUNNER =
  'the backup lies on this runner, which is gone after the job: run the job on a runner of your own, or name a folder that outlives it';

async function planDatabase(
  context: BackupContext,
  section: DatabaseSection,
  wanted: Wanted,
  sizes: number[],
): Promise<Planned[]> {
  return attempt(() =>
    withDatabase(context, section, async (database) => {
      const [tool, version, size] = [await database.checkTools(), await database.version(), await database.size()];
      sizes.push(size);
      const text = `back up ${section.name} (${database.engine} ${version}, ${inBytes(size)}) with ${tool}`;
      return [{ kind: 'will', text }, ...(await planProof(database, version, wanted))];
    }),
  );
}

/** Whether the level required can be reached with the servers that are installed here. */
async function planProof(database: Database, version: string, wanted: Wanted): Promise<Planned[]> {
  const lack = await checkThrowaway(database.engine, version).then(() => null, failureFrom);
  if (lack === null) return [];
  const text = `${database.name} can only be proven readable here: ${lack.what}`;
  if (reaches('readable', wanted.level)) return [{ kind: 'blind', text }];
  const failure = new Failure({ code: 'tool-missing', what: text, untouched: 'nothing was stored', next: lack.next });
  return [{ kind: 'obstacle', text, failure }];
}

async function planFiles(context: BackupContext, wanted: Wanted): Promise<Planned[]> {
  const files = await readConfigFiles(context, wanted.configFiles);
  return files.length
    ? [
        {
          kind: 'will',
          text: `back up ${files.length} config ${files.length === 1 ? 'file' : 'files'} of ${hostCount(new Set(files.map(({ host }) => host)).size)}`,
        },
      ]
    : [];
}

async function planVault(context: BackupContext, wanted: Wanted, sizes: number[]): Promise<Planned[]> {
  await wanted.vault.check();
  const lack = await lackOfRoom(
    wanted,
    context.place.scratch,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  if (lack) throw lack;
  return [{ kind: 'will', text: `store it in ${wanted.vault.where} and prove it: ${wanted.level}` }];
}

async function attempt(plan: () => Promise<Planned[]>): Promise<Planned[]> {
  return plan().catch((thrown) => {
    const failure = failureFrom(thrown);
    return [{ kind: 'obstacle', text: failure.message, failure }];
  });
}

function resultOf({ manifest, digest }: Taken, wanted: Wanted, kept: Kept | null): Result {
  const proven = reaches(manifest.level, wanted.level);
  return {
    outcome: proven ? 'passed' : 'failed',
    code: proven ? 'ok' : 'backup-unproven',
    summary: [inWords(manifest, wanted), ...cleared(kept)].join('; '),
    facts: factsOf(manifest, digest, kept),
    outputs: { backup: manifest.id, level: manifest.level },
    markdown: markdownTable(
      ['part', 'size', 'stored', 'level', 'why not higher'],
      manifest.parts.map((part) => [label(part), inBytes(part.raw), inBytes(part.stored), part.level, part.why]),
    ),
    ...(proven ? {} : { next: `put right what is named, or require no more than ${manifest.level} (backup.level)` }),
  };
}

function inWords(manifest: Manifest, wanted: Wanted): string {
  const { parts, level, why } = manifest;
  const size = inBytes(parts.reduce((sum, part) => sum + part.stored, 0));
  const counts = parts.flatMap((part) => (part.kind === 'database' ? Object.values(part.counts ?? {}) : []));
  const rows = counts.reduce((sum, count) => sum + count, 0).toLocaleString('en');
  const equal = level === 'compared' && counts.length ? `: ${plural(counts.length, 'table')}, ${rows} rows equal` : '';
  const lower = level === 'compared' ? '' : `, not higher because ${why}`;
  const required = reaches(level, wanted.level) ? '' : `, ${wanted.level} is required`;
  const open = manifest.recipients.length ? '' : ', unencrypted';
  return `${plural(parts.length, 'part')}, ${size}, ${level}${equal}${lower}${required}${open}`;
}

function cleared(kept: Kept | null): string[] {
  if (kept === null) return [];
  return [
    ...(kept.deleted.length ? [`deleted ${plural(kept.deleted.length, 'old backup')}`] : []),
    ...(kept.abandoned.length ? [`removed ${plural(kept.abandoned.length, 'file')} of runs that never finished`] : []),
    ...(kept.perhapsRunning.length
      ? [`${plural(kept.perhapsRunning.length, 'file')} of a run that has not finished`]
      : []),
    ...(kept.damaged.length ? [`${plural(kept.damaged.length, 'manifest')} damaged`] : []),
  ];
}

/** For the ledger and the output: names of hosts stay out, and so does everything that is in a part. */
function factsOf(manifest: Manifest, digest: string, kept: Kept | null): Result['facts'] {
  const { id, version, began, ended, level, why, recipients } = manifest;
  const parts = manifest.parts.map((part): Json => {
    const { kind, raw, stored, sha256 } = part;
    const common = { kind, name: label(part), raw, stored, sha256, level: part.level, why: part.why };
    if (part.kind === 'config') return common;
    const { traits, fingerprint, counts, counted, position, tool } = part;
    return { ...common, engine: traits.engine, version: traits.version, fingerprint, counts, counted, position, tool };
  });
  const gone = kept && {
    deleted: kept.deleted,
    abandoned: kept.abandoned,
    unfinished: kept.perhapsRunning,
    damaged: kept.damaged,
  };
  return {
    schema: 1,
    id,
    digest,
    version,
    began,
    ended,
    level,
    why,
    encrypted: recipients.length > 0,
    parts,
    cleared: gone,
  };
}

function label(part: Part): string {
  return part.kind === 'config' ? part.path : part.name;
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
