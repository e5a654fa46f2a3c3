/** REST's form of what several routes and the events show. */
import type { Comment, Issue, Pull } from './records-talk.ts';
import { hash } from './world-code.ts';
import type { Talk } from './world-talk.ts';

type Shown = Record<string, unknown>;

/** A user or, where the login says so, a bot. `null` is a user who is gone. */
export function userOf(login: string | null): Shown | null {
  if (login === null) return null;
  return {
    login,
    id: Number.parseInt(hash(['user', login]).slice(0, 6), 16),
    type: login.endsWith('[bot]') ? 'Bot' : 'User',
    html_url: `https://github.com/${encodeURIComponent(login)}`,
    site_admin: false,
  };
}

export function repositoryOf(repository: Talk): Shown {
  return {
    id: repository.id,
    name: repository.name,
    full_name: repository.full,
    default_branch: repository.defaultBranch,
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    owner: { login: repository.owner },
    html_url: `https://github.com/${repository.full}`,
  };
}

export function issueOf(repository: Talk, issue: Issue): Shown {
  return {
    id: issue.id,
    node_id: `I_${issue.id}`,
    number: issue.number,
    title: issue.title,
    body: issue.body,
    user: userOf(issue.by),
    labels: issue.labels.map((name) => ({ name })),
    state: issue.state,
    locked: false,
    comments: repository.commentsOn(issue.number).length,
    created_at: issue.at,
    updated_at: issue.updated,
    closed_at: issue.state === 'closed' ? issue.updated : null,
    author_association: associationOf(repository, issue.by),
    html_url: `https://github.com/${repository.full}/issues/${issue.number}`,
  };
}

/** A pull request as the API of issues shows it. */
export function pullAsIssue(repository: Talk, pull: Pull): Shown {
  const url = `https://github.com/${repository.full}/pull/${pull.number}`;
  const at = { created_at: pull.at, updated_at: pull.updated };
  const issue: Issue = { ...pull, by: pull.author, edited: null, reason: null };
  return {
    ...issueOf(repository, issue),
    ...at,
    node_id: `PR_${pull.id}`,
    html_url: url,
    pull_request: { url: apiUrl(repository, `pulls/${pull.number}`), html_url: url, diff_url: null, patch_url: null },
  };
}

export function commentOf(repository: Talk, comment: Comment): Shown {
  const isPull = repository.pulls.some((one) => one.number === comment.issue);
  const page = `https://github.com/${repository.full}/${isPull ? 'pull' : 'issues'}/${comment.issue}`;
  return {
    id: comment.id,
    node_id: `IC_${comment.id}`,
    body: comment.body,
    user: userOf(comment.by),
    created_at: comment.at,
    updated_at: comment.updated,
    author_association: associationOf(repository, comment.by),
    html_url: `${page}#issuecomment-${comment.id}`,
    issue_url: apiUrl(repository, `issues/${comment.issue}`),
    url: apiUrl(repository, `issues/comments/${comment.id}`),
  };
}

/** A pull request as events show it. */
export function pullOf(repository: Talk, pull: Pull): Shown {
  return {
    id: pull.id,
    node_id: `PR_${pull.id}`,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    state: pull.state,
    draft: pull.draft,
    merged: pull.merged,
    merged_by: userOf(pull.mergedBy),
    user: userOf(pull.author),
    labels: pull.labels.map((name) => ({ name })),
    head: sideOf(repository, pull.headRef, pull.head, pull.fork ? pull.author : null),
    base: sideOf(repository, pull.base, repository.find(pull.base)?.sha ?? '', null),
    created_at: pull.at,
    updated_at: pull.updated,
    changed_files: pull.files.length,
    html_url: `https://github.com/${repository.full}/pull/${pull.number}`,
  };
}

function sideOf(repository: Talk, ref: string, sha: string, fork: string | null): Shown {
  const own = repositoryOf(repository);
  const owner = fork ?? repository.owner;
  const repo = fork ? { ...own, id: repository.id + 1, full_name: `${fork}/${repository.name}`, fork: true } : own;
  return { label: `${owner}:${ref}`, ref, sha, user: userOf(owner), repo };
}

export function apiUrl(repository: Talk, path: string): string {
  return `https://api.github.com/repos/${repository.full}/${path}`;
}

/** What GitHub calls somebody's relation to a repository. It is no permission. */
export function associationOf(repository: Talk, login: string | null): string {
  if (login === repository.owner) return 'OWNER';
  return repository.mayPush(login) ? 'COLLABORATOR' : 'NONE';
}
