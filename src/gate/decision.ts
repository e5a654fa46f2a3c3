/** What the gate says about one pull request or queued group. Pure. */
import type { GateSection } from '../config/config.ts';
import { cutShort, markdownTable } from '../escape/escape.ts';
import type { Override } from '../ledger/ledger.ts';
import type { Code, Failure } from '../outcome/outcome.ts';
import type { Head } from './pull.ts';
import { findingsOn, rank } from './rules.ts';
import type { Verdict } from './verdict.ts';
import { mainInBrief, nextStep, verdictInWords } from './words.ts';

/** One thing that stands against a change, or is worth a word. `text` is plain, from outside in parts. */
export interface Finding {
  code: Code;
  weight: 'blocks' | 'warns';
  text: string;
  /** What to do about it. */
  next: string;
  /** It ends by itself: a check that still runs. */
  waits?: true;
}

/** What is written on a head, and all the reasons for it. */
export interface Decision {
  state: 'success' | 'pending' | 'failure';
  /** At most 140 characters. */
  description: string;
  /** The first reason's, or `gate-open`. */
  code: Code;
  /** Everything found, what blocks first. */
  findings: Finding[];
  /** The override that lets it in; null where none is needed or there. */
  override: { by: string; why: string; until: string } | null;
}

/** A freeze that is on, as far as it is told on a pull request. */
export interface Frozen {
  environment: string;
  why: string;
  owner: string | null;
  /** ISO 8601; null where somebody has to end it. */
  until: string | null;
  /** All of it in one line. */
  inWords: string;
}

/** Everything that a decision rests on. */
export interface Given {
  verdict: Verdict;
  freezes: readonly Frozen[];
  head: Head;
  section: GateSection | null;
  /** Read again at their source: see `verifyOverrides`. */
  overrides: readonly Override[];
  now: Date;
}

/** GitHub's limit for the description of a commit status, in UTF-16 units. */
const LONGEST = 140;
/** GitHub refuses a description with any of these, as most emoji are. */
const REFUSED = /[\u{10000}-\u{10ffff}]+/gu;

/** A reason, whose it is, and its words for a status. `pull` is null where it is everybody's. */
interface Reason {
  finding: Finding;
  pull: number | null;
  inBrief: (longest: number) => string;
}

/**
 * The decision on a head: main first, then freezes, then the rules of each pull request, the worst one named. In the
 * queue the rules do not count again, and nothing fails: a failure throws a group out for what it did not do.
 */
export function decide(given: Given): Decision {
  const decision = decided(given);
  return { ...decision, description: decision.description.replace(REFUSED, '\ufffd') };
}

/** The decision on a head where there is none, since what it must rest on cannot be read: shut, and why. */
export function undecided(head: Head, failure: Failure): Decision {
  const { code, where, what, why, next } = failure;
  const text = `the gate cannot decide: ${where ? `${where}: ` : ''}${what}`;
  const finding: Finding = { code, weight: 'blocks', text: why ? `${text} (${why})` : text, next };
  const description = cutShort(text, LONGEST).replace(REFUSED, '\ufffd');
  return { state: head.inQueue ? 'pending' : 'failure', description, code, findings: [finding], override: null };
}

function decided(given: Given): Decision {
  const { head, section, verdict } = given;
  const everybodys = [...mainReasons(verdict), ...frozenReasons(given.freezes)];
  const own = head.inQueue || !section ? [] : ruleReasons(head, section, given.now);
  const reasons = [...everybodys, ...own];
  const findings = reasons.map(({ finding }) => finding);
  const against = reasons.filter(({ finding }) => finding.weight === 'blocks');
  const [first] = against;
  if (!first) {
    const description = openInWords(verdict, findings);
    return { state: 'success', description, code: 'gate-open', findings, override: null };
  }
  const base = { code: first.finding.code, findings };
  const lets = overrideFor(given, against);
  if (lets) return { ...base, state: 'success', description: letInWords(lets), override: lets };
  // Where several share the head, those that are let in are not the reason any more.
  const named = against.find(({ pull }) => pull === null || !isLetIn(given, pull)) ?? first;
  if (section?.observe) {
    const would = 'would be blocked: ';
    const description = `${would}${named.inBrief(LONGEST - would.length)}`;
    return { ...base, state: 'success', description, override: null };
  }
  const state = head.inQueue || named.finding.waits ? 'pending' : 'failure';
  return { ...base, state, description: named.inBrief(LONGEST), override: null };
}

/** True where the head has to be written. The link changes with every run, so it does not count. */
export function differs(head: Head, decision: Decision): boolean {
  return head.status?.state !== decision.state || head.status.description !== decision.description;
}

function mainReasons(verdict: Verdict): Reason[] {
  if (verdict.open) return [];
  const finding: Finding = {
    code: verdict.state === 'red' ? 'gate-red' : 'gate-unknown',
    weight: 'blocks',
    text: verdictInWords(verdict),
    next: nextStep(verdict) ?? 'run the gate again',
    ...(isWaiting(verdict) ? { waits: true } : {}),
  };
  return [{ finding, pull: null, inBrief: (longest) => cutShort(mainInBrief(verdict, longest), longest) }];
}

/** Nothing was judged, and something still may be. */
function isWaiting({ state, waits, void: ended }: Verdict): boolean {
  return state === 'pending' || (state === 'unknown' && waits && ended.length === 0);
}

