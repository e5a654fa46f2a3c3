/** The REST operations that the product uses, over the stand-in's world. */

import { combined } from './graphql-checks.ts';
import type { CheckRun, CommitStatus, Run } from './records.ts';
import { codeRoutes } from './rest-code.ts';
import { deploymentRoutes } from './rest-deployments.ts';
import { fileRoutes } from './rest-files.ts';
import { issueRoutes } from './rest-issues.ts';
import { peopleRoutes } from './rest-people.ts';
import { ruleRoutes } from './rest-rules.ts';
import { workflowRoutes } from './rest-workflows.ts';
import { type Answer, type Asked, NOT_FOUND, type Routes, reads, refused, writes } from './route.ts';
import { repositoryOf, userOf } from './shapes.ts';
import type { Repository } from './world.ts';

const REPO = '/repos/{owner}/{repo}';

/** Every route that is played. */
export const ROUTES: Routes = {
  [`GET ${REPO}`]: reads('metadata', ({ repository }) => ({ status: 200, body: repositoryOf(repository) })),
  [`GET ${REPO}/commits/{ref}/check-runs`]: reads('checks', ({ repository, path, query }) => {
    const commit = repository.find(path.ref!);
    if (!commit) return refused(422, `No commit found for SHA: ${path.ref}`);
    const all = repository.checkRuns.filter((run) => run.sha === commit.sha).toReversed();
    const shown =
      query.get('filter') === 'all' ? all : all.filter((run, at) => at === all.findIndex((one) => sameCheck(one, run)));
    return { list: shown.map((run) => checkRunOf(repository, run)), key: 'check_runs' };
  }),
  [`GET ${REPO}/commits/{ref}/statuses`]: reads('statuses', ({ repository, path }) => {
    const commit = repository.find(path.ref!);
    return commit
      ? {
          list: repository
            .readStatuses(commit.sha)
            .toReversed()
            .map((one) => statusOf(one)),
        }
      : NOT_FOUND;
  }),
  [`GET ${REPO}/commits/{ref}/status`]: reads('statuses', combinedStatus),
  [`POST ${REPO}/statuses/{sha}`]: writes('statuses', createStatus),
  [`GET ${REPO}/actions/runs`]: reads('actions', ({ repository, query }) => {
    const runs = repository.runs.filter((run) => !query.get('head_sha') || run.sha === query.get('head_sha'));
    return { list: runs.toReversed().map((run) => runOf(repository, run)), key: 'workflow_runs' };
  }),
  [`GET ${REPO}/actions/runs/{run_id}`]: reads('actions', ({ repository, path }) => {
    const run = repository.runs.find((one) => String(one.id) === path.run_id);
    return run ? { status: 200, body: runOf(repository, run) } : NOT_FOUND;
  }),
  [`GET ${REPO}/actions/jobs/{job_id}`]: reads('actions', ({ repository, path }) => {
    const check = repository.checkRuns.find((one) => String(one.id) === path.job_id);
    return check ? { status: 200, body: jobOf(repository, check) } : NOT_FOUND;
  }),
  [`POST ${REPO}/git/trees`]: writes('contents', createTree),
  [`POST ${REPO}/git/commits`]: writes('contents', createCommit),
  [`POST ${REPO}/git/refs`]: writes('contents', createRef),
  ...codeRoutes(REPO),
  ...fileRoutes(REPO),
  ...issueRoutes(REPO),
  ...peopleRoutes(REPO),
  ...ruleRoutes(REPO),
  ...workflowRoutes(REPO),
  ...deploymentRoutes(REPO),
};

function sameCheck(a: CheckRun, b: CheckRun): boolean {
  return a.suite === b.suite && a.name === b.name;
}

function checkRunOf(repository: Repository, run: CheckRun) {
  return {
    id: run.id,
    head_sha: run.sha,
    name: run.name,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    html_url: run.url,
    details_url: run.url,
    url: `https://api.github.com/repos/${repository.full}/check-runs/${run.id}`,
    check_suite: { id: run.suite },
    app: { id: 1, slug: run.app, name: run.app, owner: { login: 'github' } },
  };
}

function statusOf(status: CommitStatus, isFull = true) {
  return {
    id: status.id,
    context: status.context,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    created_at: status.at,
    updated_at: status.at,
    ...(isFull ? { creator: userOf(status.creator) } : {}),
  };
}

