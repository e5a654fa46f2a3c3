/** What the gate hands back: its code, its facts, its words. Pure. */
import {
  type Decision,
  decisionsInMarkdown,
  failedInMarkdown,
  nextStep,
  type Snapshot,
  type Swept,
  type Taken,
  type Target,
  type Verdict,
  verdictInWords,
  type Written,
} from '../../gate/gate.ts';
import type { Code, Facts, Result } from '../../outcome/outcome.ts';

/** What a run of the gate by itself did. `waited` in milliseconds, for GitHub's limits. */
export interface Gated {
  target: Target;
  /** What came of the comment that started the run. */
  taken: Taken | null;
  written: Written;
  waited: number;
}

/** The result where only main is asked. */
export function resultOfMain(verdict: Verdict): Result {
  const next = nextStep(verdict);
  const markdown = failedInMarkdown(verdict);
  return {
    outcome: 'passed',
    code: codeOfMain(verdict, []),
    summary: verdictInWords(verdict),
    facts: factsOfMain(verdict),
    outputs: outputsOf(verdict),
    ...(markdown ? { markdown } : {}),
    ...(next ? { next } : {}),
  };
}

/** The result of a run that writes statuses: of its one pull request, else of main. */
export function resultOfGate(gated: Gated): Result {
  const { target, taken, written, waited } = gated;
  const { snapshot, swept } = written;
  const { verdict, freezes } = snapshot;
  const own = target.kind === 'pull' ? ofPull(swept, target.number) : null;
  const main = resultOfMain(verdict);
  const markdown = [main.markdown, decisionsInMarkdown(swept.decided)].filter(Boolean).join('\n\n');
  const words = [
    ...(taken && taken.code !== 'nothing-to-do' ? [taken.summary] : []),
    own ? inWords(own, verdict) : mainInWords(snapshot),
    ...sweptInWords(target, written),
  ];
  const next = own ? nextOf(own) : (main.next ?? (freezes.length > 0 ? 'wait until the freeze is over' : undefined));
  const result: Result = {
    ...main,
    code: taken?.code === 'override-refused' ? taken.code : (own?.code ?? codeOfMain(verdict, freezes)),
    summary: words.join('; '),
    facts: { ...factsOfMain(verdict), ...factsOf(snapshot, swept, waited, taken) },
    outputs: { ...outputsOf(verdict), open: own ? own.state === 'success' : verdict.open && freezes.length === 0 },
    ...(markdown ? { markdown } : {}),
  };
  const told = withNext(result, next);
  return swept.behind ? behind(told, swept) : told;
}

/** The code of main and of the freezes, which everything that is open shares. */
export function codeOfMain(verdict: Verdict, freezes: Snapshot['freezes']): Code {
  if (verdict.open) return freezes.length > 0 ? 'frozen' : 'gate-open';
  return verdict.state === 'red' ? 'gate-red' : 'gate-unknown';
}

export function outputsOf(verdict: Verdict): { open: boolean; state: string } {
  return { open: verdict.open, state: verdict.state };
}

export function factsOfMain(verdict: Verdict): Facts {
  const { state, open, branch, head, judged, distance, by, since, looked } = verdict;
  const red = verdict.red.map(({ name, said, at, url }) => ({ name, said, at, url }));
  return { schema: 1, state, open, branch, head, judged, distance, by, since, looked, red };
}

function factsOf({ freezes, past }: Snapshot, swept: Swept, waited: number, taken: Taken | null): Facts {
  const { written, unchanged, gone, left, late, reads, rounds } = swept;
  const statuses = { written, unchanged, gone, left, late, waited, reads, rounds };
  return {
    statuses,
    freezes: freezes.map(({ environment, why, owner, until }) => ({ environment, why, owner, until })),
    past: past && { ...past },
    ...(taken && taken.code !== 'nothing-to-do' ? { override: { code: taken.code, pull: taken.pull } } : {}),
  };
}

/** The decision on the head of the pull request itself, not on a group that holds it. */
function ofPull({ decided }: Swept, number: number): Decision | null {
  const bearing = decided.filter(({ head }) => head.pulls.some((pull) => pull.number === number));
  return (bearing.find(({ head }) => !head.inQueue) ?? bearing[0])?.decision ?? null;
}

function inWords({ findings, override, state, description }: Decision, verdict: Verdict): string {
  if (override || state === 'success') return findings.length > 0 ? description : verdictInWords(verdict);
  return findings.filter(({ weight }) => weight === 'blocks').map(({ text }) => text)[0] ?? description;
}

function nextOf({ findings, override }: Decision): string | undefined {
  return override ? undefined : findings[0]?.next;
}

function mainInWords({ verdict, freezes }: Snapshot): string {
  return [verdictInWords(verdict), ...freezes.map(({ inWords }) => inWords)].join('; ');
}

function sweptInWords(target: Target, { swept, denied }: Written): string[] {
  const { written, unchanged, gone, late } = swept;
  if (denied || target.kind === 'none') return [];
  if (target.kind === 'pull' && swept.decided.length === 0) return ['the pull request is not open any more'];
  if (target.kind !== 'all' && target.kind !== 'branch') return [];
  const words = [`${written} ${written === 1 ? 'status' : 'statuses'} written, ${unchanged} stood right`];
  if (gone > 0) words.push(`${gone} heads went away meanwhile`);
  if (late.count > 0) words.push(`${late.count} had to wait, the last ${Math.ceil(late.longest / 1000)} s`);
  return [words.join(', ')];
}

/** No green step: some heads may bear what is not true. */
function behind(result: Result, { left, decided, behind: stopped }: Swept): Result {
  const { why, until, cause } = stopped!;
  const lacking =
    left > 0
      ? `${left} of ${decided.length} heads do not bear the verdict yet`
      : 'the statuses were written, but could not be read again';
  const after = until ? ` after ${until}` : '';
  const next =
    cause?.code === 'github-refused'
      ? 'see what GitHub answered; a head that has had its 1,000 statuses takes no more: push a commit to its branch'
      : `run it again${after}: it goes on where this run ended, and so does the next event and the schedule`;
  return {
    ...result,
    outcome: 'inconclusive',
    code: 'gate-behind',
    summary: `${lacking}: ${why}; ${result.summary}`,
    facts: { ...result.facts, until },
    next,
  };
}

function withNext({ next: _, ...result }: Result, next: string | undefined): Result {
  return next === undefined ? result : { ...result, next };
}
