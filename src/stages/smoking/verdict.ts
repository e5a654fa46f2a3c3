/** The verdict of a smoke test: every failure named, in the summary, the facts and the table. Pure. */
import { inWords } from '../../duration/duration.ts';
import { escapeMarkdown, markdownTable } from '../../escape/escape.ts';
import type { Json, Result } from '../../outcome/outcome.ts';
import type { Probed } from '../../probe/probe.ts';

/** So many hosts are named in a line; the others are counted. */
const NAMED = 5;
/** So many failures are kept in the facts, which go to the ledger and to an output. */
const KEPT = 100;
/** A table of more rows is folded. */
const LONGEST_TABLE = 20;

/** All answers to one entry: one of them, or one of each host. */
interface Group {
  name: string;
  answers: Probed[];
}

/** The verdict on all checks. */
export function resultOf(probed: readonly Probed[]): Result {
  const groups = grouped(probed);
  const failed = probed.filter((one) => !one.passed);
  const passed = `${probed.length - failed.length} of ${probed.length} checks passed`;
  const outputs = { checks: `${probed.length - failed.length}/${probed.length}` };
  const again = groups.flatMap(againInWords);
  const late = again.length > 0 ? ` (${again.join(', ')})` : '';
  const common = { facts: factsOf(groups, failed), outputs, markdown: markdownOf(groups) };
  if (failed.length === 0) return { outcome: 'passed', code: 'ok', summary: `${passed}${late}`, ...common };
  const mismatch = failed.every((one) => one.mismatch);
  return {
    outcome: 'failed',
    code: mismatch ? 'version-mismatch' : 'smoke-failed',
    summary: `${passed}; ${groups.flatMap(failuresInWords).join('; ')}${late}`,
    next: mismatch
      ? 'see whether the restart really replaced the process, and whether a cache or another machine answers'
      : `ask ${failed[0]!.name}${onHost(failed[0]!)} yourself and look at the log of what answers it`,
    ...common,
  };
}

function grouped(probed: readonly Probed[]): Group[] {
  const groups = new Map<number, Group>();
  for (const one of probed) {
    const group = groups.get(one.entry) ?? { name: one.name, answers: [] };
    group.answers.push(one);
    groups.set(one.entry, group);
  }
  return [...groups.values()];
}

/** The failures of a check, one phrase for each reason, with the hosts that have it. */
function failuresInWords({ name, answers }: Group): string[] {
  const failed = answers.filter((one) => !one.passed);
  return [...byText(failed, ({ why }) => why.join(', '))].map(
    ([why, ones]) => `${name}${placesInWords(ones, answers.length)}: ${why}`,
  );
}

function againInWords({ name, answers }: Group): string[] {
  const again = answers.filter((one) => one.passed && one.tries > 1);
  if (again.length === 0) return [];
  const tries = nth(Math.max(...again.map((one) => one.tries)));
  return [`${name}${placesInWords(again, answers.length)} at the ${tries} try`];
}

function placesInWords(ones: readonly Probed[], of: number): string {
  const hosts = ones.flatMap(({ host }) => (host === null ? [] : [host]));
  if (hosts.length === 0) return '';
  if (hosts.length === 1) return onHost(ones[0]!);
  const more = hosts.length > NAMED ? ` and ${hosts.length - NAMED} more` : '';
  return ` on ${hosts.length} of ${of} hosts (${hosts.slice(0, NAMED).join(', ')}${more})`;
}

function onHost({ host, there }: Probed): string {
  return host === null ? '' : ` ${there ? 'on' : 'for'} ${host}`;
}

