/** The issue at its source: read with all its comments, opened, answered, closed. Thin. */
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Since } from './body.ts';
import type { Said } from './count.ts';

/** An issue with all its comments, as GitHub tells them now. */
export interface Thread {
  url: string;
  body: string;
  /** ISO 8601. */
  created: string;
  edited: boolean;
  /** True where the identity of this very token wrote it. */
  own: boolean;
  state: 'OPEN' | 'CLOSED';
  /** COMPLETED, NOT_PLANNED, REOPENED …; null where GitHub gives none. */
  reason: string | null;
  /** The oldest first. */
  comments: Said[];
}

const THREAD = `query ($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) {
    issue(number: $number) {
      url body createdAt lastEditedAt includesCreatedEdit viewerDidAuthor state stateReason
      comments(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { url body createdAt lastEditedAt includesCreatedEdit isMinimized author { __typename login } }
      }
    }
  }
}`;

interface Edits {
  url: string;
  body: string;
  createdAt: string;
  lastEditedAt: string | null;
  includesCreatedEdit: boolean;
}

interface IssueNode extends Edits {
  viewerDidAuthor: boolean;
  state: Thread['state'];
  stateReason: string | null;
  comments: { pageInfo: { hasNextPage: boolean; endCursor: string | null }; nodes: CommentNode[] };
}

interface CommentNode extends Edits {
  isMinimized: boolean;
  author: { __typename: string; login: string } | null;
}

/** Reads an issue and every page of its comments; null where it is gone. Rejects as `GitHub.client` does. */
export async function readThread(github: GitHub, number: number): Promise<Thread | null> {
  const comments: Said[] = [];
  let after: string | null = null;
  for (;;) {
    const issue: IssueNode | null = await readPage(github, number, after);
    if (issue === null) return null;
    comments.push(...issue.comments.nodes.map(saidOf));
    const { hasNextPage, endCursor } = issue.comments.pageInfo;
    // What the last page says of the issue counts: an edit in between must not be missed.
    if (!hasNextPage) return { ...threadOf(issue), comments };
    after = endCursor;
  }
}

async function readPage(github: GitHub, number: number, after: string | null): Promise<IssueNode | null> {
  try {
    const answer = await github.graphql<{ repository: { issue: IssueNode | null } }>(
      THREAD,
      { ...github.at, number, after },
      'issues: read',
    );
    return answer.repository.issue;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'github-not-found') return null;
    throw thrown;
  }
}

function threadOf(issue: IssueNode): Omit<Thread, 'comments'> {
  return {
    url: issue.url,
    body: issue.body,
    created: issue.createdAt,
    edited: isEdited(issue),
    own: issue.viewerDidAuthor,
    state: issue.state,
    reason: issue.stateReason,
  };
}

function saidOf(node: CommentNode): Said {
  return {
    author: node.author && { login: node.author.login, kind: node.author.__typename },
    body: node.body,
    url: node.url,
    at: node.createdAt,
    edited: isEdited(node),
    minimized: node.isMinimized,
  };
}

function isEdited({ lastEditedAt, includesCreatedEdit }: Edits): boolean {
  return lastEditedAt !== null || includesCreatedEdit;
}

/** Opens an issue. Needs issues: write. */
export async function openIssue(github: GitHub, title: string, body: string): Promise<{ number: number; url: string }> {
  const { rest } = await github.client();
  const { data } = await rest.issues.create({ ...github.at, title, body });
  return { number: data.number, url: data.html_url };
}

/** Writes a comment. */
export async function comment(github: GitHub, number: number, body: string): Promise<void> {
  const { rest } = await github.client();
  await rest.issues.createComment({ ...github.at, issue_number: number, body });
}

/** Says why in a comment, and closes the issue: as done, or as not to be done. */
export async function closeIssue(
  github: GitHub,
  number: number,
  body: string | null,
  how: 'completed' | 'not_planned',
): Promise<void> {
  const { rest } = await github.client();
  if (body !== null) await comment(github, number, body);
  await rest.issues.update({ ...github.at, issue_number: number, state: 'closed', state_reason: how });
}

/** Starts a workflow as a person would press the button. Needs actions: write. */
export async function startWorkflow(
  github: GitHub,
  { file, ref, inputs }: { file: string; ref: string; inputs: Record<string, string> },
): Promise<void> {
  const { rest } = await github.client();
  await rest.actions.createWorkflowDispatch({ ...github.at, workflow_id: file, ref, inputs });
}

/** The commits since what is live. `total` counts also those that GitHub did not list (more than 250). */
export interface Commits {
  /** The oldest first. */
  list: Since[];
  total: number;
  /** The page that shows them. */
  url: string;
}

/** The commit behind a tag; null where there is no such tag. */
export async function commitOfTag(github: GitHub, tag: string): Promise<string | null> {
  const { rest } = await github.client();
  try {
    return (await rest.repos.getCommit({ ...github.at, ref: `tags/${tag}` })).data.sha;
  } catch (thrown) {
    if (isUnknown(thrown)) return null;
    throw thrown;
  }
}

/** GitHub answers 404 or 422 for a commit that it does not know. */
function isUnknown(thrown: unknown): boolean {
  return thrown instanceof Failure && ['github-not-found', 'github-refused'].includes(thrown.code);
}

interface Listed {
  sha: string;
  author: { login?: string } | null;
  commit: { message: string };
}

/**
 * The commits from `base` to `head`, at most the newest 250; only `head` where nothing was live before. Null where
 * GitHub cannot tell: a commit is gone, or both have nothing in common.
 */
export async function commitsSince(github: GitHub, base: string | null, head: string): Promise<Commits | null> {
  const { rest } = await github.client();
  const page = `${github.runner?.serverUrl ?? 'https://github.com'}/${github.repository}`;
  try {
    if (base === null) {
      const { data } = await rest.repos.getCommit({ ...github.at, ref: head });
      return { list: [sinceOf(data as Listed)], total: 1, url: `${page}/commits/${head}` };
    }
    const { data } = await rest.repos.compareCommitsWithBasehead({ ...github.at, basehead: `${base}...${head}` });
    const list = (data.commits as Listed[]).map(sinceOf);
    return { list, total: data.total_commits, url: `${page}/compare/${base}...${head}` };
  } catch (thrown) {
    if (isUnknown(thrown)) return null;
    throw thrown;
  }
}

function sinceOf({ sha, author, commit }: Listed): Since {
  return { sha, author: author?.login ?? null, message: commit.message };
}
