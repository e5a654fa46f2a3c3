/** Reads everything that is said about commits, page by page; a list that changes while it is read is read again. */
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import type { CheckRunAnswer, StatusAnswer, SuiteAnswer } from './evidence.ts';

/** Everything that GitHub knows about one commit. */
export interface WholeCommit {
  suites: SuiteAnswer[];
  statuses: StatusAnswer[];
}

/** One step of a job as GraphQL gives it. */
export interface StepAnswer {
  name: string;
  status: string;
  conclusion: string | null;
}

/** A job with the first of its steps. */
interface JobAnswer {
  id: string;
  steps: { totalCount: number; nodes: (StepAnswer | null)[] | null } | null;
}

/** One page as GraphQL gives it. */
interface Page<T> {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  nodes: (T | null)[] | null;
}

type SuiteNode = Omit<SuiteAnswer, 'runs'> & {
  checkRuns: Page<CheckRunAnswer> | null;
  /** Failed jobs with their steps, where they were asked for. */
  failed?: { nodes: (JobAnswer | null)[] | null } | null;
};

/** What `EVIDENCE` selects of a commit. */
export interface CommitAnswer {
  id: string;
  oid: string;
  checkSuites: Page<SuiteNode> | null;
  status: { contexts: StatusAnswer[] } | null;
}

/** The permissions that it takes to read evidence. */
export const NEEDS = 'contents: read, checks: read, statuses: read, actions: read';

const PAGE = 'totalCount pageInfo { hasNextPage endCursor }';
const RUNS = `${PAGE} nodes { id databaseId name status conclusion startedAt completedAt url detailsUrl }`;
// Earlier attempts too: what failed and is run again has not passed.
const RUNS_OF_SUITE = 'first: 100, filterBy: { checkType: ALL }';
const SUITES = `${PAGE} nodes {
  id databaseId status conclusion updatedAt url app { slug } creator { login }
  workflowRun { databaseId event url workflow { databaseId name } }
  checkRuns(${RUNS_OF_SUITE}) { ${RUNS} }
}`;

/** The selection of a commit's evidence, the first page of each list. */
export const EVIDENCE = `id oid checkSuites(first: 100) { ${SUITES} } status { contexts { context state createdAt targetUrl } }`;

/** The selection of a job's steps. */
export const STEPS = 'id steps(first: 100) { totalCount nodes { name status conclusion } }';

/** How often a list that changed is read again. */
const MOST_AGAIN = 3;
/** Lists whose next pages are asked in one query: GitHub looks at 500,000 nodes and no more. */
const AT_ONCE = 20;

/** Commits by their node ids, and with them in the same query the steps of jobs by theirs. */
export async function readCommits(
  github: GitHub,
  commits: readonly string[],
  jobs: readonly string[],
): Promise<{ commits: Map<string, WholeCommit>; steps: Map<string, StepAnswer[]> }> {
  const nodes = await readNodes(github, [...commits, ...jobs]);
  const answers = nodes.filter((node) => 'oid' in node);
  const steps = stepsByJob(nodes.filter((node) => 'steps' in node));
  return { commits: await completed(github, answers), steps };
}

/** The commits whose first pages are told, whole, by their node ids. */
export async function completed(github: GitHub, told: readonly CommitAnswer[]): Promise<Map<string, WholeCommit>> {
  const whole = new Map<string, WholeCommit>();
  let answers = told;
  for (let again = 0; answers.length > 0; again++) {
    const gathered = answers.map((answer) => new Commit(answer));
    await readOn(github, gathered);
    for (const commit of gathered) if (!commit.changed) whole.set(commit.id, commit.whole());
    const changed = gathered.filter((commit) => commit.changed);
    if (changed[0] && again === MOST_AGAIN) {
      throw unread(github, `the checks of ${changed[0].oid.slice(0, 7)} changed each time they were read`);
    }
    const ids = changed.map(({ id }) => id);
    answers = ids.length > 0 ? (await readNodes(github, ids)).filter((node) => 'oid' in node) : [];
  }
  return whole;
}

/** A list whose next page is asked. */
interface Open {
  id: string;
  after: string;
  take(answer: NextPage): void;
}

interface NextPage {
  checkSuites?: Page<SuiteNode> | null;
  checkRuns?: Page<CheckRunAnswer> | null;
}

