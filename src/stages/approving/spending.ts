/** An approval serves one delivery: once users have met it, its question ends. */
import { closeIssue, openRequests, withEnded } from '../../approval/approval.ts';
import type { GitHub } from '../../github/github.ts';
import type { ApprovalRequest, Change, Ledger } from '../../ledger/ledger.ts';
import type { Log } from '../../log/log.ts';
import { Failure } from '../../outcome/outcome.ts';
import { approvalIn } from './approved.ts';

/** What it takes to end a question. */
interface Spending {
  ledger: Ledger;
  log: Log;
  github(): GitHub;
}

/**
 * Ends the question of a change that people had approved, in the ledger and where it was asked: either alone keeps it
 * from being used again. What cannot be written is a warning.
 */
export async function spendApproval(spending: Spending, change: Change, how: 'live' | 'taken back'): Promise<void> {
  const { ledger, log, github } = spending;
  if (approvalIn(change)?.outcome !== 'passed') return;
  const tried = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      log.warn(`The question of the approval could not be ended: ${thrown.message}`);
    }
  };
  const { environment } = change;
  await tried(async () => {
    const requests = openRequests(await ledger.state(environment), 'delivery').filter((each) => isAbout(each, change));
    for (const { id, issue } of requests) {
      await tried(() => ledger.write(environment, (state) => ({ state: withEnded(state, id, 'used'), change })));
      await tried(() =>
        closeIssue(github(), issue, wordsOf(change, how), how === 'live' ? 'completed' : 'not_planned'),
      );
    }
  });
}

/** By version and bytes: in a public repository the ledger keeps no more of a change. */
function isAbout({ bound }: ApprovalRequest, { version, digest }: Change): boolean {
  return bound.version === version && (digest === null || bound.digest === digest);
}

function wordsOf({ version, environment, digest }: Change, how: 'live' | 'taken back'): string {
  return how === 'live'
    ? `${version} is live in ${environment}, with ${digest}.`
    : `${version} was in ${environment} and was taken back. The next delivery asks anew.`;
}