function factsOf(groups: readonly Group[], failed: readonly Probed[]): { [key: string]: Json } {
  const failures = failed.slice(0, KEPT).map(({ name, host, status, tries, why, before }) => ({
    ...{ check: name, host, status, tries },
    ...{ why: why.join(', '), before: triesInWords(before) },
  }));
  return {
    checks: groups.map(({ name, answers }) => ({
      check: name,
      asked: answers.length,
      passed: answers.filter((one) => one.passed).length,
      took: Math.max(...answers.map((one) => one.took)),
      tries: Math.max(...answers.map((one) => one.tries)),
    })),
    failures,
    ...(failed.length > KEPT ? { 'failures-left-out': failed.length - KEPT } : {}),
  };
}

/** A row a check; below it, one for each host that failed or needed another try. */
function markdownOf(groups: readonly Group[]): string {
  const head = ['', 'check', 'asked', 'status', 'took', 'tries', 'what was found'];
  const all = folded(markdownTable(head, groups.map(rowOf)), groups.length, 'checks');
  const hosts = groups.flatMap(({ name, answers }) =>
    answers
      .filter((one) => one.host !== null && answers.length > 1 && (!one.passed || one.tries > 1))
      .map((one) => [one.passed ? '✓' : '✕', one.host, name, one.status, inWords(one.took), one.tries, foundBy(one)]),
  );
  if (hosts.length === 0) return all;
  const table = markdownTable(['', 'host', 'check', 'status', 'took', 'tries', 'what was found'], hosts);
  return `${all}\n${folded(table, hosts.length, 'answers of hosts that failed or needed another try')}`;
}

function folded(table: string, rows: number, what: string): string {
  if (rows <= LONGEST_TABLE) return table;
  return `<details><summary>${rows} ${escapeMarkdown(what)}</summary>\n\n${table}\n</details>\n`;
}

function rowOf({ name, answers }: Group): (string | number | null)[] {
  const failed = answers.filter((one) => !one.passed);
  const [first] = answers;
  const host =
    first!.host === null ? 'here' : first!.there ? `on ${answers.length} hosts` : `here, for ${answers.length} hosts`;
  const asked = answers.length === 1 && first!.host !== null ? onHost(first!).trim() : host;
  const statuses = [...new Set(answers.map(({ status }) => status ?? '–'))].join(', ');
  const took = inWords(Math.max(...answers.map((one) => one.took)));
  const tries = Math.max(...answers.map((one) => one.tries));
  const found =
    answers.length === 1
      ? foundBy(first!)
      : failed.length === 0
        ? 'passed'
        : `${answers.length - failed.length} of ${answers.length} passed`;
  return [failed.length === 0 ? '✓' : '✕', name, asked, statuses === '–' ? null : statuses, took, tries, found];
}

/** What was found at the last try, and what was wrong at those before: a retry is never hidden. */
function foundBy({ passed, tries, why, before }: Probed): string {
  const earlier = before.length > 0 ? `; before: ${triesInWords(before)}` : '';
  return passed ? `passed${tries > 1 ? ` at the ${nth(tries)} try` : ''}${earlier}` : `${why.join(', ')}${earlier}`;
}

/** What was wrong at each try, what was wrong several times only once. */
function triesInWords(before: readonly string[]): string {
  return [...byText(before, (why) => why)]
    .map(([why, { length }]) => (length > 1 ? `${why} (${length} times)` : why))
    .join('; ');
}

function byText<T>(ones: readonly T[], textOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of ones) {
    const group = groups.get(textOf(one)) ?? [];
    group.push(one);
    groups.set(textOf(one), group);
  }
  return groups;
}

/** One answer in a line of the log. */
export function inOneLine(one: Probed): string {
  const how = one.passed ? 'passed' : `failed: ${one.why.join(', ')}`;
  return `${one.name}${onHost(one)} ${how}${one.tries > 1 ? ` at the ${nth(one.tries)} try` : ''} in ${inWords(one.took)}`;
}

function nth(count: number): string {
  const last = count % 100 > 10 && count % 100 < 14 ? undefined : ['st', 'nd', 'rd'][(count % 10) - 1];
  return `${count}${last ?? 'th'}`;
}