/** The newest status of each context, and all of them folded into one state. */
function combinedStatus({ repository, path, query }: Asked): Answer {
  const commit = repository.find(path.ref!);
  if (!commit) return NOT_FOUND;
  const newest = [...new Map(repository.readStatuses(commit.sha).map((one) => [one.context, one])).values()];
  const size = Math.min(Number(query.get('per_page') ?? 30), 100);
  const page = Number(query.get('page') ?? 1);
  const body = {
    state: combined(newest),
    sha: commit.sha,
    total_count: newest.length,
    statuses: newest.slice((page - 1) * size, page * size).map((one) => statusOf(one, false)),
    repository: repositoryOf(repository),
  };
  return { status: 200, body };
}

const MOST_STATUSES = 1000;

function createStatus({ repository, path, body, asker }: Asked): Answer {
  const {
    state,
    context = 'default',
    description = null,
    target_url: targetUrl = null,
  } = body as Record<string, string>;
  if (!repository.commits.has(path.sha!)) return refused(422, `No commit found for SHA: ${path.sha}`);
  if ((description ?? '').length > 140)
    return refused(422, 'Validation Failed: description is too long (maximum is 140 characters)');
  if (/[\u{10000}-\u{10ffff}]/u.test(description ?? ''))
    return refused(422, "Validation Failed: description doesn't accept 4-byte Unicode");
  if (targetUrl && !/^https?:\/\//.test(targetUrl))
    return refused(422, 'Validation Failed: target_url must use http(s) scheme');
  const count = repository.statuses.filter((one) => one.sha === path.sha && one.context === context).length;
  if (count >= MOST_STATUSES)
    return refused(422, 'Validation Failed: This SHA and context has reached the maximum number of statuses.');
  const status = repository.status(path.sha!, context, state!, {
    description,
    targetUrl,
    creator: asker.login,
    hidden: repository.host.lag,
  });
  return { status: 201, body: statusOf(status) };
}

function runOf(repository: Repository, run: Run) {
  return {
    id: run.id,
    name: run.workflow.name,
    workflow_id: run.workflow.id,
    check_suite_id: run.suite,
    event: run.event,
    head_sha: run.sha,
    head_branch: run.branch,
    status: run.status,
    conclusion: run.conclusion,
    html_url: `https://github.com/${repository.full}/actions/runs/${run.id}`,
    created_at: run.startedAt,
    updated_at: run.startedAt,
    run_started_at: run.startedAt,
    run_attempt: run.attempt,
    actor: { login: run.actor },
    triggering_actor: { login: run.actor },
    repository: repositoryOf(repository),
    head_repository: repositoryOf(repository),
  };
}

function jobOf(repository: Repository, check: CheckRun) {
  const run = repository.runs.find((one) => one.suite === check.suite);
  return {
    id: check.id,
    run_id: run?.id ?? 0,
    name: check.name,
    status: check.status,
    conclusion: check.conclusion,
    head_sha: check.sha,
    started_at: check.startedAt,
    completed_at: check.completedAt,
    created_at: check.startedAt,
    html_url: check.url,
    steps: check.steps.map((step, index) => ({ ...step, number: index + 1, status: 'completed' })),
  };
}

const EMPTY = 'Git Repository is empty.';

function createTree({ repository, body }: Asked): Answer {
  if (repository.branches.size === 0) return refused(409, EMPTY);
  const entries = body.tree as { path: string; content: string }[];
  const sha = repository.addTree(new Map(entries.map((entry) => [entry.path, entry.content])));
  return {
    status: 201,
    body: { sha, truncated: false, tree: entries.map(({ path }) => ({ path, mode: '100644', type: 'blob', sha })) },
  };
}

function createCommit({ repository, body }: Asked): Answer {
  if (!repository.trees.has(body.tree as string)) return refused(422, 'Tree SHA does not exist');
  const sha = repository.addCommit(
    body.tree as string,
    body.parents as string[],
    body.message as string,
    'github-actions[bot]',
  );
  const at = { name: 'github-actions[bot]', email: 'bot@github.example', date: repository.now() };
  const parents = (body.parents as string[]).map((parent) => ({ sha: parent }));
  return {
    status: 201,
    body: { sha, message: body.message, tree: { sha: body.tree }, parents, author: at, committer: at },
  };
}

function createRef({ repository, body, url }: Asked): Answer {
  const { ref, sha } = body as { ref: string; sha: string };
  const branch = ref.replace('refs/heads/', '');
  if (repository.branches.has(branch)) return refused(422, 'Reference already exists');
  if (repository.ruled.has(branch))
    return refused(
      422,
      `Repository rule violations found for ${ref}. Cannot create ref due to creations being restricted.`,
    );
  if (!repository.commits.has(sha)) return refused(422, 'Object does not exist');
  repository.branches.set(branch, sha);
  const object = { type: 'commit', sha, url: `${url}/repos/${repository.full}/git/commits/${sha}` };
  return { status: 201, body: { ref, node_id: 'x', url: `${url}/repos/${repository.full}/git/${ref}`, object } };
}
