/**
 * The one frame in which every stage runs: inputs, configuration, the change, the work, what is recorded of it.
 * `perform` is the main part; `finish` comes at the end of the job and commits, puts back, and closes.
 */
import { checkVersion } from '../artifact/artifact.ts';
import { runIsAlive } from '../github/github.ts';
import type { Change, EnvironmentState, Holder } from '../ledger/ledger.ts';
import { type Code, Failure, failureFrom, goesOn, type Outcome, type Result } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import { type Admission, admission, type Liveness } from './admission.ts';
import { Book } from './book.ts';
import { contextOf, type Doorway, type Prepared, prepare } from './context.ts';
import { ACTIONS, type Verb } from './contract.ts';
import { stageEvent } from './events.ts';
import { isProcessAlive } from './liveness.ts';
import { publishBeginning, publishEnd } from './publishing.ts';
import { recover } from './recovery.ts';
import { loadStage } from './registry.ts';
import type { StageContext } from './stage.ts';

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

/** How the job went, in GitHub's words. */
export type JobStatus = 'success' | 'failure' | 'cancelled';

/** Runs one stage. Never throws: everything becomes a result. */
export async function perform<V extends Verb>(verb: V, door: Doorway): Promise<Performed> {
  const began = Date.now();
  let book: Book | null = null;
  try {
    const prepared = await prepare(verb, door);
    book = await openOrJoin(verb, door, prepared);
    if (book && ACTIONS[verb].environment === 'touches') await publishBeginning(door, prepared, book);
    const result = await workOf(verb, contextOf(verb, door, prepared, book));
    return await recorded({ verb, result, change: null, took: Date.now() - began, failure: null }, book);
  } catch (thrown) {
    const failure = failureFrom(door.signal.aborted ? asCancelled(thrown) : thrown);
    const performed = { verb, result: resultOf(failure), change: null, took: Date.now() - began, failure };
    return await recorded(performed, book).catch((second) => ({ ...performed, failure: failureFrom(second) }));
  }
}

/**
 * The end of the job for one stage: a deploy that stands is committed, one that must not is put back; whoever opened
 * the change closes it. Idempotent. Returns null where there was nothing to do.
 */
export async function finish<V extends Verb>(
  verb: V,
  door: Doorway,
  main: Result | null,
  job: JobStatus,
): Promise<Result | null> {
  const prepared = await prepare(verb, door);
  if (!prepared.ledger || !prepared.loaded?.environment) return null;
  const book = await Book.join(prepared.ledger, door.place.handover, prepared.loaded.environment.name);
  if (!book) return null;
  const context = contextOf(verb, door, prepared, book);
  const stage = await loadStage(verb);
  // No word from main is no success: it was killed, and a job may go on from there (continue-on-error).
  const passed = job === 'success' && main !== null && goesOn(main.outcome);
  let ending: Result | null = null;
  try {
    if (book.begun && !book.committed)
      ending = (await (passed ? stage.settle?.(context) : stage.turnBack?.(context, whyOf(job, main)))) ?? null;
    if (ending && ending.code !== 'nothing-to-do')
      await book.record(stageEvent(verb, ending, 0, passed ? 'stage' : 'turned-back'));
  } finally {
    if (book.opener === door.step) {
      // A deploy may have been put back in a job that goes on from its failure.
      const stands = passed && (book.committed || !book.change.events.some(({ kind }) => kind === 'turned-back'));
      const [outcome, code, summary] = closing(stands, job, main, ending);
      await book.close(outcome, code, summary);
      await publishEnd(door, prepared, book, outcome === 'passed', summary);
    }
  }
  return ending;
}

function closing(stands: boolean, job: JobStatus, main: Result | null, ending: Result | null): [Outcome, Code, string] {
  if (ending && !goesOn(ending.outcome)) return [ending.outcome, ending.code, ending.summary];
  if (stands) return [main?.outcome ?? 'passed', main?.code ?? 'ok', main?.summary ?? 'the job succeeded'];
  if (job === 'cancelled') return ['failed', 'cancelled', ending?.summary ?? 'the job was cancelled'];
  const own = main && !goesOn(main.outcome) ? main : null;
  return [own?.outcome ?? 'failed', own?.code ?? 'job-failed', own?.summary ?? whyOf(job, main)];
}

function whyOf(job: JobStatus, main: Result | null): string {
  if (job === 'cancelled') return 'the run was cancelled';
  if (main === null) return 'the step was ended before it could say how it went';
  return goesOn(main.outcome) ? 'a later step of the job failed' : main.summary;
}

