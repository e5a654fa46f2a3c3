/** Asks people in an issue, or counts what they have answered there. Never waits. */
import { randomUUID } from 'node:crypto';
import {
  answerText,
  bodyOf,
  closeIssue,
  comment,
  countInWords,
  differences,
  type Hearing,
  hear,
  openIssue,
  openRequests,
  type Question,
  quoted,
  titleOf,
  untilOf,
  withEnded,
} from '../../approval/approval.ts';
import type { GitHub } from '../../github/github.ts';
import type { ApprovalRequest, EnvironmentState } from '../../ledger/ledger.ts';
import { Failure, type Json, type Result } from '../../outcome/outcome.ts';
import { redact } from '../../secret/secret.ts';
import type { StageContext } from '../stage.ts';
import { type Facts, factsNow } from './bound.ts';
import { isSame, type Older, recordQuestion } from './recording.ts';
import { workflowOf } from './repeating.ts';
import { commitReplaced, shownFor } from './showing.ts';

export type AskContext = StageContext<'approve'>;

/** What is asked, and what of it was asked before. */
export interface Asking extends Facts {
  asks: ApprovalRequest['asks'];
  state: EnvironmentState;
  /** The question that is open about exactly this; null where there is none. */
  match: ApprovalRequest | null;
}

/** Asks about the delivery of the context's version as it would be now, or counts what was answered about exactly that. */
export async function askDelivery(context: AskContext): Promise<Result> {
  return askOrCount(context, await deliveryNow(context));
}

/**
 * Counts as `askDelivery` does, and asks anew only where the answers came too late. Throws approval-waiting or
 * approval-changed where nothing was asked.
 */
export async function countDelivery(context: AskContext): Promise<Result> {
  const asking = await deliveryNow(context);
  if (asking.match !== null) return askOrCount(context, asking);
  const older = replacedBy(context, asking);
  throw new Failure({
    code: older ? 'approval-changed' : 'approval-waiting',
    what: older ? 'what people were asked about is not what would be delivered' : 'nobody was asked to approve this',
    where: context.environment!.name,
    why: older?.changed.join('; '),
    untouched: 'nothing was changed',
    next: 'put the approve action before this step, or deliver with the root action: both ask',
    facts: older ? { issue: older.request.issue, url: older.request.url } : {},
  });
}

async function deliveryNow(context: AskContext): Promise<Asking> {
  const state = await context.ledger!.state(context.environment!.name);
  const facts = await factsNow(context, state);
  const open = openRequests(state, 'delivery');
  const match = open.find(({ bound }) => isSame(bound, facts.bound)) ?? null;
  return { ...facts, asks: 'delivery', state, match };
}

/** Where nothing was asked yet it asks; otherwise it reads question and answers at their source and counts. */
export async function askOrCount(context: AskContext, asking: Asking): Promise<Result> {
  const { match, state } = asking;
  if (match === null) return askAnew(context, asking, replacedBy(context, asking));
  const heard = await heardOf(context, match, state);
  if (heard.doubt !== null) throw await unsure(context, match, heard.doubt);
  if (heard.expired)
    return askAnew(context, asking, {
      request: match,
      ended: 'expired',
      changed: [`the answers counted until ${heard.until}`],
    });
  if (heard.count.verdict === 'rejected') return rejected(context, match, heard);
  return counted(context, match, heard);
}

/** Reads a question of this environment at its source. */
export function heardOf(context: AskContext, request: ApprovalRequest, state: EnvironmentState): Promise<Hearing> {
  const heard = {
    product: context.config!.name,
    environment: context.environment!.name,
    base: commitReplaced(state, request.bound),
  };
  return hear(context.github(), request, heard, context.environment!.approve!);
}

/** The open question about the same version with other facts. Throws where only the plan cannot be compared. */
function replacedBy(context: AskContext, { asks, state, bound, unplanned }: Asking): Older | null {
  const request = openRequests(state, asks).find((each) => each.bound.version === bound.version);
  if (!request) return null;
  const changed = differences(request.bound, bound);
  const others = differences(request.bound, { ...bound, plan: request.bound.plan });
  if (asks === 'delivery' && unplanned.length > 0 && others.length === 0) {
    throw new Failure({
      code: 'approval-unsure',
      what: 'the plan cannot be made now, so it cannot be held against the one that was asked about',
      where: context.environment!.name,
      why: unplanned.join('; '),
      untouched: 'nothing was changed, and the question stays open',
      next: 'remove what is in the way, then start again',
      outcome: 'inconclusive',
    });
  }
  return { request, ended: 'replaced', changed };
}

async function askAnew(context: AskContext, asking: Asking, older: Older | null): Promise<Result> {
  const github = context.github();
  const question = questionOf(context, asking, older?.request ?? null);
  const given = { plan: asking.plan, unplanned: asking.unplanned, changed: older?.changed ?? [] };
  const shown = await shownFor(context, question, asking.state, given);
  for (const line of asking.plan ?? []) context.log.info(`asked: ${line}`);
  for (const line of asking.unplanned) context.log.info(`cannot be planned: ${line}`);
  const opened = await openIssue(github, titleOf(question), redact(bodyOf(question, shown)));
  const asked = github.now().toISOString();
  const section = context.environment!.approve!;
  const request: ApprovalRequest = {
    id: question.request,
    asks: asking.asks,
    issue: opened.number,
    url: opened.url,
    bound: question.bound,
    by: question.by,
    change: context.change!.id,
    asked,
    expires: untilOf(asked, section),
    workflow: question.workflow,
    dispatched: null,
    ended: null,
  };
  const twin = await recordQuestion(context, request, older);
  if (twin) return askedBefore(context, opened, twin);
  if (older) await closeOlder(context, github, older, opened);
  const because = older ? ` again, because ${older.changed.join('; ')}` : '';
  const facts = older
    ? { why: older.ended === 'expired' ? 'expired' : 'approval-changed', changed: older.changed }
    : {};
  return waiting(request, `${section.required} of ${section.from.join(', ')} must approve: asked${because}`, {
    ...facts,
    lacks: section.required,
  });
}

