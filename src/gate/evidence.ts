/** What GitHub knows about one commit, brought into one form. Pure. */

/** One check run, commit status, or run of a workflow that its jobs do not speak for; the newest of its name. */
export interface Check {
  name: string;
  /** void: it ended without a verdict (cancelled, stale, action required, or a word that is not known). */
  state: 'green' | 'red' | 'void' | 'pending';
  /** GitHub's own word, in small letters: failure, timed_out, in_progress … */
  said: string;
  /** ISO 8601: when it ended or, while it runs, began. */
  at: string | null;
  /** Who pushed what it judged, where GitHub says so. */
  by: string | null;
  /** The page of the job or run. */
  url: string | null;
  /** The number of a job of GitHub Actions; null for anything else. */
  job: number | null;
}

/** A check run as GraphQL gives it, as far as it is looked at. */
export interface CheckRunAnswer {
  id: string;
  databaseId: number | null;
  name: string;
  status: string;
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  url: string;
  detailsUrl: string | null;
}

/** A check suite as GraphQL gives it, with all its check runs, those of earlier attempts too. */
export interface SuiteAnswer {
  id: string;
  databaseId: number | null;
  status: string;
  conclusion: string | null;
  updatedAt: string;
  url: string;
  app: { slug: string } | null;
  creator: { login: string } | null;
  /** null where it is not of GitHub Actions. */
  workflowRun: {
    databaseId: number | null;
    event: string;
    url: string;
    workflow: { databaseId: number | null; name: string };
  } | null;
  runs: readonly CheckRunAnswer[];
}

/** A commit status as GraphQL gives it: the newest of its context. */
export interface StatusAnswer {
  context: string;
  state: string;
  createdAt: string;
  targetUrl: string | null;
}

/** Events whose runs judge the branch itself; a run of a pull request judges something else. */
const COUNTED_EVENTS = ['push', 'merge_group'];
const OWN_CONTEXTS = 'changeline/';
const GREEN = ['SUCCESS', 'NEUTRAL', 'SKIPPED'];
const RED = ['FAILURE', 'TIMED_OUT', 'STARTUP_FAILURE', 'ERROR'];
const RANK = { green: 0, void: 1, pending: 2, red: 3 };

/** A check run with where it comes from. */
interface Entry {
  suite: SuiteAnswer;
  run: CheckRunAnswer;
  isOwn: boolean;
  check: Check;
}

/**
 * The checks that count for a commit: the newest of each name, app and workflow.
 * - Runs of other events than push and merge_group and Changeline's own statuses do not count, nor does what still
 *   runs in the run `ownRun` (the asking job itself).
 * - What failed and is run again stays red until the new attempt has ended: starting a job again opens nothing.
 * - A run of a workflow counts by its own word where that is worse than its jobs': it could not start, it was
 *   cancelled before its jobs, it has jobs still to come, or two of its jobs share one name.
 * - The suite that an installed app gets for each push and never fills does not count.
 */
