/** The data half of a rollback, in the order of its work: decided, done before the hosts go back, done after. */
import type { Manifest } from '../../backup/backup.ts';
import { inWords } from '../../duration/duration.ts';
import type { EnvironmentState, SchemaStep } from '../../ledger/ledger.ts';
import { type Facts, Failure, failureFrom, type Result } from '../../outcome/outcome.ts';
import type { Host } from '../../transport/transport.ts';
import type { Planned } from '../stage.ts';
import {
  askedFor,
  backupFor,
  type Choice,
  choose,
  contractingIn,
  type Downs,
  downsOf,
  stepsSince,
  timeDown,
} from './choice.ts';
import { knownOf, lackingDowns } from './estimate.ts';
import { lossesInWords } from './loss.ts';
import { manifestOf, type RollbackContext, sectionOf, withReplacements, withVault } from './reach.ts';
import { databaseParts, missingRoles, type Restored, restoreData } from './restore.ts';
import { settleUndone, undo } from './undo.ts';
import { undecided } from './ways.ts';

/** What will be done about the data. */
export interface DataPlan {
  /** The version gone back to. */
  version: string;
  choice: Choice;
  state: EnvironmentState;
  /** What would be taken back, newest first. */
  steps: readonly SchemaStep[];
  downs: readonly Downs[];
}

/** What was done about the data. */
export interface DataDone {
  /** The output `data`. */
  output: '' | 'kept' | 'down' | 'restored';
  words: string | null;
  facts: Facts;
  /** What is not as it should be. */
  problems: string[];
}

/** Decides. Pure but for the context's inputs. Throws `input-invalid`, `data-irreversible`. */
export function planData(
  context: Pick<RollbackContext, 'inputs' | 'environment'>,
  state: EnvironmentState,
  version: string,
): DataPlan {
  const steps = stepsSince(state, version);
  const choice = choose(askedFor(context.inputs.data, context.environment!.rollback?.data), steps);
  return { version, choice, state, steps, downs: choice.kind === 'down' ? downsOf(steps) : [] };
}

/** The result of a run that must stop for a person; null where it may go on. Tries what a way down needs. Changes nothing. */
export async function stopForChoice(
  context: RollbackContext,
  { choice, state, steps }: DataPlan,
  version: string,
): Promise<Result | null> {
  if (choice.kind === 'undecided') return undecided(await knownOf(context, { state, steps, version }));
  if (choice.kind !== 'down') return null;
  const lacking = await lackingDowns(context, steps);
  if (lacking === null) return null;
  throw new Failure({
    code: 'data-irreversible',
    what: 'not every migration can be undone',
    why: lacking,
    untouched: 'nothing was changed',
    next: 'choose data: keep or data: restore',
  });
}

/** What comes before the hosts: a restore, or the downs that old code cannot do without. */
export async function dataBefore(context: RollbackContext, plan: DataPlan, hosts: readonly Host[]): Promise<DataDone> {
  const { choice, steps } = plan;
  if (choice.kind === 'restore') return restoredAs(await restore(context, plan, hosts));
  if (choice.kind === 'down') {
    const done = await undo(context, plan.downs, 'before');
    return {
      output: 'down',
      words: null,
      facts: { data: 'down', undone: done.map(({ version }) => version) },
      problems: [],
    };
  }
  if (choice.kind === 'keep') {
    const contracting = contractingIn(steps);
    const meets = contracting.length
      ? `old code meets a schema that was contracted by ${contracting.map(({ version, name }) => `${version} ${name}`).join(', ')}`
      : choice.because;
    return { output: 'kept', words: `the data were kept (${meets})`, facts: { data: 'kept' }, problems: [] };
  }
  return { output: '', words: null, facts: {}, problems: [] };
}

/**
 * What comes after the hosts, once all of them are back: the downs of what new code was using. A failure is told, not
 * thrown: the hosts are back.
 */
export async function dataAfter(
  context: RollbackContext,
  plan: DataPlan,
  done: DataDone,
  allBack: boolean,
): Promise<DataDone> {
  if (plan.choice.kind !== 'down') return done;
  if (!allBack && plan.downs.some(({ after }) => after.length > 0))
    return { ...done, problems: ['what new code uses was not undone, since a host may still run it; run this again'] };
  const began = Array.isArray(done.facts.undone) ? done.facts.undone : [];
  try {
    const more = await undo(context, plan.downs, 'after');
    const changes = [...new Set(plan.steps.map(({ change }) => change))];
    const problems = await settleUndone(context, plan.downs, changes);
    const undone = [...began, ...more.map(({ version }) => version)];
    return { ...done, words: `${undone.length} migrations were undone`, facts: { ...done.facts, undone }, problems };
  } catch (error) {
    return { ...done, problems: [`the migrations that only added were not undone: ${failureFrom(error).message}`] };
  }
}