function frozenReasons(freezes: readonly Frozen[]): Reason[] {
  const others = freezes.length > 1 ? ` (and ${freezes.length - 1} more)` : '';
  return freezes.map((freeze) => {
    const { environment, inWords, owner } = freeze;
    const whom = owner ? `, or ask ${owner}` : '';
    const next = `wait until the freeze of ${environment} is over${whom}`;
    return {
      finding: { code: 'frozen', weight: 'blocks', text: inWords, next },
      pull: null,
      inBrief: (longest) => frozenInBrief(freeze, others, longest),
    };
  });
}

/** Everything in its own words where there is room; else what was given as why is cut, never the end and the owner. */
function frozenInBrief({ environment, why, owner, until, inWords }: Frozen, others: string, longest: number): string {
  const whole = cutShort(`${inWords}${others}`, Number.MAX_SAFE_INTEGER);
  if (whole.length <= longest) return whole;
  const end = until === null ? 'until it is ended' : `until ${minuteOf(until)}`;
  const whom = owner ? ` (${cutShort(owner, 39)})` : '';
  const start = `${cutShort(environment, 30)} is frozen ${end}${whom}${others}: `;
  return `${start}${cutShort(why, longest - start.length)}`;
}

/** The findings of the rules on every pull request of the head, the worst first. */
function ruleReasons(head: Head, section: GateSection, now: Date): Reason[] {
  const isShared = head.pulls.length > 1;
  const reasons = head.pulls.flatMap((pull) =>
    findingsOn(pull, head.sha, section, now).map((found) => {
      const finding = isShared ? { ...found, text: `#${pull.number}: ${found.text}` } : found;
      return { finding, pull: pull.number, inBrief: (longest: number) => cutShort(finding.text, longest) };
    }),
  );
  return reasons.sort((a, b) => rank(a.finding) - rank(b.finding));
}

/** The override that ends first, where each pull request that something stands against has one. */
function overrideFor(given: Given, against: readonly Reason[]): Decision['override'] {
  const everyone = given.head.pulls.map((pull) => pull.number);
  const blocked = new Set(against.flatMap(({ pull }) => (pull === null ? everyone : [pull])));
  const found = [...blocked].map((pull) => overrideOf(given, pull));
  const all = found.filter((override) => override !== null);
  if (all.length === 0 || all.length < found.length) return null;
  const { by, why, until } = all.sort((a, b) => Date.parse(a.until) - Date.parse(b.until))[0]!;
  return { by, why, until };
}

function isLetIn(given: Given, pull: number): boolean {
  return overrideOf(given, pull) !== null;
}

/** Of several the one that lasts longest. */
function overrideOf({ overrides, now }: Given, pull: number): Override | null {
  const fitting = overrides.filter((one) => one.pull === pull && Date.parse(one.until) > now.getTime());
  return fitting.sort((a, b) => Date.parse(b.until) - Date.parse(a.until))[0] ?? null;
}

function letInWords({ by, why, until }: NonNullable<Decision['override']>): string {
  const start = `let in by ${cutShort(by, 39)} until ${minuteOf(until)}: `;
  return `${start}${cutShort(why, LONGEST - start.length)}`;
}

/**
 * Which commit of main was judged is not said here: it is another one after every merge, and every open pull request
 * would have to be written again. Warnings stand where there is room.
 */
function openInWords({ branch }: Verdict, warnings: readonly Finding[]): string {
  const green = `${cutShort(branch, 60)} is green`;
  return cutShort([green, ...warnings.map(({ text }) => text)].join('; '), LONGEST);
}

function minuteOf(at: string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** So many rows and so much of each text that the table stays well below the limit of a job summary, 1 MiB. */
const MOST_ROWS = 200;

/**
 * A Markdown table of every pull request and group that something is to be said about, with reasons and what to do,
 * what is blocked first; empty where there is none. At most 200 rows, then their number.
 */
export function decisionsInMarkdown(decided: readonly { head: Head; decision: Decision }[]): string {
  const said = decided.filter(({ decision }) => decision.findings.length > 0);
  const ordered = said.toSorted((a, b) => ORDER.indexOf(a.decision.state) - ORDER.indexOf(b.decision.state));
  const rows = ordered.slice(0, MOST_ROWS).map(({ head, decision }) => {
    const { state, findings, override } = decision;
    const texts = findings.map(({ text }) => text);
    if (override) texts.unshift(letInWords(override));
    const next = [...new Set(findings.map((finding) => finding.next))];
    return [
      cutShort(bearersInWords(head), 120),
      state,
      cutShort(texts.join('; '), 400),
      override ? '' : cutShort(next.join('; '), 250),
    ];
  });
  const table = markdownTable(['pull request', 'status', 'why', 'next'], rows);
  const rest = ordered.length - rows.length;
  return rest > 0 ? `${table}\n${rest} more of the ${ordered.length} are not shown here.\n` : table;
}

const ORDER: Decision['state'][] = ['failure', 'pending', 'success'];

function bearersInWords({ pulls, inQueue, sha }: Head): string {
  const shown = pulls
    .slice(0, 3)
    .map(({ number, title }) => (title ? `#${number} ${cutShort(title, 60)}` : `#${number}`));
  const more = pulls.length > shown.length ? [`and ${pulls.length - shown.length} more`] : [];
  const names = [...shown, ...more].join(', ') || sha.slice(0, 7);
  return inQueue ? `queued: ${names}` : names;
}
