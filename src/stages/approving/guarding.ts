/** Where people must approve, no single stage touches the environment unless they have. */
import { Failure, type Result } from '../../outcome/outcome.ts';
import { stageEvent } from '../frame/events.ts';
import { contextFor } from '../pass.ts';
import type { Planned, StageContext } from '../stage.ts';
import { approvalIn } from './approved.ts';
import { countDelivery } from './asking.ts';

/**
 * The plan's line about the approval. Within `deliver` the line's own stage asks; in a chain of actions the approve
 * action before has, in this job or in another one: then question and answers are read at their source once more, and
 * kept in the record of this change. Throws what the stage `approve` came to, where that is no approval.
 */
export async function planApproval(context: StageContext<'deploy' | 'migrate'>): Promise<Planned[]> {
  const { environment, change, book, inLine } = context;
  if (environment?.approve?.asks !== 'delivery' || book === null || inLine) return [];
  const known = approvalIn(change);
  if (known?.outcome === 'passed') return [];
  if (known) throw notApproved(known.outcome === 'waiting', known.summary ?? 'nobody has approved it', {});
  const began = Date.now();
  const result = await countDelivery(contextFor('approve', context));
  await book.record(stageEvent('approve', result, Date.now() - began, 'stage'));
  if (result.outcome !== 'passed') throw notApproved(result.outcome === 'waiting', result.summary, result);
  return [{ kind: 'will', text: result.summary }];
}

function notApproved(waits: boolean, summary: string, result: Partial<Result>): Failure {
  return new Failure({
    code: result.code ?? (waits ? 'approval-waiting' : 'approval-rejected'),
    what: summary,
    untouched: 'nothing was changed',
    next: result.next ?? 'start it again once enough people have approved it',
    outcome: waits ? 'waiting' : 'failed',
    facts: result.facts ?? {},
  });
}
