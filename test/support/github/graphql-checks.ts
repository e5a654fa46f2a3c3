/** GraphQL's form of what is said about a commit: check suites, check runs, statuses. */
import { connection, type Paging } from './connection.ts';
import { actorNode, type Context, need, repositoryStub } from './graphql-context.ts';
import type { CheckRun, CommitStatus, Run, Suite } from './records.ts';
import type { Repository } from './world.ts';

type Node = Record<string, unknown>;

interface SuiteFilter {
  filterBy?: { appId?: number | null; checkName?: string | null } | null;
}

interface RunFilter {
  filterBy?: {
    checkType?: string | null;
    checkName?: string | null;
    status?: string | null;
    statuses?: string[] | null;
    conclusions?: string[] | null;
  } | null;
}

/** `Commit.checkSuites` */
export function checkSuites(repository: Repository, sha: string, given: Paging & SuiteFilter, context: Context) {
  need(context, { permission: 'checks', level: 'read' });
  const name = given.filterBy?.checkName;
  const suites = repository.suites.filter(
    (one) =>
      one.sha === sha && (!name || repository.checkRuns.some((run) => run.suite === one.id && run.name === name)),
  );
  return connection(
    suites,
    given,
    (one) => one.id,
    (one) => suiteNode(repository, one, context),
  );
}

export function suiteNode(repository: Repository, suite: Suite, context: Context): Node {
  const { status, conclusion, at } = repository.suiteState(suite);
  return {
    __typename: 'CheckSuite',
    id: `CS_${suite.id}`,
    databaseId: suite.id,
    status: upper(status),
    conclusion: upper(conclusion),
    createdAt: suite.at,
    updatedAt: at,
    url: `https://github.com/${repository.full}/commit/${suite.sha}/checks?check_suite_id=${suite.id}`,
    app: appNode(suite.app),
    creator: suite.creator === null ? null : { __typename: 'User', login: suite.creator },
    repository: repositoryStub(repository),
    commit: { __typename: 'Commit', oid: suite.sha },
    workflowRun: () => {
      const run = repository.runs.find((one) => one.suite === suite.id);
      if (!run) return null;
      need(context, { permission: 'actions', level: 'read' });
      return runNode(repository, run);
    },
    checkRuns: (given: Paging & RunFilter) => {
      const { checkType, checkName, status: state, statuses, conclusions } = given.filterBy ?? {};
      const all = repository.checkRuns.filter((one) => one.suite === suite.id).toReversed();
      const runs = (checkType === 'ALL' ? all : repository.latestChecks(suite.id)).filter(
        (one) =>
          (!checkName || one.name === checkName) &&
          (!state || upper(one.status) === state) &&
          (!statuses || statuses.includes(upper(one.status)!)) &&
          (!conclusions || conclusions.includes(upper(one.conclusion) ?? '')),
      );
      return connection(
        runs,
        given,
        (one) => one.id,
        (one) => checkRunNode(repository, one, context),
      );
    },
  };
}

export function checkRunNode(repository: Repository, run: CheckRun, context: Context): Node {
  return {
    __typename: 'CheckRun',
    id: `CR_${run.id}`,
    databaseId: run.id,
    name: run.name,
    status: upper(run.status),
    conclusion: upper(run.conclusion),
    startedAt: run.startedAt,
    completedAt: run.completedAt,
    url: run.url,
    detailsUrl: run.url,
    permalink: run.url,
    repository: repositoryStub(repository),
    checkSuite: () => suiteNode(repository, repository.suites.find((one) => one.id === run.suite)!, context),
    steps: (given: Paging) =>
      connection(
        run.steps.map((step, index) => ({ ...step, number: index + 1 })),
        given,
        (step) => step.number,
        (step) => ({
          name: step.name,
          number: step.number,
          conclusion: upper(step.conclusion),
          status: stepStatus(run, step.number - 1),
        }),
      ),
  };
}

/** Steps run one after the other: the first that has not ended is under way, the others are to come. */
function stepStatus({ steps }: CheckRun, index: number): string {
  if (steps[index]?.conclusion != null) return 'COMPLETED';
  return steps.findIndex(({ conclusion }) => conclusion === null) === index ? 'IN_PROGRESS' : 'QUEUED';
}

function runNode(repository: Repository, run: Run): Node {
  const page = `https://github.com/${repository.full}/actions`;
  const { id, name, path } = run.workflow;
  return {
    __typename: 'WorkflowRun',
    id: `WFR_${run.id}`,
    databaseId: run.id,
    event: run.event,
    url: `${page}/runs/${run.id}`,
    runNumber: run.id,
    createdAt: run.startedAt,
    updatedAt: run.startedAt,
    file: { __typename: 'WorkflowRunFile', id: `WRF_${run.id}`, path },
    workflow: {
      __typename: 'Workflow',
      id: `W_${id}`,
      databaseId: id,
      name,
      state: 'ACTIVE',
      url: `${page}/workflows/${path.slice(path.lastIndexOf('/') + 1)}`,
    },
  };
}

/** `Commit.status`: the newest of each context that this read sees, null where there is none. */
export function statusNode(repository: Repository, sha: string, context: Context): Node | null {
  need(context, { permission: 'statuses', level: 'read' });
  const newest = new Map(repository.readStatuses(sha).map((one) => [one.context, one]));
  if (newest.size === 0) return null;
  const contexts = [...newest.values()];
  return {
    __typename: 'Status',
    id: `SC_${sha}`,
    state: upper(combined(contexts)),
    contexts: () => contexts.map(contextNode),
    context: ({ name }: { name: string }) => {
      const status = newest.get(name);
      return status ? contextNode(status) : null;
    },
  };
}

/** The state of all contexts together, as GitHub combines it. */
export function combined(statuses: readonly CommitStatus[]): string {
  const states = statuses.map((one) => one.state);
  if (states.some((state) => state === 'failure' || state === 'error')) return 'failure';
  return states.length === 0 || states.includes('pending') ? 'pending' : 'success';
}

export function contextNode(status: CommitStatus): Node {
  return {
    __typename: 'StatusContext',
    id: `STX_${status.id}`,
    context: status.context,
    state: upper(status.state),
    description: status.description,
    targetUrl: status.targetUrl,
    createdAt: status.at,
    creator: actorNode(status.creator),
  };
}

function appNode(slug: string): Node {
  const name = slug === 'github-actions' ? 'GitHub Actions' : slug;
  return { __typename: 'App', id: `A_${slug}`, slug, name, databaseId: slug === 'github-actions' ? 15368 : 1 };
}

function upper<T extends string | null>(value: T): T {
  return (value === null ? null : value.toUpperCase()) as T;
}
