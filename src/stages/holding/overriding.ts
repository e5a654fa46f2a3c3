/** The input `override`: a person takes it upon themselves that a change passes a closed gate or a freeze. */
import { type Config, gateOf } from '../../config/config.ts';
import { oneLine } from '../../escape/escape.ts';
import { type GitHub, type Runner, standing } from '../../github/github.ts';
import { event, type Holder, type LedgerEvent } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';

/** What an override is judged by; a stage's context is one. */
export interface Overriding {
  inputs: { override: string };
  config: Config | null;
  runner: Runner | null;
  readonly change: { holder: Holder } | null;
  github(): GitHub;
}

/** A word that counts. */
interface Word {
  why: string;
  by: string;
}

/**
 * The override of this run; null where the input is empty. On a runner whoever started the run must count now under
 * `gate.override.from`; in a shell the user's word is taken. Throws override-refused, and what asking GitHub throws.
 */
export async function overrideOf(context: Overriding): Promise<Word | null> {
  const why = oneLine(context.inputs.override).trim();
  if (!why) return null;
  const { runner } = context;
  if (!runner) return { why, by: context.change?.holder.actor ?? 'whoever starts it' };
  const from = gateOf(context.config ?? {}).override.from;
  const { counts, because } = await standing(context.github(), runner.actor, from);
  if (counts) return { why, by: runner.actor };
  throw new Failure({
    code: 'override-refused',
    what: `the override of ${runner.actor} does not count`,
    where: context.github().repository,
    why: `${runner.actor} ${because}; it counts from ${from.join(', ')}`,
    untouched: 'nothing was changed',
    next: 'have one of them start the run with the input override, or start it without',
  });
}

/** The entry of the ledger for an override that let something pass; `passed` says what, in words. */
export function overrideEvent(verb: string, word: Word, passed: readonly string[]): LedgerEvent {
  return event('override', {
    stage: verb,
    why: word.why,
    summary: `${word.by} let it pass: ${passed.join('; ')}`,
    facts: { by: word.by, passed: [...passed] },
  });
}