async function workOf<V extends Verb>(verb: V, context: StageContext<V>): Promise<Result> {
  const stage = await loadStage(verb);
  const planned = await stage.plan(context);
  const blind = new Set(planned.filter((line) => line.kind === 'blind').map((line) => line.text));
  for (const text of blind) context.log.info(`cannot be judged: ${text}`);
  throwObstacles(planned.filter((line) => line.kind === 'obstacle').map((line) => line.failure ?? obstacle(line.text)));
  // From here on hosts may be touched: the end of the job has to look at them, however this run ends.
  await context.book?.begin();
  return stage.run(context);
}

/** Throws the obstacles of a plan as one failure: the first one's, which names the others. */
export function throwObstacles(failures: readonly Failure[]): void {
  const distinct = failures.filter(
    (failure, index) => index === failures.findIndex((each) => each.message === failure.message),
  );
  const [first, ...others] = distinct;
  if (!first) return;
  if (others.length === 0) throw first;
  throw new Failure({
    code: first.code,
    what: `${distinct.length} things stand in the way: ${first.message}`,
    why: others.map((failure) => failure.message).join(' | '),
    untouched: 'nothing was changed',
    next: first.next,
  });
}

function obstacle(text: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: text,
    untouched: 'nothing was changed',
    next: 'remove this obstacle, then start again',
  });
}

async function openOrJoin<V extends Verb>(verb: V, door: Doorway, prepared: Prepared<V>): Promise<Book | null> {
  const { ledger, loaded, inputs } = prepared;
  if (!ledger || !loaded?.environment) return null;
  const { name } = loaded.environment;
  const version = 'version' in inputs && typeof inputs.version === 'string' && inputs.version ? inputs.version : null;
  // Before anything is opened: text that is no version gets into no ledger.
  if (version) checkVersion(version);
  const joined = await Book.join(ledger, door.place.handover, name);
  if (joined) {
    if (version && !joined.change.version) await joined.learn({ version });
    return joined;
  }
  const plansOnly = verb === 'deliver' && (inputs as { plan?: boolean }).plan === true;
  if (plansOnly) return null;
  const opening = {
    verb,
    version,
    digest: null,
    commit: door.runner?.sha ?? null,
    config: loaded.digest,
    holder: door.holder,
  };
  const touches = ACTIONS[verb].environment === 'touches';
  const attempt = () =>
    Book.open(ledger, door.place.handover, name, opening, door.step, async (state) => {
      const decided = admission(state, door.holder, { touches }, await livenessOf(state, door.holder, prepared));
      if (decided.kind === 'open' || decided.kind === 'beside') return decided.kind;
      throw new Unfinished(decided);
    });
  try {
    return await attempt();
  } catch (thrown) {
    if (!(thrown instanceof Unfinished)) throw thrown;
    await recover(door, prepared, thrown.admission);
    return await attempt();
  }
}

/** A change is open whose holder is gone, or is this very run without its pages: it is ended before a new one begins. */
class Unfinished extends Error {
  readonly admission: Extract<Admission, { kind: 'recover' | 'join' }>;

  constructor(found: Extract<Admission, { kind: 'recover' | 'join' }>) {
    super('an open change must be ended first');
    this.admission = found;
  }
}

async function livenessOf(state: EnvironmentState, me: Holder, prepared: Prepared<Verb>): Promise<Liveness> {
  const holder = state.open?.holder;
  if (!holder) return 'dead';
  if (holder.kind === 'shell') return isProcessAlive(holder, me);
  if (me.kind === 'actions' && me.repository === holder.repository && me.run === holder.run) {
    // The same run: an earlier attempt is over; another job of this attempt may still go on.
    return me.attempt === holder.attempt ? 'alive' : 'dead';
  }
  return runIsAlive(prepared.github(), holder.run);
}

async function recorded(performed: Performed, book: Book | null): Promise<Performed> {
  const result = redacted(performed.result);
  if (!book) return { ...performed, result };
  await book.record(stageEvent(performed.verb, result, performed.took, 'stage'));
  return { ...performed, result, change: book.change };
}

function redacted(result: Result): Result {
  return JSON.parse(redact(JSON.stringify(result))) as Result;
}

function resultOf(failure: Failure): Result {
  return {
    outcome: failure.outcome,
    code: failure.code,
    summary: failure.message,
    facts: failure.facts,
    next: failure.next,
  };
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
