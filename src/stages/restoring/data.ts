/** The data half of a rollback, in the order of its work: decided, done before the hosts go back, done after. */
import { inWords } from '../../duration/duration.ts';
import type { EnvironmentState, SchemaStep } from '../../ledger/ledger.ts';
import { type Facts, failureFrom, type Result } from '../../outcome/outcome.ts';
import type { Planned } from '../stage.ts';
import {
  askedFor,
  type Choice,
  choose,
  contractingIn,
  type Downs,
  downsOf,
  irreversible,
  stepsSince,
  timeDown,
  wasTakenBack,
} from './choice.ts';
import { knownOf, lackingDowns } from './estimate.ts';
import { liftFences } from './fences.ts';
import type { Hosts } from './files.ts';
import type { RollbackContext } from './reach.ts';
import { planRestore, restore, restoredAs } from './restored.ts';
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
  /** True where the live data are others than before. */
  touched: boolean;
}

/** Decides. Pure but for the context's inputs. Throws `input-invalid`, `data-irreversible`. */
export function planData(
  { inputs, environment }: Pick<RollbackContext, 'inputs' | 'environment'>,
  state: EnvironmentState,
  version: string,
): DataPlan {
  const steps = stepsSince(state, version);
  const asked = askedFor(inputs.data, environment!.rollback?.data);
  const asking = { asked, backup: inputs.backup, now: inputs.data !== '', takenBack: wasTakenBack(state, version) };
  const choice = choose(asking, steps);
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
  throw irreversible('not every migration can be undone', lacking, 'choose data: keep or data: restore');
}

/** What comes before the hosts: a restore, or the downs that old code cannot do without. */
export async function dataBefore(context: RollbackContext, plan: DataPlan, fleet: Hosts): Promise<DataDone> {
  const { choice, steps } = plan;
  if (choice.kind === 'restore') return restoredAs(await restore(context, plan, fleet));
  if (choice.kind === 'down') {
    await liftFences(context);
    const undone = (await undo(context, plan.downs, 'before')).map(({ version }) => version);
    const touched = undone.length > 0;
    return {
      ...{ output: 'down', touched, problems: [], facts: { data: 'down', undone } },
      words: touched ? `migrations were undone in the databases: ${undone.join(', ')}` : null,
    };
  }
  const none = { facts: {}, problems: [], touched: false };
  if (choice.kind === 'keep') {
    const contracting = contractingIn(steps);
    const meets = contracting.length
      ? `old code meets a schema that was contracted by ${contracting.map(({ version, name }) => `${version} ${name}`).join(', ')}`
      : choice.because;
    return { ...none, output: 'kept', words: `the data were kept (${meets})`, facts: { data: 'kept' } };
  }
  const asked = askedFor(context.inputs.data, context.environment!.rollback?.data);
  const words = asked === 'restore' || asked === 'down' ? `the data stay as they are: ${choice.because}` : null;
  return { ...none, output: '', words };
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
  const { kind } = plan.choice;
  if (kind === 'keep' || kind === 'nothing') await liftFences(context);
  if (kind !== 'down') return done;
  if (!allBack && plan.downs.some(({ after }) => after.length > 0))
    return { ...done, problems: ['what new code uses was not undone, since a host may still run it; run this again'] };
  const began = Array.isArray(done.facts.undone) ? done.facts.undone : [];
  try {
    const more = await undo(context, plan.downs, 'after');
    const problems = await settleUndone(context, plan.downs, plan.steps);
    const undone = [...began, ...more.map(({ version }) => version)];
    const words = `${undone.length} migrations were undone`;
    return { ...done, touched: true, words, facts: { ...done.facts, undone }, problems };
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
