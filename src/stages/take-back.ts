/** The way back of a line: every flipped host to the version before, verified, told, and an incident left. */
import { type Live, noted } from '../ledger/ledger.ts';
import { goesOn, type Result } from '../outcome/outcome.ts';
import { stageEvent } from './frame/events.ts';
import { writePapers } from './frame/papers.ts';
import { contextFor, passStage } from './pass.ts';
import { loadStage } from './registry.ts';
import { contractingIn } from './restoring/choice.ts';
import type { StageContext } from './stage.ts';

/** Why a line turns round: the stage that said no, all results so far, and what was live before. */
export interface Reason {
  verb: string;
  result: Result;
  results: readonly Result[];
  before: Live | null;
}

/** Takes the fleet back and verifies it. The result is failed, with the code of the stage that said no. */
export async function takeBack(context: StageContext<'deliver'>, reason: Reason): Promise<Result> {
  const why = `${reason.verb}: ${reason.result.summary}`;
  const began = Date.now();
  const deploy = await loadStage('deploy');
  const back = await deploy.turnBack!(contextFor('deploy', context), why);
  const took = Date.now() - began;
  await context.book!.record(stageEvent('deploy', back, took, 'turned-back'));
  if (back.code !== 'nothing-to-do') context.log.stage({ verb: 'turn back', result: back, took });
  const before = reason.before?.version ?? null;
  if (back.code === 'nothing-to-do' && before === context.inputs.version) return liveBefore(context, reason);
  const verified =
    goesOn(back.outcome) && before !== null ? await passStage('smoke-test', context, { expectVersion: before }) : null;
  const incident = await context.book!.openIncident({ from: context.inputs.version, to: before, why });
  const papers = await writePapers(context, { results: reason.results, incident, outcome: 'failed' });
  const bad = [back, verified].find((each) => each !== null && !goesOn(each.outcome));
  const impact = reason.results.flatMap((each) => each.impact ?? []);
  const data = await dataInWords(context, before);
  return {
    outcome: 'failed',
    code: bad ? (bad === back ? bad.code : 'rollback-failed') : reason.result.code,
    summary: [
      `turned back: ${why}`,
      bad ? `and not all is well: ${bad.summary}` : outcomeOf(back, before, verified),
      ...(data ? [data] : []),
      ...impact,
    ].join('; '),
    facts: { stage: reason.verb, ...reason.result.facts, incident: incident.id, postmortem: papers.postmortem },
    next: bad
      ? `${bad.next ?? 'bring the hosts that are named to one version'}${bad === verified ? `; a check of what ${before} never had fails too` : ''}`
      : `write the post-mortem: ${papers.postmortem}${reason.result.outcome === 'inconclusive' && reason.result.next ? `; then ${reason.result.next}` : ''}`,
    outputs: { 'live-version': before, report: papers.report },
  };
}

/** The version was live already when the line began: there is nothing to take back, and it is not this change's doing. */
async function liveBefore(context: StageContext<'deliver'>, { verb, result, results }: Reason): Promise<Result> {
  const papers = await writePapers(context, { results, incident: null, outcome: result.outcome });
  const { version } = context.inputs;
  return {
    ...result,
    summary: `${verb}: ${result.summary}; ${version} was live before, so nothing was taken back`,
    next: `find the cause, or go back to an earlier version: changeline rollback --why "…"`,
    facts: { ...result.facts, stage: verb },
    outputs: { 'live-version': version, report: papers.report },
  };
}

function outcomeOf(back: Result, before: string | null, verified: Result | null): string {
  if (before === null) return back.summary;
  return verified?.outcome === 'passed'
    ? `${before} is live again and verified`
    : `${before} is live again; no smoke test verified it`;
}

/**
 * What became of the data, where the change has migrated: they are kept, since nobody decides in a hurry what may be
 * lost. Null where it has not, or the ledger does not answer: the way back must not depend on it.
 */
async function dataInWords(context: StageContext<'deliver'>, before: string | null): Promise<string | null> {
  const { change, environment, ledger, book } = context;
  const state = await ledger!.state(environment!.name).catch(() => null);
  if (!state) return null;
  const steps = noted(state, book!.notes).migrations.filter(
    (step) => step.change === change!.id && step.undone === null,
  );
  if (steps.length === 0) return null;
  const contracting = contractingIn(steps);
  if (contracting.length === 0) return 'the data are kept: the migrations only added';
  const names = contracting.map(({ version, name }) => `${version} ${name}`).join(', ');
  const ways = `changeline rollback --environment ${environment!.name} --version ${before ?? '…'} --data down (or restore)`;
  return `the data are kept, and ${before ?? 'old code'} meets a schema that was contracted by ${names}: to take the data back too, ${ways}`;
}
