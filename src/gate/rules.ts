/** The rules on the change itself: what stands against a pull request whatever the state of main. Pure. */
import { posix } from 'node:path';
import type { GateSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { cutShort } from '../escape/escape.ts';
import { sameName } from '../github/github.ts';
import type { Finding } from './decision.ts';
import type { Check } from './evidence.ts';
import type { ChangedPath, ClosedIssue, PullRequest } from './pull.ts';

/**
 * What the rules of the section have against a pull request at `head`, what blocks first. Nothing depends on the
 * moment but whether a check is too old, so that the same findings are the same words an hour later.
 */
export function findingsOn(pull: PullRequest, head: string, section: GateSection, now: Date): Finding[] {
  return [
    ...(section.evidence ?? []).flatMap((wanted) => evidenceFinding(pull, head, wanted, now)),
    ...reviewFinding(pull, head, section.review),
    ...testFinding(pull, section['fix-brings-test']),
    ...sizeFindings(pull, section.size),
  ].sort((a, b) => rank(a) - rank(b));
}

/** True where a rule looks at the paths that the pull request changes. */
export function needsPaths(pull: PullRequest, section: GateSection | null): boolean {
  if (section?.size?.migrations) return true;
  const fix = section?.['fix-brings-test'];
  return fix !== undefined && (pull.details?.closes ?? []).some((issue) => labelOf(issue, fix.labels) !== null);
}

/** What is worse comes first: an answer that was no, then one that is missing, then what ends by itself. */
export function rank({ code, weight, waits }: Finding): number {
  if (weight === 'warns') return 3;
  if (waits) return 2;
  return code === 'evidence-failed' ? 0 : 1;
}

function blocks(code: Finding['code'], text: string, next: string): Finding {
  return { code, weight: 'blocks', text, next };
}

/** Details are read wherever a rule is switched on; where they are not there, the rule has not been kept. */
function unread(code: Finding['code'], what: string): Finding[] {
  return [blocks(code, `${what} could not be read`, 'run the gate again')];
}

function reviewFinding(pull: PullRequest, head: string, rule: GateSection['review']): Finding[] {
  if (!rule) return [];
  if (!pull.details) return unread('review-missing', 'its reviews');
  // Only whose approval counts can object: else anybody on GitHub could hold a pull request for ever.
  const own = [pull.author, pull.details.headBy].filter((login) => login !== null);
  const others = pull.details.reviews.filter(({ by, counts }) => counts && !own.some((login) => sameName(by, login)));
  const against = others.filter((review) => review.state === 'CHANGES_REQUESTED');
  if (against.length > 0) {
    const names = named(against.map((review) => review.by));
    const next = `do what ${names} asked for and ask for another review, or dismiss that review`;
    return [blocks('review-missing', `changes requested by ${names}`, next)];
  }
  const approvals = others.filter((review) => review.state === 'APPROVED');
  const here = new Set(approvals.filter(({ sha }) => sha === head).map(({ by }) => by.toLowerCase()));
  if (here.size >= rule.required) return [];
  const older = approvals.filter(({ sha }) => sha !== head);
  const missing = `${here.size} of ${rule.required} approvals by others at ${head.slice(0, 7)}`;
  const text = older.length > 0 ? `${missing}; ${olderInWords(older)}` : missing;
  const whom = older.length > 0 ? named(older.map((review) => review.by)) : 'someone else who may write here';
  return [blocks('review-missing', text, `ask ${whom} to review ${head.slice(0, 7)}`)];
}

function olderInWords(older: readonly { by: string; sha: string | null }[]): string {
  const at = older.length === 1 && older[0]!.sha ? ` (${older[0]!.sha.slice(0, 7)})` : '';
  return `${named(older.map((review) => review.by))} approved an older head${at}`;
}

type Wanted = NonNullable<GateSection['evidence']>[number];

/** Several checks may bear the name (of two apps, of a push and a pull request): each of them must be green. */
function evidenceFinding(pull: PullRequest, head: string, wanted: Wanted, now: Date): Finding[] {
  const name = typeof wanted === 'string' ? wanted : wanted.check;
  const quoted = `"${cutShort(name, 60)}"`;
  if (!pull.details) return unread('evidence-missing', quoted);
  const checks = pull.details.checks.filter((check) => check.name === name);
  const failed = checks.find(({ state }) => state === 'red') ?? checks.find(({ state }) => state === 'void');
  if (failed) {
    const text = `${quoted} is not green on ${head.slice(0, 7)}: ${cutShort(failed.said, 30)}`;
    return [blocks('evidence-failed', text, 'repair it and push, or run it again')];
  }
  if (checks.length === 0) {
    const next = `let a workflow run ${quoted} on this head; the name is that of the job, as the commit page shows it`;
    return [blocks('evidence-missing', `${quoted} has not run on ${head.slice(0, 7)}`, next)];
  }
  if (checks.some((check) => check.state === 'pending')) {
    const text = `${quoted} still runs on ${head.slice(0, 7)}`;
    return [{ ...blocks('evidence-missing', text, 'wait until it has finished'), waits: true }];
  }
  const ran = checks.filter((check) => check.said !== 'skipped');
  if (ran.length === 0) {
    const text = `${quoted} was skipped on ${head.slice(0, 7)}`;
    return [blocks('evidence-missing', text, 'let it run: what was skipped proves nothing')];
  }
  const longest = typeof wanted === 'string' ? undefined : wanted['max-age'];
  return longest === undefined ? [] : ageFinding(quoted, ran, longest, now);
}

/** The age is told as the moment since when: a number of hours would be another text every hour. */
function ageFinding(quoted: string, checks: readonly Check[], longest: string, now: Date): Finding[] {
  const ages = checks.map(({ at }) => ({ at, age: at === null ? Number.NaN : now.getTime() - Date.parse(at) }));
  const stale = ages.find(({ age }) => !(age <= milliseconds(longest)!));
  if (!stale) return [];
  const since = Number.isNaN(stale.age) ? 'at a time that is not known' : `on ${minuteOf(stale.at!)}`;
  const text = `${quoted} ran ${since}; it may be ${longest} old`;
  return [blocks('evidence-stale', text, 'run it again')];
}

function testFinding(pull: PullRequest, rule: GateSection['fix-brings-test']): Finding[] {
  if (!rule) return [];
  if (!pull.details) return unread('test-missing', 'which issues it closes');
  const fixed = pull.details.closes.find((issue) => labelOf(issue, rule.labels) !== null);
  if (!fixed) return [];
  const issue = `${fixed.repository ?? ''}#${fixed.number} (${cutShort(labelOf(fixed, rule.labels)!, 30)})`;
  const { paths } = pull.details;
  if (!paths) return unread('test-missing', `it closes ${issue}, and its files`);
  if (paths.some((path) => brings(path) && matches(path.path, rule.tests))) return [];
  const seen = pull.files > paths.length ? ` of the first ${paths.length}` : '';
  const text = `closes ${issue} without a test: no added or changed file${seen} matches ${rule.tests.join(', ')}`;
  const next = 'add a test that fails without the fix, or correct gate.fix-brings-test.tests in changeline.yml';
  return [blocks('test-missing', text, next)];
}

/** The label of the issue that the rule names; labels of GitHub do not differ by case. */
function labelOf(issue: ClosedIssue, labels: readonly string[]): string | null {
  return issue.labels.find((label) => labels.some((wanted) => sameName(label, wanted))) ?? null;
}

/** Something is there that was not there before. A binary file has no lines; neither has one that was only moved. */
function brings({ how, additions, deletions }: ChangedPath): boolean {
  if (how === 'DELETED') return false;
  const isMoved = how === 'RENAMED' || how === 'COPIED';
  return additions > 0 || (deletions === 0 && !isMoved);
}

/** A wildcard does not match a name that begins with a dot; tests below such a folder are tests all the same. */
function matches(path: string, patterns: readonly string[]): boolean {
  const plain = path.replace(/(^|\/)\.+(?=[^/])/g, '$1');
  return patterns.some((pattern) => posix.matchesGlob(path, pattern) || posix.matchesGlob(plain, pattern));
}

function sizeFindings(pull: PullRequest, rule: GateSection['size']): Finding[] {
  if (!rule) return [];
  const lines = pull.additions + pull.deletions;
  const over: string[] = [];
  if (rule.files !== undefined && pull.files > rule.files) over.push(`${pull.files} files (over ${rule.files})`);
  if (rule.lines !== undefined && lines > rule.lines) over.push(`${lines} lines (over ${rule.lines})`);
  const found: Finding[] = [];
  if (over.length > 0) {
    const next = 'think of parts that can go in one after the other';
    found.push({ code: 'change-large', weight: 'warns', text: `large: ${over.join(', ')}`, next });
  }
  const paths = pull.details?.paths ?? [];
  const migrations = paths.filter(({ path }) => rule.migrations && matches(path, rule.migrations)).length;
  if (migrations > 0 && migrations < paths.length) {
    const text = `mixes migrations (${migrations}) with other files (${paths.length - migrations})`;
    const next = 'let the migrations go in by themselves, before the code that needs them';
    found.push({ code: 'change-mixed', weight: 'warns', text, next });
  }
  return found;
}

/** `a, b and 3 more`: at most three logins. */
function named(logins: readonly string[]): string {
  const names = [...new Set(logins)];
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

function minuteOf(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}
