/** What is said in the issue about the answers, and the same in plain words for logs. Pure. */
import type { ApprovalRequest } from '../ledger/ledger.ts';
import { quoted } from './body.ts';
import type { Count } from './count.ts';

/** Anybody may comment, and GitHub takes no comment of any length: the newest of what does not count are named. */
const UNCOUNTED = 20;

/** What became of a delivery that has all its approvals. */
export type Started =
  | { kind: 'now' }
  | { kind: 'before'; at: string }
  | { kind: 'by hand'; because: string }
  /** An acceptance: nothing is started. */
  | { kind: 'none' };

/** The comment that answers: who counted, who did not and why, what lacks, what follows. */
export function answerText(
  count: Count,
  required: number,
  request: Pick<ApprovalRequest, 'asks' | 'workflow'>,
  started: Started | null,
): string {
  const lines = [headline(count, required, request.asks), ''];
  for (const { login, url, because } of count.approvals) lines.push(`- ${person(login, url)} ${quoted(because)}.`);
  const shown = count.uncounted.slice(-UNCOUNTED);
  for (const { login, url, because } of shown) lines.push(`- Not counted: ${person(login, url)} ${quoted(because)}.`);
  if (shown.length < count.uncounted.length)
    lines.push(`- Not counted: ${count.uncounted.length - shown.length} older answers.`);
  const follows = started && request.asks === 'delivery' ? startedText(started, request.workflow) : null;
  return [...lines, ...(follows ? ['', follows] : [])].join('\n');
}

/** One line for logs and summaries: who counted, how many lack. Plain text. */
export function countInWords({ verdict, approvals, rejection, uncounted, lacks }: Count): string {
  if (verdict === 'rejected' && rejection)
    return `${rejection.login} (${rejection.because}) has rejected it: ${rejection.why}`;
  const counted = approvals.map(({ login, because }) => `${login} (${because})`).join(', ') || 'nobody';
  const shown = uncounted.slice(-UNCOUNTED).map(({ login, because }) => `${login} ${because}`);
  const older = uncounted.length - shown.length;
  const without = [...shown, ...(older > 0 ? [`${older} older answers`] : [])].join('; ');
  const lacking = lacks === 0 ? '' : `, ${lacks} more ${lacks === 1 ? 'is' : 'are'} needed`;
  return `approved by ${counted}${lacking}${without ? `; not counted: ${without}` : ''}`;
}

function headline({ verdict, approvals, rejection, lacks }: Count, required: number, asks: string): string {
  if (verdict === 'rejected' && rejection)
    return `**Rejected** by ${person(rejection.login, rejection.url)}, who ${quoted(rejection.because)}: ${quoted(rejection.why, 400)}`;
  if (verdict === 'approved') return asks === 'delivery' ? '**Approved.**' : '**Accepted.**';
  return `**${approvals.length} of ${required}.** ${lacks} more ${lacks === 1 ? 'is' : 'are'} needed.`;
}

function startedText(started: Started, workflow: ApprovalRequest['workflow']): string {
  if (started.kind === 'none') return '';
  if (started.kind === 'now')
    return `The delivery was started: ${quoted(workflow?.file ?? '')}. It reads these comments again.`;
  const how = workflow
    ? `run ${quoted(workflow.file)} on ${quoted(workflow.ref)} with the inputs of the run that asked`
    : 'open the run that asked and choose Re-run all jobs';
  if (started.kind === 'before')
    return `The delivery was started at ${quoted(started.at)}. Where no run of it is to be seen, by hand: ${how}.`;
  return `The delivery could not be started from here: ${quoted(started.because, 400)}. By hand: ${how}.`;
}

function person(login: string, url: string): string {
  return `[${quoted(login)}](${url})`;
}
