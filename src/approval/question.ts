/** The question as it stands in the issue: what is asked, digested so that the answers hold for nothing else. Pure. */
import { createHash } from 'node:crypto';
import { markdownTable } from '../escape/escape.ts';
import type { ApprovalRequest, Bound } from '../ledger/ledger.ts';

/** Everything that is asked with one question. */
export interface Question {
  /** The name of the product in changeline.yml. */
  product: string;
  environment: string;
  asks: ApprovalRequest['asks'];
  /** The id of the request in the ledger. */
  request: string;
  /** Who asked: a login, or the user of a shell. */
  by: string;
  bound: Bound;
  workflow: ApprovalRequest['workflow'];
}

/** What the issue itself says of the question it holds. Anybody may have written it. */
export interface Marker {
  environment: string;
  request: string;
  by: string;
}

/** What `Bound.plan` is where nothing could be planned: people then agree to whatever the plan will be. */
export const UNPLANNED = sha256(null);

const MARK = /^<!-- changeline:approval (\{[^\n]*\}) -->$/m;

/** sha256 of the plan's lines in their order, or of null where nothing could be planned. */
export function planDigest(lines: readonly string[] | null): string {
  return lines === null ? UNPLANNED : sha256(lines);
}

/** The digest over everything that is asked. */
export function questionDigest({ product, environment, asks, request, by, bound, workflow }: Question): string {
  const { version, digest, commit, config, replaces, plan } = bound;
  const start = workflow && [workflow.file, workflow.ref, Object.entries(workflow.inputs).sort()];
  return sha256([product, environment, asks, request, by, version, digest, commit, config, replaces, plan, start]);
}

/** The title of the issue. */
export function titleOf({ product, environment, asks, bound }: Question): string {
  return asks === 'delivery'
    ? `Approve ${product} ${bound.version} for ${environment}`
    : `Accept ${product} ${bound.version} in ${environment}`;
}

/** How every question begins: the hidden marker, the facts, their digest. The same facts give the same text. */
export function openingOf(question: Question): string {
  const { product, environment, asks, request, by, bound } = question;
  const digest = questionDigest(question);
  const rows: [string, string][] = [
    ['Version', bound.version],
    ['Digest', bound.digest],
    ['Commit', bound.commit ?? 'not known'],
    ['Configuration', bound.config],
    [asks === 'delivery' ? 'Live now' : 'Replaced', bound.replaces ?? 'nothing'],
    ['Plan', bound.plan === UNPLANNED ? 'not bound: it could not be made' : bound.plan],
    ['Asked by', by],
    ['All of this', digest],
  ];
  const what =
    asks === 'delivery'
      ? `May this version of ${product} be delivered to ${environment}?`
      : `Is this version of ${product}, as it runs in ${environment}, accepted?`;
  return [
    `<!-- changeline:approval ${hidden({ environment, request, by, question: digest })} -->`,
    what,
    factsOf(rows),
  ].join('\n\n');
}

/** What the body of an issue says it asks; null where it is no question. Never to be trusted by itself. */
export function readMarker(body: string): Marker | null {
  const text = MARK.exec(body.replaceAll('\r\n', '\n'))?.[1];
  if (text === undefined) return null;
  try {
    const { environment, request, by } = JSON.parse(text) as Record<string, unknown>;
    const whole = typeof environment === 'string' && typeof request === 'string' && typeof by === 'string';
    return whole ? { environment, request, by } : null;
  } catch {
    return null;
  }
}

/** True where the body of an issue asks exactly this. */
export function asksThis(body: string, question: Question): boolean {
  return body.replaceAll('\r\n', '\n').startsWith(openingOf(question));
}

/** What is different between what was asked and what would be done now, in words; empty where nothing is. */
export function differences(asked: Bound, now: Bound): string[] {
  const changed = (what: string, from: string | null, to: string | null) =>
    from === to ? [] : [`${what} was ${from ?? 'nothing'}, now it is ${to ?? 'nothing'}`];
  return [
    ...changed('the version', asked.version, now.version),
    ...changed('the digest', asked.digest, now.digest),
    ...changed('the commit', asked.commit, now.commit),
    ...changed('changeline.yml', asked.config, now.config),
    ...changed('what is live', asked.replaces, now.replaces),
    // Who agreed without a plan agreed to any.
    ...(asked.plan === UNPLANNED ? [] : changed('the plan', asked.plan, now.plan)),
  ];
}

function factsOf(rows: readonly [string, string][]): string {
  return markdownTable(['What', 'Value'], rows);
}

/** JSON that cannot end the comment of HTML that it stands in. */
function hidden(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('--', '-\\u002d');
}

function sha256(value: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}
