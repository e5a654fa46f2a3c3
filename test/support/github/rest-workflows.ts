/** Workflows and how they are started through the API. */
import { dispatchEvent, repositoryDispatchEvent } from './events.ts';
import { type Answer, type Asked, NOT_FOUND, type Routes, reads, refused, writes } from './route.ts';
import { apiUrl } from './shapes.ts';
import { inputsOf, type WorkflowFile, workflowsAt } from './workflows.ts';
import type { Repository } from './world.ts';

/** The routes of workflows below a repository. */
export function workflowRoutes(repo: string): Routes {
  return {
    [`GET ${repo}/actions/workflows`]: reads('actions', ({ repository }) => ({
      list: workflows(repository).map((one) => workflowOf(repository, one)),
      key: 'workflows',
    })),
    [`GET ${repo}/actions/workflows/{workflow_id}`]: reads('actions', (asked) => {
      const found = workflowNamed(asked);
      return found ? { status: 200, body: workflowOf(asked.repository, found) } : NOT_FOUND;
    }),
    [`POST ${repo}/actions/workflows/{workflow_id}/dispatches`]: writes('actions', dispatch),
    [`POST ${repo}/dispatches`]: writes('contents', ({ repository, body, asker }) => {
      const { event_type: type, client_payload: payload = {} } = body as {
        event_type: string;
        client_payload?: object;
      };
      repository.host.emit(repositoryDispatchEvent(repository, type, payload, asker.login));
      return { status: 204, body: undefined };
    }),
  };
}

function workflows(repository: Repository): WorkflowFile[] {
  return workflowsAt(repository, repository.find('HEAD')?.sha ?? '');
}

/** By its number or by the name of its file. */
function workflowNamed({ repository, path }: Asked): WorkflowFile | undefined {
  const name = path.workflow_id;
  return workflows(repository).find((one) => String(one.id) === name || one.path === `.github/workflows/${name}`);
}

function dispatch(asked: Asked): Answer {
  const { repository, body, asker } = asked;
  const found = workflowNamed(asked);
  if (!found) return NOT_FOUND;
  const ref = (body.ref as string).replace(/^refs\/(heads|tags)\//, '');
  const commit = repository.branches.get(ref);
  if (!commit) return refused(422, `No ref found for: ${body.ref}`);
  // The file is looked for on the default branch; what runs is the one on the ref.
  const runs = workflowsAt(repository, commit).find((one) => one.path === found.path);
  if (!runs) return refused(422, `Workflow does not exist or does not have a workflow_dispatch trigger in this branch`);
  const inputs = inputsOf(runs, (body.inputs ?? {}) as Record<string, unknown>);
  if (typeof inputs === 'string') return refused(422, inputs);
  repository.host.emit(dispatchEvent(repository, found.path, `refs/heads/${ref}`, inputs, asker.login));
  return { status: 204, body: undefined };
}

function workflowOf(repository: Repository, { id, name, path }: WorkflowFile) {
  const at = repository.find('HEAD')?.date ?? repository.now();
  const file = path.slice(path.lastIndexOf('/') + 1);
  return {
    id,
    name,
    path,
    state: 'active',
    created_at: at,
    updated_at: at,
    url: apiUrl(repository, `actions/workflows/${id}`),
    html_url: `https://github.com/${repository.full}/blob/${repository.defaultBranch}/${path}`,
    badge_url: `https://github.com/${repository.full}/actions/workflows/${file}/badge.svg`,
  };
}
