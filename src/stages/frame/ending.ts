/** The end of the job for a stage: what stands is committed, what must not is put back, the change is closed. */
import { type Code, goesOn, type Outcome, type Result, resultOfFailure } from '../../outcome/outcome.ts';
import { approvalIn } from '../approving/approved.ts';
import type { Verb } from '../contract.ts';
import { loadStage } from '../registry.ts';
import type { Stage, StageContext } from '../stage.ts';
import { Book } from './book.ts';
import { contextOf, type Doorway, prepare, standsAlone } from './context.ts';
import { stageEvent } from './events.ts';
import { writePapers } from './papers.ts';
import { publishEnd } from './publishing.ts';

/** How the job went, in GitHub's words. */
export type JobStatus = 'success' | 'failure' | 'cancelled';

/**
 * A deploy that stands is committed, one that must not is put back; whoever opened the change closes it. Where that
 * could not be done the change stays open, and the next run ends it first. Idempotent; null where nothing was to do.
 */
export async function finish<V extends Verb>(
  verb: V,
  door: Doorway,
  main: Result | null,
  job: JobStatus,
): Promise<Result | null> {
  if (standsAlone(verb, door)) return null;
  const prepared = await prepare(verb, door);
  if (!prepared.ledger || !prepared.loaded?.environment) return null;
  const book = await Book.join(prepared.ledger, door.place.handover, prepared.loaded.environment.name);
  if (!book) return null;
  const context = contextOf(verb, door, prepared, book);
  // No word from main is no success: it was killed, and a job may go on from there (continue-on-error).
  const passed = job === 'success' && main !== null && goesOn(main.outcome);
  // A run that ends waiting for people has touched nothing.
  const waits = job === 'success' && main?.outcome === 'waiting';
  const ending =
    book.begun && book.exclusive && !waits
      ? await endOf(await loadStage(verb), context, passed, whyOf(job, main))
      : null;
  if (ending) await told(context, ending, job, whyOf(job, main));
  if (book.opener !== door.step) return ending;
  const behind = book.committed && main?.code === 'fleet-mixed';
  if (behind || (ending && !goesOn(ending.outcome))) {
    await book.leaveOpen();
    return ending;
  }
  const [outcome, code, summary] = closing(book, passed, job, main, ending);
  await book.close(outcome, code, summary, prepared.loaded.environment.freeze?.['during-change'] ?? false);
  await publishEnd(door, prepared, book, outcome, summary);
  return ending;
}

/** Commits or puts back. What cannot be committed is put back; after the commit point nothing is. */
async function endOf<V extends Verb>(
  stage: Stage<V>,
  context: StageContext<V>,
  passed: boolean,
  why: string,
): Promise<Result | null> {
  const book = context.book!;
  if (!stage.turnBack) return null;
  await book.refresh();
  if (book.committed) return null;
  let reason = why;
  if (passed && stage.settle) {
    const settled = await stage.settle(context).catch(resultOfFailure);
    if (goesOn(settled.outcome) || book.committed) return settled;
    await book.refresh();
    if (book.committed) return settled;
    reason = settled.summary;
  } else if (passed) return null;
  return stage.turnBack(context, reason).catch(resultOfFailure);
}

/** What the end did goes into the record; hosts that had to be put back in earnest leave an incident. */
async function told<V extends Verb>(
  context: StageContext<V>,
  ending: Result,
  job: JobStatus,
  why: string,
): Promise<void> {
  const book = context.book!;
  if (ending.code === 'nothing-to-do') return;
  const back = !book.committed;
  await book.record(stageEvent(context.verb, ending, 0, back ? 'turned-back' : 'stage'));
  if (ending.code !== 'rolled-back' || job === 'cancelled') return;
  const live = ending.outputs?.['live-version'];
  const incident = await book.openIncident({ from: book.change.version, to: live ? String(live) : null, why });
  const papers = await writePapers(context, { results: [], incident, outcome: 'failed' });
  ending.facts.postmortem = papers.postmortem;
}

function closing(
  book: Book,
  passed: boolean,
  job: JobStatus,
  main: Result | null,
  ending: Result | null,
): [Outcome, Code, string] {
  const { committed, change } = book;
  // What is committed is live, whatever a later step of the job did.
  if (committed)
    return ['passed', main && goesOn(main.outcome) ? main.code : 'ok', main?.summary ?? `${change.version} is live`];
  const asked = approvalIn(change);
  if (job === 'success' && asked?.outcome === 'waiting')
    return ['waiting', 'approval-waiting', asked.summary ?? 'people were asked'];
  const turned = change.events.some(({ kind }) => kind === 'turned-back');
  if (passed && !turned) return [main?.outcome ?? 'passed', main?.code ?? 'ok', main?.summary ?? 'the job succeeded'];
  if (job === 'cancelled') return ['failed', 'cancelled', ending?.summary ?? 'the job was cancelled'];
  const own = main && !goesOn(main.outcome) ? main : null;
  return [own?.outcome ?? 'failed', own?.code ?? 'job-failed', own?.summary ?? whyOf(job, main)];
}

function whyOf(job: JobStatus, main: Result | null): string {
  if (job === 'cancelled') return 'the run was cancelled';
  if (main === null) return 'the step was ended before it could say how it went';
  return goesOn(main.outcome) ? 'a later step of the job failed' : main.summary;
}
