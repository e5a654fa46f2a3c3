/** Whatever touches an environment is refused while a freeze is on there; the way back is always open. */
import type { Environment } from '../../config/config.ts';
import { type ActiveFreeze, activeFreezes } from '../../freeze/freeze.ts';
import type { EnvironmentState, LedgerEvent } from '../../ledger/ledger.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import { nowBy } from '../frame/clock.ts';
import type { Planned, StageContext } from '../stage.ts';
import { type Overriding, overrideEvent, overrideOf } from './overriding.ts';

/**
 * Judges by the state that is about to be written upon. Returns what is to be recorded: the override that let the verb
 * pass, or nothing where no freeze is on. Throws frozen, override-refused.
 */
export async function refuseFrozen(
  verb: string,
  asking: Overriding,
  environment: Environment,
  state: EnvironmentState,
): Promise<LedgerEvent[]> {
  if (verb === 'rollback') return [];
  const freezes = activeFreezes(environment.name, environment.freeze, state, nowBy(asking.github), 'deliveries');
  if (freezes.length === 0) return [];
  const word = await overrideOf(asking);
  if (!word) throw frozen(environment.name, freezes);
  return [overrideEvent(verb, word, wordsOf(freezes))];
}

/** The lines of a plan about freezes, none where none is on. */
export async function planFrozen(context: StageContext<'deliver' | 'migrate' | 'deploy'>): Promise<Planned[]> {
  const { environment, ledger, verb } = context;
  const state = await ledger!.state(environment!.name);
  try {
    const events = await refuseFrozen(verb, context, environment!, state);
    return events.map(({ summary, why }) => ({ kind: 'will', text: `override: ${summary} (${why})` }));
  } catch (thrown) {
    const failure = failureFrom(thrown);
    return [{ kind: 'obstacle', text: failure.message, failure }];
  }
}

function frozen(name: string, freezes: readonly ActiveFreeze[]): Failure {
  const [first, ...others] = wordsOf(freezes);
  const ways = [
    freezes.every(({ until }) => until !== null) && 'wait until it is over',
    freezes.every(({ source }) => source !== 'window') &&
      `end it with the freeze action (\`changeline freeze --environment ${name} --end --why "…"\`)`,
    'say in the input override (`--override "…"`) why this may pass',
  ];
  return new Failure({
    code: 'frozen',
    what: first!,
    why: others.length > 0 ? others.join('; ') : undefined,
    untouched: 'nothing was changed; a rollback is always allowed',
    next: ways.filter((way) => way !== false).join(', or '),
    facts: { freezes: freezes.map((freeze) => ({ ...freeze })) },
  });
}

function wordsOf(freezes: readonly ActiveFreeze[]): string[] {
  return freezes.map(({ inWords }) => inWords);
}
