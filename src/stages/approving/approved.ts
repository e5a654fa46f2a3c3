/** What this change already knows of its approval. Pure. */
import type { Change, LedgerEvent } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';

/** The last word of the stage `approve` in this change; null where it was not asked. */
export function approvalIn(change: Change | null): LedgerEvent | null {
  return change?.events.findLast(({ kind, stage }) => kind === 'stage' && stage === 'approve') ?? null;
}

/** Throws approval-changed where other bytes were approved in this change: between two steps a source can change. */
export function refuseOtherBytes(change: Change | null, digest: string): void {
  const known = isApproved(change) ? change?.digest : null;
  if (!known || known === digest) return;
  throw new Failure({
    code: 'approval-changed',
    what: 'these are not the bytes that were approved',
    where: change!.environment,
    why: `approved was ${known}, the source now gives ${digest}`,
    untouched: 'nothing of them was sent to a host',
    next: 'find out who changed the artifact; give new bytes a new version',
  });
}

/** Throws approval-changed where a later step of the job reads another changeline.yml than the one approved. */
export function refuseOtherConfig(change: Change, digest: string): void {
  if (!isApproved(change) || change.config === digest) return;
  throw new Failure({
    code: 'approval-changed',
    what: 'this is not the changeline.yml that was approved',
    where: change.environment,
    why: `approved was ${change.config}, this step reads ${digest}`,
    untouched: 'nothing was changed',
    next: 'give every step of the job the same input config, and let no step write that file',
  });
}

function isApproved(change: Change | null): boolean {
  const approved = approvalIn(change);
  return approved?.outcome === 'passed' && approved.code === 'ok';
}