function questionOf(context: AskContext, { asks, bound }: Asking, older: ApprovalRequest | null): Question {
  const actor = context.runner?.actor ?? context.change!.holder.actor;
  return {
    product: context.config!.name,
    environment: context.environment!.name,
    asks,
    request: randomUUID(),
    // A delivery that a comment has started runs as an app: who wanted it is the one who asked before.
    by: older && /\[bot\]$/i.test(actor) ? older.by : actor,
    bound,
    workflow: asks === 'delivery' ? workflowOf(context.runner) : null,
  };
}

/** People answer in one place: the question that came second is closed. */
async function askedBefore(context: AskContext, opened: { number: number }, request: ApprovalRequest): Promise<Result> {
  const said = `Another run has just asked the same: ${request.url}`;
  await quietly(context, () => closeIssue(context.github(), opened.number, said, 'not_planned'));
  return waiting(request, 'another run has just asked the same', { lacks: context.environment!.approve!.required });
}

async function closeOlder(context: AskContext, github: GitHub, older: Older, opened: { url: string }): Promise<void> {
  const { request, ended, changed } = older;
  const what =
    ended === 'expired'
      ? 'The time for answers is over'
      : `What would be delivered is not what was asked about here: ${quoted(changed.join('; '), 1000)}`;
  await quietly(context, () =>
    closeIssue(github, request.issue, `${what}. It is asked again: ${opened.url}`, 'not_planned'),
  );
}

function counted(context: AskContext, request: ApprovalRequest, { count, until }: Hearing): Result {
  const { required } = context.environment!.approve!;
  const words = countInWords(count);
  const facts: Record<string, Json> = {
    until,
    approvals: count.approvals.map(({ login }) => login),
    uncounted: count.uncounted.slice(-20).map(({ login, because }) => ({ login, because })),
    lacks: count.lacks,
  };
  if (count.verdict !== 'approved')
    return waiting(request, `${count.approvals.length} of ${required}: ${words}`, facts);
  return {
    outcome: 'passed',
    code: 'ok',
    summary: words,
    facts: { ...factsOf(request), ...facts },
    outputs: { approved: true, issue: request.issue },
  };
}

async function rejected(context: AskContext, request: ApprovalRequest, { count }: Hearing): Promise<Result> {
  const { required } = context.environment!.approve!;
  await end(context, request, 'rejected');
  await quietly(context, () =>
    closeIssue(context.github(), request.issue, answerText(count, required, request, null), 'not_planned'),
  );
  const { login, why } = count.rejection!;
  return {
    outcome: 'failed',
    code: 'approval-rejected',
    summary: countInWords(count),
    facts: { ...factsOf(request), by: login, why },
    outputs: { approved: false, issue: request.issue },
    next: 'settle what the rejection names; start it again, and it is asked anew',
  };
}

function waiting(request: ApprovalRequest, summary: string, facts: Record<string, Json>): Result {
  return {
    outcome: 'waiting',
    code: 'approval-waiting',
    summary: `${summary} (${request.url})`,
    facts: { ...factsOf(request), ...facts },
    outputs: { approved: false, issue: request.issue },
    next: `answer in ${request.url}`,
  };
}

function factsOf({ asks, issue, url, id, bound }: ApprovalRequest): Record<string, Json> {
  return { asks, issue, url, request: id, version: bound.version, digest: bound.digest };
}

/** The Failure for a question that cannot be believed. It is ended, so that the next run asks anew. */
async function unsure(context: AskContext, request: ApprovalRequest, doubt: string): Promise<Failure> {
  await end(context, request, 'replaced');
  await quietly(context, () =>
    comment(
      context.github(),
      request.issue,
      `Nothing is counted here: ${doubt}. The next delivery asks in a new issue.`,
    ),
  );
  return new Failure({
    code: 'approval-unsure',
    what: `the question cannot be believed: ${doubt}`,
    where: `issue ${request.issue}`,
    untouched: 'nothing was changed',
    next: 'start it again: it is asked in a new issue. Give the delivery and the workflow of the comments the same token',
    facts: factsOf(request),
  });
}

/** Ends a question in the ledger; one that is not there any more has ended. */
async function end(context: AskContext, { id }: ApprovalRequest, how: 'rejected' | 'replaced'): Promise<void> {
  await context.ledger!.write(context.environment!.name, (state) => ({
    state: withEnded(state, id, how),
    change: context.change!,
  }));
}

/** For people to read only: what cannot be written there changes nothing. */
async function quietly(context: AskContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code === 'cancelled') throw thrown;
    context.log.warn(`the issue could not be answered: ${thrown.message}`);
  }
}
