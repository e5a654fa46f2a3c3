/** The way back of a line: every flipped host to the version before, verified, told, and an incident left. */
import type { Live } from '../ledger/ledger.ts';
import { goesOn, type Result } from '../outcome/outcome.ts';
import { stageEvent } from './frame/events.ts';
import { writePapers } from './frame/papers.ts';
import { contextFor, passStage } from './pass.ts';
import { loadStage } from './registry.ts';
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
  return {
    outcome: 'failed',
    code: bad ? (bad === back ? bad.code : 'rollback-failed') : reason.result.code,
    summary: [
      `turned back: ${why}`,
      bad ? `and not all is well: ${bad.summary}` : outcomeOf(back, before, verified),
      ...impact,
    ].join('; '),
    facts: { stage: reason.verb, ...reason.result.facts, incident: incident.id, postmortem: papers.postmortem },
    next: bad
      ? (bad.next ?? 'bring the hosts that are named to one version')
      : `write the post-mortem: ${papers.postmortem}`,
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