/** Follows the cursors of all lists to their ends. */
async function readOn(github: GitHub, commits: readonly Commit[]): Promise<void> {
  for (;;) {
    const open = commits.flatMap((commit) => commit.open()).slice(0, AT_ONCE);
    if (open.length === 0) return;
    const declared = open.map((_, index) => `$id${index}: ID!, $after${index}: String!`);
    const asked = open.map(
      (_, index) => `p${index}: node(id: $id${index}) {
  ... on Commit { checkSuites(first: 100, after: $after${index}) { ${SUITES} } }
  ... on CheckSuite { checkRuns(${RUNS_OF_SUITE}, after: $after${index}) { ${RUNS} } }
}`,
    );
    const variables = Object.fromEntries(
      open.flatMap(({ id, after }, index) => [
        [`id${index}`, id],
        [`after${index}`, after],
      ]),
    );
    const query = `query gatePages(${declared.join(', ')}) { ${asked.join('\n')} }`;
    const answer = await github.graphql<Record<string, NextPage | null>>(query, variables, NEEDS);
    for (const [index, list] of open.entries()) list.take(answer[`p${index}`] ?? {});
  }
}

const NODES = `query gateEvidence($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Commit { ${EVIDENCE} }
    ... on CheckRun { ${STEPS} }
  }
}`;

async function readNodes(github: GitHub, ids: readonly string[]): Promise<(CommitAnswer | JobAnswer)[]> {
  const answer = await github.graphql<{ nodes: (CommitAnswer | JobAnswer | null)[] }>(NODES, { ids }, NEEDS);
  const nodes = answer.nodes.filter((node) => node !== null && 'id' in node);
  if (nodes.length === ids.length) return nodes as (CommitAnswer | JobAnswer)[];
  throw unread(github, 'GitHub left out a part of what is known about the branch');
}

/** The steps of jobs by their node ids. */
export function stepsByJob(jobs: readonly JobAnswer[]): Map<string, StepAnswer[]> {
  return new Map(jobs.map(({ id, steps }) => [id, stepsIn(steps)]));
}

/** No steps where not all are told. */
function stepsIn(page: JobAnswer['steps']): StepAnswer[] {
  const steps = (page?.nodes ?? []).filter((step) => step !== null);
  return steps.length === page?.totalCount ? steps : [];
}

/** One commit while its pages come in. */
class Commit {
  readonly id: string;
  readonly oid: string;
  readonly #suites: List<SuiteNode>;
  readonly #runs = new Map<string, List<CheckRunAnswer>>();
  readonly #statuses: StatusAnswer[];

  constructor({ id, oid, checkSuites, status }: CommitAnswer) {
    this.id = id;
    this.oid = oid;
    this.#suites = new List();
    this.#statuses = status?.contexts ?? [];
    this.#add(checkSuites);
  }

  get changed(): boolean {
    return this.#suites.changed || [...this.#runs.values()].some((list) => list.changed);
  }

  /** The lists that have a next page; none where something changed, since it is all read again. */
  open(): Open[] {
    if (this.changed) return [];
    const { id } = this;
    const suites = this.#suites.next;
    const own = suites ? [{ id, after: suites, take: (page: NextPage) => this.#add(page.checkSuites) }] : [];
    const runs = [...this.#runs].flatMap(([suite, list]) =>
      list.next ? [{ id: suite, after: list.next, take: (page: NextPage) => list.add(page.checkRuns) }] : [],
    );
    return [...own, ...runs];
  }

  whole(): WholeCommit {
    const suites = [...this.#suites.items.values()].map(({ checkRuns: _, ...suite }) => {
      return { ...suite, runs: [...(this.#runs.get(suite.id)?.items.values() ?? [])] };
    });
    return { suites, statuses: this.#statuses };
  }

  #add(page: Page<SuiteNode> | null | undefined): void {
    this.#suites.add(page);
    for (const suite of page?.nodes ?? []) {
      if (suite === null || this.#runs.has(suite.id)) continue;
      const list = new List<CheckRunAnswer>();
      list.add(suite.checkRuns);
      this.#runs.set(suite.id, list);
    }
  }
}

/** A list that is gathered page by page. */
class List<T extends { id: string }> {
  readonly items = new Map<string, T>();
  /** The cursor behind which the next page stands; null where there is none. */
  next: string | null = null;
  /** True where the pages do not fit together, or GitHub left something out: nothing to judge by. */
  changed = false;
  #pages = 0;
  #total = 0;

  add(page: Page<T> | null | undefined): void {
    this.#pages++;
    this.next = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    for (const node of page?.nodes ?? []) {
      if (node === null || this.items.has(node.id)) this.changed = true;
      else this.items.set(node.id, node);
    }
    const total = page?.totalCount ?? -1;
    if (!page?.nodes || (this.#pages > 1 && total !== this.#total)) this.changed = true;
    this.#total = total;
    // One page alone is of one moment, whatever GitHub counts.
    if (this.next === null && this.#pages > 1 && this.items.size !== total) this.changed = true;
    if (page?.pageInfo.hasNextPage && this.next === null) this.changed = true;
  }
}

function unread(github: GitHub, what: string): Failure {
  return new Failure({
    code: 'gate-unknown',
    what,
    where: github.repository,
    untouched: 'nothing was changed',
    next: 'run it again in some minutes',
    facts: { passes: true },
    outcome: 'inconclusive',
  });
}