export function checksFrom(
  suites: readonly SuiteAnswer[],
  statuses: readonly StatusAnswer[],
  ownRun: string | null,
): Check[] {
  const counted = suites.filter(counts);
  const entries = counted.flatMap((suite) => entriesOf(suite, ownRun));
  const standing = [...Map.groupBy(entries, keyOf).values()].flatMap((group) => standingOf(group) ?? []);
  const checks = [
    ...standing.map(({ check }) => check),
    ...newestRuns(counted).flatMap((suite) => ownWord(suite, standing, ownRun) ?? []),
    ...statuses.filter(({ context }) => !context.startsWith(OWN_CONTEXTS)).map(fromStatus),
  ];
  return checks.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function counts({ workflowRun, runs, status, conclusion }: SuiteAnswer): boolean {
  if (workflowRun) return COUNTED_EVENTS.includes(workflowRun.event);
  return runs.length > 0 || (status === 'COMPLETED' && conclusion !== null && conclusion !== 'STALE');
}

function entriesOf(suite: SuiteAnswer, ownRun: string | null): Entry[] {
  const isOwn = isOf(suite, ownRun);
  return suite.runs.map((run) => ({ suite, run, isOwn, check: fromCheckRun(run, suite) }));
}

function isOf({ workflowRun }: SuiteAnswer, ownRun: string | null): boolean {
  return workflowRun !== null && ownRun !== null && String(workflowRun.databaseId) === ownRun;
}

function keyOf({ suite, run }: Entry): string {
  return JSON.stringify([workflowOf(suite), run.name]);
}

function workflowOf({ app, workflowRun }: SuiteAnswer): string {
  return `${app?.slug ?? ''} ${workflowRun?.workflow.databaseId ?? ''}`;
}

/** Of the check runs of one name the one that stands; null where only the asking run still works on it. */
function standingOf(group: readonly Entry[]): Entry | null {
  const asking = group.filter((entry) => entry.isOwn && entry.check.state === 'pending').map(({ suite }) => suite);
  const [newest, ...earlier] = group.filter(({ suite }) => !asking.includes(suite)).toSorted(newestFirst);
  if (newest?.check.state !== 'pending') return newest ?? null;
  const last = earlier.find(({ check }) => check.state !== 'pending');
  if (last?.check.state !== 'red') return newest;
  return { ...last, check: { ...last.check, said: `${last.check.said}, runs again` } };
}

/** By GitHub's numbers, which grow; its times are those of the app that reports. */
function newestFirst(a: Entry, b: Entry): number {
  const byNumber = (b.run.databaseId ?? 0) - (a.run.databaseId ?? 0);
  return byNumber || ((a.run.startedAt ?? '') < (b.run.startedAt ?? '') ? 1 : -1);
}

/** The newest run of each workflow, and the suites of apps that have a word but no check run. */
function newestRuns(suites: readonly SuiteAnswer[]): SuiteAnswer[] {
  const speaking = suites.filter((suite) => suite.workflowRun !== null || suite.runs.length === 0);
  return [...Map.groupBy(speaking, workflowOf).values()].map((group) =>
    group.reduce((newest, suite) => ((suite.databaseId ?? 0) >= (newest.databaseId ?? 0) ? suite : newest)),
  );
}

/** The run itself as a check, where it says worse than its jobs do. */
function ownWord(suite: SuiteAnswer, standing: readonly Entry[], ownRun: string | null): Check | null {
  const told = stateOf(suite.status, suite.conclusion);
  if (told.state === 'pending' && isOf(suite, ownRun)) return null;
  const jobs = standing.filter((entry) => entry.suite === suite);
  const worst = Math.max(-1, ...jobs.map(({ check }) => RANK[check.state]));
  if (worst >= RANK[told.state]) return null;
  return {
    name: suite.workflowRun?.workflow.name || suite.app?.slug || 'a run without a name',
    ...told,
    at: suite.updatedAt,
    by: suite.creator?.login ?? null,
    url: suite.workflowRun?.url ?? suite.url,
    job: null,
  };
}

function fromCheckRun(run: CheckRunAnswer, suite: SuiteAnswer): Check {
  const isJob = suite.app?.slug === 'github-actions';
  return {
    name: run.name,
    ...stateOf(run.status, run.conclusion),
    at: run.completedAt ?? run.startedAt,
    by: suite.creator?.login ?? null,
    url: isJob ? (run.detailsUrl ?? run.url) : run.url,
    job: isJob ? run.databaseId : null,
  };
}

/** A commit status as a check. */
export function fromStatus(status: StatusAnswer): Check {
  const isOpen = status.state === 'PENDING' || status.state === 'EXPECTED';
  return {
    name: status.context,
    ...stateOf(isOpen ? status.state : 'COMPLETED', status.state),
    at: status.createdAt,
    by: null,
    url: status.targetUrl,
    job: null,
  };
}

/** Only a word that is known to be good is green, and only one that is known to be bad is red. */
export function stateOf(status: string, conclusion: string | null): Pick<Check, 'state' | 'said'> {
  if (status !== 'COMPLETED') return { state: 'pending', said: status.toLowerCase() };
  const said = (conclusion ?? 'no conclusion').toLowerCase();
  if (conclusion !== null && GREEN.includes(conclusion)) return { state: 'green', said };
  return { state: conclusion !== null && RED.includes(conclusion) ? 'red' : 'void', said };
}
