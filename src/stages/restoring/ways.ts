/** The ways that a person can choose from, laid out with what each costs. Pure. */
import { inWords } from '../../duration/duration.ts';
import { markdownTable } from '../../escape/escape.ts';
import type { KnownBackup, SchemaStep } from '../../ledger/ledger.ts';
import type { Facts, Result } from '../../outcome/outcome.ts';
import { contractingIn, noWayDown, timeDown, type Way } from './choice.ts';
import { estimateInWords, type Loss } from './loss.ts';

/** What is known of the ways. */
export interface Known {
  environment: string;
  version: string;
  steps: readonly SchemaStep[];
  /** Null where there is none. `losses` null where they could not be estimated, with why. */
  backup: {
    id: string;
    known: KnownBackup | null;
    losses: Loss[] | null;
    why: string | null;
    encrypted: boolean;
  } | null;
  /** Why there is no way down although the ledger says so: what the database itself lacks. */
  lacksDown: string | null;
  now: Date;
}

/** One way, for people. */
export interface Laid {
  way: Way;
  means: string;
  takes: string;
  /** The command of a shell; null where the way is not there. */
  command: string | null;
}

/** The three ways, always all of them: what is not there says why. */
export function layOut(known: Known): Laid[] {
  return [keep(known), down(known), restore(known)];
}

function keep({ steps, ...known }: Known): Laid {
  const names = contractingIn(steps).map(({ database, version, name }) => `${version} ${name} (${database})`);
  const means = names.length
    ? `the data stay; old code meets a schema without what these took away: ${names.join(', ')}`
    : 'the data stay; the migrations only added';
  return { way: 'keep', means, takes: 'no time', command: command(known, 'keep') };
}

function down({ steps, lacksDown, ...known }: Known): Laid {
  const why = lacksDown ?? (steps.length ? noWayDown(steps) : 'no migration was applied since');
  if (why !== null) return { way: 'down', means: `not possible: ${why}`, takes: '', command: null };
  const amount = steps.reduce((sum, { applied }) => sum + applied.length, 0);
  return {
    way: 'down',
    means: `${amount === 1 ? 'the migration is' : `${amount} migrations are`} undone; what was written into what they added is lost`,
    takes: `${inWords(timeDown(steps)!)}, by the rehearsal`,
    command: command(known, 'down'),
  };
}

function restore({ backup, now, ...known }: Known): Laid {
  if (!backup)
    return { way: 'restore', means: 'not possible: the ledger knows no backup from before', takes: '', command: null };
  const { id, losses, why, encrypted } = backup;
  const lost = losses ? estimateInWords(losses) : (why ?? '');
  const level = backup.known
    ? `${backup.known.level}, ${inWords(now.getTime() - Date.parse(backup.known.ended))} old`
    : 'not in the ledger';
  const took = backup.known?.restored ?? null;
  return {
    way: 'restore',
    means: `the backup ${id} (${level}) takes the place of the data; ${lost}`,
    takes:
      took === null
        ? 'not known: it was not restored in proof'
        : `${inWords(took)}, as it was proven; writes are held off meanwhile`,
    command: `${command(known, 'restore')} --backup ${id}${encrypted ? ', with its key in CHANGELINE_IDENTITY' : ''}`,
  };
}

function command({ environment, version }: Pick<Known, 'environment' | 'version'>, way: Way): string {
  return `changeline rollback --environment ${environment} --version ${version} --data ${way}`;
}

/** The result of a run that stops with the choice. */
export function undecided(known: Known): Result {
  const laid = layOut(known);
  const possible = laid.filter((each) => each.command !== null);
  const facts: Facts = {
    data: 'ask',
    version: known.version,
    contracting: contractingIn(known.steps).map((each) => ({ ...each })),
    ways: laid.map((each) => ({ ...each })),
  };
  return {
    outcome: 'waiting',
    code: 'data-undecided',
    summary: `going back to ${known.version} needs a choice about the data, nothing was changed; ${laid.map(({ way, means }) => `${way}: ${means}`).join('; ')}`,
    facts,
    next: `run one of these: ${possible.map((each) => each.command).join(' | ')}`,
    markdown: markdownTable(
      ['data', 'what it means', 'it takes', 'to do it'],
      laid.map(({ way, means, takes, command: words }) => [way, means, takes, words]),
    ),
    outputs: { 'live-version': null, incident: null, data: '' },
  };
}
