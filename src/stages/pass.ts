/** How the line has one of its stages do its work: the same run, the stage's own inputs, its line and its record. */
import { type Result, resultOfFailure } from '../outcome/outcome.ts';
import { ACTIONS } from './contract.ts';
import { stageEvent } from './frame/events.ts';
import { readInputs } from './frame/inputs.ts';
import type { LineVerb } from './line.ts';
import { loadStage } from './registry.ts';
import type { StageContext } from './stage.ts';

/** The verbs that have other stages do, or plan, a part of their work. */
type Leading = 'deliver' | 'rollback' | 'approve' | 'migrate' | 'deploy';

/** What a line hands to its stages instead of its own inputs. */
export interface Handed {
  version?: string;
  /** Where a stage can expect a version, this one. */
  expectVersion?: string;
}

/** Runs one stage, says its line, and keeps it for the ledger. A failure is a result here: the line decides what follows. */
export async function passStage<V extends LineVerb>(
  verb: V,
  context: StageContext<'deliver' | 'rollback'>,
  handed: Handed = {},
): Promise<Result> {
  const began = Date.now();
  const result = await loadStage(verb)
    .then((stage) => stage.run(contextFor(verb, context, handed)))
    .catch(resultOfFailure);
  const took = Date.now() - began;
  await context.book?.record(stageEvent(verb, result, took, 'stage'));
  context.log.stage({ verb, result, took });
  return result;
}

/** The context of one stage of the line: the same run, with the inputs that this stage has. */
export function contextFor<V extends LineVerb>(
  verb: V,
  context: StageContext<Leading>,
  handed: Handed = {},
): StageContext<V> {
  const { environment, config, token, artifact, 'ssh-key': sshKey } = context.inputs;
  const version = handed.version ?? context.inputs.version;
  const override = 'override' in context.inputs ? context.inputs.override : '';
  const has = Object.keys(ACTIONS[verb].inputs);
  const own = Object.entries({ version, artifact, override, 'ssh-key': sshKey }).filter(([name]) => has.includes(name));
  const given: Record<string, string> = { environment, config, token, ...Object.fromEntries(own) };
  if (verb === 'smoke-test' && handed.expectVersion && asksForVersion(context))
    given['expect-version'] = handed.expectVersion;
  const inputs = readInputs(verb, given, {});
  const line = context.verb === 'deliver' ? { inLine: { value: true } } : {};
  return Object.create(context, { ...line, verb: { value: verb }, inputs: { value: inputs } }) as StageContext<V>;
}

/** As the smoke test sees it: a command is told the version too. */
function asksForVersion({ environment }: Pick<StageContext<Leading>, 'environment'>): boolean {
  return (environment?.['smoke-test'] ?? []).some(
    (check) => typeof check === 'object' && (check.expect.version === true || check.command !== undefined),
  );
}
