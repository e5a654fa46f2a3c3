/** A watch that cannot tell: a person may take it upon themselves that the change passes. A failed watch never does. */
import { escapeMarkdown } from '../../escape/escape.ts';
import { failureFrom, type Result } from '../../outcome/outcome.ts';
import type { Planned, StageContext } from '../stage.ts';
import { overrideEvent, overrideOf } from './overriding.ts';

type Context = StageContext<'watch'> | StageContext<'deploy'>;

/**
 * The result of a watch, passed where it was undecided and the run has an override that counts; that is recorded. An
 * override that does not count changes nothing and is said.
 */
export async function letPass(context: Context, result: Result): Promise<Result> {
  if (result.outcome !== 'inconclusive') return result;
  const word = await overrideOf(context).catch((thrown) => {
    context.log.warn(failureFrom(thrown).message);
    return null;
  });
  if (word === null) return result;
  await context.book?.record(overrideEvent(context.verb, word, [result.summary]));
  const said = `${word.by} let it pass: ${word.why}`;
  const { next: _, ...rest } = result;
  return {
    ...rest,
    outcome: 'passed',
    code: 'ok',
    summary: `${result.summary}; ${said}`,
    facts: { ...result.facts, override: { by: word.by, why: word.why, undecided: result.code } },
    markdown: `${escapeMarkdown(said)}\n\n${result.markdown ?? ''}`,
  };
}

/** The plan of a watch; a metric that is too blind is no obstacle where the run has an override that counts. */
export async function planLetPass(context: Context, lines: readonly Planned[]): Promise<Planned[]> {
  const isBlind = ({ kind, failure }: Planned) => kind === 'obstacle' && failure?.code === 'metric-blind';
  if (!lines.some(isBlind)) return [...lines];
  try {
    const word = await overrideOf(context);
    if (word === null) return [...lines];
    const pass: Planned = {
      kind: 'will',
      text: `override: ${word.by} lets a watch pass that cannot tell (${word.why})`,
    };
    return [...lines.map((line): Planned => (isBlind(line) ? { kind: 'blind', text: line.text } : line)), pass];
  } catch (thrown) {
    const failure = failureFrom(thrown);
    return [...lines, { kind: 'obstacle', text: failure.message, failure }];
  }
}
