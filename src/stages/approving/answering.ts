/** Answers a comment on the issue of a question: what was counted, and what follows. Started by the comment itself. */
import {
  answerText,
  closeIssue,
  commandOf,
  comment,
  countInWords,
  type Hearing,
  hear,
  quoted,
  readMarker,
  type Started,
  startWorkflow,
  withDispatched,
  withEnded,
  withoutDispatched,
} from '../../approval/approval.ts';
import type { ApproveSection } from '../../config/config.ts';
import type { Runner } from '../../github/github.ts';
import { type ApprovalRequest, append, type EnvironmentState, event, type LedgerEvent } from '../../ledger/ledger.ts';
import { Failure, type Result } from '../../outcome/outcome.ts';
import { redactAll } from '../../secret/secret.ts';
import type { AskContext } from './asking.ts';
import { commitReplaced } from './showing.ts';

/** A question with all that is needed to answer the comments on it. */
interface Asked {
  context: AskContext;
  environment: string;
  section: ApproveSection;
  request: ApprovalRequest;
}

/** Counts the answers and says in one comment what came of it; starts the delivery once enough people have approved. */
export async function answer(context: AskContext): Promise<Result> {
  const said = questionIn(context.runner);
  const environments = context.config!.environments;
  const section =
    said && Object.hasOwn(environments, said.environment) ? environments[said.environment]?.approve : null;
  if (!said || !section) return nothing('the comment answers no question', said?.issue ?? null);
  const { issue, environment } = said;
  const state = await context.ledger!.state(environment);
  const request = state.requests.find(({ id, issue: number }) => id === said.request && number === issue);
  if (!request) return unknown(context, issue, 'the ledger does not know this question');
  if (request.ended !== null) {
    await comment(
      context.github(),
      issue,
      `This question has ended (${quoted(request.ended)}). The next delivery asks anew.`,
    );
    return nothing(`the question has ended: ${request.ended}`, issue);
  }
  const asked = { context, environment, section, request };
  const heard = { product: context.config!.name, environment, base: commitReplaced(state, request.bound) };
  const hearing = await hear(context.github(), request, heard, section);
  if (hearing.doubt !== null) return unknown(context, issue, hearing.doubt);
  if (hearing.expired) return expired(asked, hearing);
  if (hearing.count.verdict === 'rejected') return rejected(asked, hearing);
  if (hearing.count.verdict === 'waiting') return waiting(asked, hearing);
  return request.asks === 'delivery' ? approved(asked, hearing) : accepted(asked, hearing);
}

/** The question that the issue of a new comment seems to hold, where the comment holds a command. Asks nobody. */
export function questionIn(runner: Runner | null): { issue: number; environment: string; request: string } | null {
  const {
    action,
    issue,
    comment: said,
  } = (runner?.payload ?? {}) as {
    action?: unknown;
    issue?: { number?: unknown; body?: unknown; pull_request?: unknown };
    comment?: { body?: unknown; user?: { type?: unknown } };
  };
  if (action !== 'created' || !issue || issue.pull_request || said?.user?.type === 'Bot') return null;
  if (typeof said?.body !== 'string' || commandOf(said.body) === null) return null;
  const marker = typeof issue.body === 'string' ? readMarker(issue.body) : null;
  if (marker === null || typeof issue.number !== 'number') return null;
  return { issue: issue.number, environment: marker.environment, request: marker.request };
}

async function approved(asked: Asked, { count }: Hearing): Promise<Result> {
  const { context, section, request } = asked;
  const words = countInWords(count);
  const started = await start(asked, words);
  await comment(context.github(), request.issue, answerText(count, section.required, request, started));
  const how = {
    now: 'the delivery was started',
    before: 'the delivery was started before',
    'by hand': 'start it by hand',
  };
  return result(request, 'passed', 'ok', `${words}; ${how[started.kind as keyof typeof how]}`, true);
}

