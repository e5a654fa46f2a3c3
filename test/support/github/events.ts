/** Events in the form in which GitHub sends them, as far as code could read them. */
import type { GitHubEvent } from './host.ts';
import type { Run } from './records.ts';
import type { Comment, Entry, Issue, Pull } from './records-talk.ts';
import { commentOf, issueOf, pullAsIssue, pullOf, repositoryOf, userOf } from './shapes.ts';
import type { Talk } from './world-talk.ts';

type More = Record<string, unknown>;

function event(repository: Talk, name: string, actor: string | null, payload: More): GitHubEvent {
  const who = actor ?? 'ghost';
  const full = { ...payload, repository: repositoryOf(repository), sender: userOf(who) };
  return { name, repository: repository.full, actor: who, payload: full };
}

/** `by` is who did it, which is not always who wrote the comment. */
export function commentEvent(repository: Talk, comment: Comment, action: string, by: string | null, more: More = {}) {
  const issue = repository.issues.find((one) => one.number === comment.issue);
  const pull = repository.pulls.find((one) => one.number === comment.issue);
  const on = issue ? issueOf(repository, issue) : pull ? pullAsIssue(repository, pull) : { number: comment.issue };
  return event(repository, 'issue_comment', by, {
    action,
    issue: on,
    comment: commentOf(repository, comment),
    ...more,
  });
}

export function pullEvent(repository: Talk, pull: Pull, action: string, by: string | null, more: More = {}) {
  const shown = pullOf(repository, pull);
  return event(repository, 'pull_request', by, { action, number: pull.number, pull_request: shown, ...more });
}

export function groupEvent(repository: Talk, entry: Entry, action: string) {
  const group = {
    head_sha: entry.head,
    head_ref: `refs/heads/${entry.branch}`,
    base_sha: entry.baseSha,
    base_ref: `refs/heads/${entry.base}`,
    head_commit: { id: entry.head, message: repository.commits.get(entry.head)?.message ?? '' },
  };
  return event(repository, 'merge_group', 'octocat', { action, merge_group: group });
}

/** A run of a workflow was requested or has ended. */
export function runEvent(repository: Talk, run: Run, action: string) {
  const { id, workflow, branch, sha, status, conclusion } = run;
  const shown = { id, name: workflow.name, event: run.event, head_branch: branch, head_sha: sha, status, conclusion };
  return event(repository, 'workflow_run', run.actor, { action, workflow_run: shown, workflow });
}

/** A dispatch through the API; inputs are strings, as GitHub hands them on. */
export function dispatchEvent(repository: Talk, path: string, ref: string, inputs: More, by: string) {
  return event(repository, 'workflow_dispatch', by, { inputs, ref, workflow: path });
}

export function repositoryDispatchEvent(repository: Talk, type: string, given: object, by: string) {
  const branch = repository.defaultBranch;
  return event(repository, 'repository_dispatch', by, { action: type, branch, client_payload: given });
}

export function issueEvent(repository: Talk, issue: Issue, action: string, by: string | null, more: More = {}) {
  return event(repository, 'issues', by, { action, issue: issueOf(repository, issue), ...more });
}
