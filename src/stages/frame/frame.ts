/**
 * The one frame in which every stage runs: inputs, configuration, the change, the plan, the work, what is recorded of
 * it. The end of the job is in ending.ts.
 */
import type { Change } from '../../ledger/ledger.ts';
import { Failure, failureFrom, type Result, resultOfFailure } from '../../outcome/outcome.ts';
import { redactAll } from '../../secret/secret.ts';
import { ACTIONS, type Verb } from '../contract.ts';
import { loadStage } from '../registry.ts';
import type { StageContext } from '../stage.ts';
import type { Book } from './book.ts';
import { contextOf, type Doorway, prepare } from './context.ts';
import { stageEvent } from './events.ts';
import { openOrJoin } from './opening.ts';
import { publishBeginning } from './publishing.ts';
import { ruled } from './ruling.ts';

/** What a door gets back from a run. */
export interface Performed {
  verb: Verb;
  result: Result;
  /** The change with all its events so far; null where none is kept. */
  change: Change | null;
  /** Milliseconds. */
  took: number;
  /** The failure behind a result that did not pass, where there was one. */
  failure: Failure | null;
}

/** Runs one stage. Never throws: everything becomes a result. */
export async function perform<V extends Verb>(verb: V, door: Doorway): Promise<Performed> {
  const began = Date.now();
  let book: Book | null = null;
  try {
    const prepared = await ruled(verb, door, await prepare(verb, door));
    book = await openOrJoin(verb, door, prepared);
    if (book && ACTIONS[verb].environment === 'touches') await publishBeginning(door, prepared, book);
    const context = contextOf(verb, door, prepared, book);
    const result = await workOf(verb, context).finally(() => context.copies.close(context.log.warn));
    return await recorded({ verb, result, change: null, took: Date.now() - began, failure: null }, book);
  } catch (thrown) {
    const failure = failureFrom(door.signal.aborted ? asCancelled(thrown) : thrown);
    const performed = { verb, result: resultOfFailure(failure), change: null, took: Date.now() - began, failure };
    return await recorded(performed, book).catch((second) => ({ ...performed, failure: failureFrom(second) }));
  }
}

async function workOf<V extends Verb>(verb: V, context: StageContext<V>): Promise<Result> {
  const stage = await loadStage(verb);
  const planned = await stage.plan(context);
  for (const { text } of planned.filter(({ shown }) => shown)) context.log.info(text);
  const blind = new Set(planned.filter((line) => line.kind === 'blind').map((line) => line.text));
  for (const text of blind) context.log.info(`cannot be judged: ${text}`);
  throwObstacles(planned.filter((line) => line.kind === 'obstacle').map((line) => line.failure ?? obstacle(line.text)));
  // From here on hosts may be touched: the end of the job has to look at them, however this run ends.
  await context.book?.begin();
  return stage.run(context);
}

/** Throws the obstacles of a plan as one failure with the code of the first: all that is in the way, and all that is to be done. */
export function throwObstacles(failures: readonly Failure[]): void {
  const distinct = failures.filter(
    (failure, index) => index === failures.findIndex((each) => each.message === failure.message),
  );
  const [first, ...others] = distinct;
  if (!first) return;
  if (others.length === 0) throw first;
  throw new Failure({
    code: first.code,
    what: `${distinct.length} things stand in the way: ${distinct.map(inShort).join('; ')}`,
    untouched: 'nothing was changed',
    next: [...new Set(distinct.map(({ next }) => next))].join('; '),
  });
}

function inShort({ where, what, why }: Failure): string {
  return `${where ? `${where}: ` : ''}${what}${why ? ` (${why})` : ''}`;
}

function obstacle(text: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: text,
    untouched: 'nothing was changed',
    next: 'remove this obstacle, then start again',
  });
}

async function recorded(performed: Performed, book: Book | null): Promise<Performed> {
  const { outcome, code } = performed.result;
  const result: Result = { ...redactAll(performed.result), outcome, code };
  if (!book) return { ...performed, result };
  await book.record(stageEvent(performed.verb, result, performed.took, 'stage'));
  return { ...performed, result, change: book.change };
}

function asCancelled(thrown: unknown): Failure {
  if (thrown instanceof Failure && thrown.code === 'cancelled') return thrown;
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled',
    why: thrown instanceof Error ? thrown.message : undefined,
    next: 'what had begun is put back at the end of the job',
  });
}
