/** How a question comes into the ledger: once, however many runs ask it at the same time. */
import { closeIssue, differences, openRequests, withEnded, withRequest } from '../../approval/approval.ts';
import type { ApprovalRequest, Bound } from '../../ledger/ledger.ts';
import type { StageContext } from '../stage.ts';

/** An older question that this one takes the place of. */
export interface Older {
  request: ApprovalRequest;
  ended: 'expired' | 'replaced';
  /** What is different now, in words. */
  changed: string[];
}

/** Writes the question into the ledger. Where another run has just asked the same, that one stays and is returned. */
export async function recordQuestion(
  context: StageContext<'approve'>,
  request: ApprovalRequest,
  older: Older | null,
): Promise<ApprovalRequest | null> {
  let twin: ApprovalRequest | null = null;
  try {
    await context.ledger!.write(context.environment!.name, (before) => {
      const state = older ? withEnded(before, older.request.id, older.ended) : before;
      twin = openRequests(state, request.asks).find((each) => isSame(each.bound, request.bound)) ?? null;
      return { state: twin ? state : withRequest(state, request), change: context.change! };
    });
    return twin;
  } catch (thrown) {
    const said = 'This question could not be recorded, so no answer will be found. It is asked again.';
    await closeIssue(context.github(), request.issue, said, 'not_planned').catch(() => {});
    throw thrown;
  }
}

/** True where what was asked is what would be done now. Pure. */
export function isSame(asked: Bound, now: Bound): boolean {
  return differences(asked, now).length === 0;
}