/** What a plan of the rollback says of the data. */
export async function planOfData(context: RollbackContext, plan: DataPlan, version: string): Promise<Planned[]> {
  const { choice, steps } = plan;
  if (choice.kind === 'nothing') return [];
  if (choice.kind === 'keep') return [{ kind: 'will', text: `keep the data: ${choice.because}` }];
  try {
    const stop = await stopForChoice(context, plan, version);
    // No obstacle: the run itself stops, and shows the whole table.
    if (stop) return [{ kind: 'will', text: `stop for a choice: ${stop.summary}` }];
    if (choice.kind === 'down')
      return [
        {
          kind: 'will',
          text: `undo ${steps.flatMap(({ applied }) => applied).length} migrations, ${inWords(timeDown(steps)!)} by the rehearsal`,
        },
      ];
    return await planRestore(context, plan);
  } catch (thrown) {
    const failure = failureFrom(thrown);
    return [{ kind: 'obstacle', text: failure.message, failure }];
  }
}

async function planRestore(context: RollbackContext, plan: DataPlan): Promise<Planned[]> {
  const { id, known } = backupOf(context, plan);
  return withVault(context, async (vault) => {
    const manifest = await manifestOf(context, vault, id, known?.digest ?? null);
    checkVersion(context, manifest, plan.version);
    const parts = databaseParts(manifest);
    const sections = parts.map(({ name }) => sectionOf(context, name));
    return withReplacements(context, sections, async (reached) => {
      const planned: Planned[] = [];
      for (const [index, { section, database, replacement }] of reached.entries()) {
        const breaks = await replacement.breaks();
        planned.push(...breaks.map((text): Planned => ({ kind: 'blind', text: `${section.name}: ${text}` })));
        await replacement.check();
        const absent = await missingRoles(database, parts[index]!);
        if (absent.length) planned.push({ kind: 'obstacle', text: `the server lacks the roles ${absent.join(', ')}` });
      }
      const took = known?.restored ?? null;
      const time = took === null ? 'its time was not measured' : `${inWords(took)} as it was proven`;
      return [
        ...planned,
        {
          kind: 'will',
          text: `restore ${parts.map(({ name }) => name).join(', ')} from the backup ${id}, ${time}; writes are held off meanwhile`,
        },
      ];
    });
  });
}

function backupOf(context: RollbackContext, { state, steps }: DataPlan): NonNullable<ReturnType<typeof backupFor>> {
  const chosen = backupFor(state, steps, context.inputs.backup);
  if (chosen) return chosen;
  throw new Failure({
    code: 'backup-missing',
    what: 'the ledger knows no backup from before',
    where: state.environment,
    untouched: 'nothing was changed',
    next: 'name one in the input backup, or choose data: keep or data: down',
  });
}

/** A backup holds the schema of the version that was live when it was taken. Another one must be asked for by its id. */
function checkVersion({ inputs, log }: RollbackContext, manifest: Manifest, version: string): void {
  if (manifest.version === null || manifest.version === version) return;
  const what = `the backup was taken while ${manifest.version} was live, and ${version} would run on its schema`;
  if (inputs.backup) {
    log.warn(`${manifest.id}: ${what}`);
    return;
  }
  throw new Failure({
    code: 'data-irreversible',
    what,
    where: manifest.id,
    untouched: 'nothing was changed',
    next: `go back to ${manifest.version}, or name the backup in the input backup if ${version} can live with it`,
  });
}

async function restore(context: RollbackContext, plan: DataPlan, hosts: readonly Host[]): Promise<Restored> {
  const { id, known } = backupOf(context, plan);
  if (known === null)
    context.log.warn(`the ledger does not know the backup ${id}: that nobody changed it is not proven`);
  const undoes = [...new Set(plan.steps.map(({ change }) => change))];
  return withVault(context, async (vault) => {
    const manifest = await manifestOf(context, vault, id, known?.digest ?? null);
    checkVersion(context, manifest, plan.version);
    return restoreData(context, { manifest, vault, hosts, undoes });
  });
}

function restoredAs({ backup, losses, swapped, files }: Restored): DataDone {
  const kept = swapped.map((each) => `${each.kept}, until ${each.remove}`);
  const words = [
    `the data were restored from ${backup}, ${lossesInWords(losses)}`,
    ...(kept.length ? [`the replaced data are kept: ${kept.join('; ')}`] : []),
    ...(files.written.length ? [`config files written back: ${files.written.join('; ')}`] : []),
  ].join('; ');
  return {
    output: 'restored',
    words,
    facts: {
      data: 'restored',
      backup,
      lost: losses.map((loss) => ({ ...loss })),
      swapped: swapped.map((each) => ({ ...each, away: Math.round(each.away) })),
      files: files.written,
    },
    problems: files.missed.map((file) => `the config file was not written back: ${file}`),
  };
}