/** Starts the delivery, once however many approvals come at the same time. */
async function start(asked: Asked, words: string): Promise<Started> {
  const { context, request } = asked;
  const github = context.github();
  if (request.workflow === null)
    return { kind: 'by hand', because: 'only a run that a person started without an override can be repeated' };
  const at = github.now().toISOString();
  let before: string | null = null;
  await tell(asked, 'passed', 'ok', words, (state) => {
    before = state.requests.find(({ id }) => id === request.id)?.dispatched ?? null;
    return withDispatched(state, request.id, at) ?? state;
  });
  if (before !== null) return { kind: 'before', at: before };
  try {
    await startWorkflow(github, request.workflow);
    return { kind: 'now' };
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code === 'cancelled') throw thrown;
    const because = [thrown.what, thrown.why].filter(Boolean).join(': ');
    // Where the answer was lost it may have been started: a second start would be worse than one by hand.
    if (!thrown.facts.unsure) {
      await tell(asked, 'inconclusive', thrown.code, because, (state) => withoutDispatched(state, request.id));
    }
    return { kind: 'by hand', because };
  }
}

async function accepted(asked: Asked, { count }: Hearing): Promise<Result> {
  const { context, section, request } = asked;
  const words = countInWords(count);
  await tell(asked, 'passed', 'ok', words, (state) => state);
  const text = answerText(count, section.required, request, { kind: 'none' });
  await closeIssue(context.github(), request.issue, text, 'completed');
  return result(request, 'passed', 'ok', words, true);
}

async function waiting(asked: Asked, { count }: Hearing): Promise<Result> {
  const { context, section, request } = asked;
  const words = countInWords(count);
  // Anybody may comment: only an answer that counts makes a commit in the ledger.
  const said = (context.runner?.payload.comment as { html_url?: unknown } | undefined)?.html_url;
  if (count.approvals.some(({ url }) => url === said))
    await tell(asked, 'waiting', 'approval-waiting', words, (state) => state);
  await comment(context.github(), request.issue, answerText(count, section.required, request, null));
  return result(request, 'waiting', 'approval-waiting', words, false);
}

async function rejected(asked: Asked, { count }: Hearing): Promise<Result> {
  const { context, section, request } = asked;
  const words = countInWords(count);
  await tell(asked, 'failed', 'approval-rejected', words, (state) => withEnded(state, request.id, 'rejected'));
  await closeIssue(context.github(), request.issue, answerText(count, section.required, request, null), 'not_planned');
  return result(request, 'passed', 'approval-rejected', words, false);
}

async function expired(asked: Asked, { until }: Hearing): Promise<Result> {
  const { context, request } = asked;
  const words = `answers counted until ${until}`;
  await tell(asked, 'failed', 'approval-changed', words, (state) => withEnded(state, request.id, 'expired'));
  const text = `Too late: ${words}. The next delivery asks anew.`;
  await closeIssue(context.github(), request.issue, text, 'not_planned');
  return nothing(words, request.issue);
}

async function unknown(context: AskContext, issue: number, doubt: string): Promise<Result> {
  await comment(context.github(), issue, `Nothing is counted here: ${doubt}. The next delivery asks in a new issue.`);
  return {
    outcome: 'inconclusive',
    code: 'approval-unsure',
    summary: `nothing is counted: ${doubt}`,
    facts: { issue },
    outputs: { approved: false, issue },
    next: 'start the delivery again: it asks in a new issue. Give it and this workflow the same token',
  };
}

/** Folds the question's state and adds an entry to the record of the change that asked. */
async function tell(
  { context, environment, request }: Asked,
  outcome: LedgerEvent['outcome'] & string,
  code: LedgerEvent['code'] & string,
  summary: string,
  fold: (state: EnvironmentState) => EnvironmentState,
): Promise<void> {
  const ledger = context.ledger!;
  const said = event('stage', redactAll({ stage: 'approve', outcome, code, summary }));
  await ledger.write(environment, async (state) => {
    const change = await ledger.change(environment, request.change);
    if (change) return { state: fold(state), change: append(change, [said]) };
    throw new Failure({
      code: 'ledger-damaged',
      what: 'the change that asked is not in the ledger',
      where: `${ledger.where}, ${environment}, change ${request.change}`,
      untouched: 'nothing was started',
      next: 'deliver again: it asks in a new issue',
    });
  });
}

function result(
  { asks, issue, url, id }: ApprovalRequest,
  outcome: Result['outcome'],
  code: Result['code'],
  summary: string,
  approved: boolean,
): Result {
  return { outcome, code, summary, facts: { asks, issue, url, request: id }, outputs: { approved, issue } };
}

function nothing(summary: string, issue: number | null): Result {
  const facts = issue === null ? {} : { issue };
  return { outcome: 'skipped', code: 'nothing-to-do', summary, facts, outputs: { approved: false, issue } };
}
