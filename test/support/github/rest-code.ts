/** Commits, comparisons and files. */
import type { Commit } from './records.ts';
import { type Answer, type Asked, NOT_FOUND, type Routes, reads, refused } from './route.ts';
import { apiUrl, pullOf, userOf } from './shapes.ts';
import type { Repository } from './world.ts';
import { hash } from './world-code.ts';

/** The routes of code below a repository. */
export function codeRoutes(repo: string): Routes {
  return {
    [`GET ${repo}/commits/{ref}`]: reads('contents', ({ repository, path }) => {
      const commit = repository.find(path.ref!);
      if (!commit) return refused(422, `No commit found for SHA: ${path.ref}`);
      const before = commit.parents[0] ?? '';
      return { status: 200, body: { ...commitOf(repository, commit), files: filesOf(repository, before, commit.sha) } };
    }),
    [`GET ${repo}/commits/{commit_sha}/pulls`]: reads('pull-requests', ({ repository, path }) => ({
      list: repository.pulls
        .filter((one) => one.head === path.commit_sha)
        .map((one) => ({
          ...pullOf(repository, one),
          merged: undefined,
          merged_by: undefined,
          changed_files: undefined,
        }))
        .map((shown) => JSON.parse(JSON.stringify(shown)) as object),
    })),
    [`GET ${repo}/compare/{basehead}`]: reads('contents', compare),
    [`GET ${repo}/contents/{path}`]: reads('contents', contents),
  };
}

function commitOf(repository: Repository, commit: Commit) {
  const at = { name: commit.author, email: `${commit.author}@users.noreply.github.com`, date: commit.date };
  return {
    sha: commit.sha,
    html_url: `https://github.com/${repository.full}/commit/${commit.sha}`,
    url: apiUrl(repository, `commits/${commit.sha}`),
    author: userOf(commit.author),
    committer: userOf(commit.author),
    parents: commit.parents.map((sha) => ({ sha, url: apiUrl(repository, `commits/${sha}`) })),
    commit: {
      message: commit.message,
      author: at,
      committer: at,
      tree: { sha: commit.tree, url: apiUrl(repository, `git/trees/${commit.tree}`) },
    },
  };
}

const MOST_FILES = 300;
/** Without pages GitHub gives the first 250 commits. */
const MOST_COMMITS = 250;

/** `base...head`: what the head has that the newest common ancestor has not. */
function compare({ repository, path, query }: Asked): Answer {
  const [base = '', head = ''] = path.basehead!.split('...').map((name) => repository.find(name)?.sha);
  if (!base || !head) return NOT_FOUND;
  const ofBase = repository.reachable(base);
  const ofHead = repository.reachable(head);
  const common = [...ofHead.keys()].find((sha) => ofBase.has(sha));
  if (!common) return refused(404, `No common ancestor between ${path.basehead!.replace('...', ' and ')}.`);
  const ahead = [...ofHead.values()].filter(({ sha }) => !ofBase.has(sha)).reverse();
  const behind = [...ofBase.keys()].filter((sha) => !ofHead.has(sha)).length;
  const size =
    query.has('per_page') || query.has('page') ? Math.min(Number(query.get('per_page') ?? 30), 100) : MOST_COMMITS;
  const page = Number(query.get('page') ?? 1);
  const status = ahead.length === 0 ? (behind === 0 ? 'identical' : 'behind') : behind === 0 ? 'ahead' : 'diverged';
  const url = `https://github.com/${repository.full}/compare/${path.basehead}`;
  return {
    status: 200,
    body: {
      status,
      ahead_by: ahead.length,
      behind_by: behind,
      total_commits: ahead.length,
      html_url: url,
      permalink_url: url,
      diff_url: `${url}.diff`,
      patch_url: `${url}.patch`,
      url: apiUrl(repository, `compare/${path.basehead}`),
      base_commit: commitOf(repository, repository.find(base)!),
      merge_base_commit: commitOf(repository, repository.find(common)!),
      commits: ahead.slice((page - 1) * size, page * size).map((one) => commitOf(repository, one)),
      files: page === 1 ? filesOf(repository, common, head) : [],
    },
  };
}

function filesOf(repository: Repository, from: string, to: string) {
  const before = repository.filesAt(from);
  const after = repository.filesAt(to);
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .filter((p) => before.get(p) !== after.get(p))
    .sort();
  return changed.slice(0, MOST_FILES).map((filename) => {
    const [old, now] = [before.get(filename), after.get(filename)];
    const [additions, deletions] = [linesIn(now), linesIn(old)];
    return {
      filename,
      status: old === undefined ? 'added' : now === undefined ? 'removed' : 'modified',
      additions,
      deletions,
      changes: additions + deletions,
      sha: hash(['blob', now ?? old ?? '']),
      contents_url: apiUrl(repository, `contents/${filename}?ref=${to}`),
      blob_url: `https://github.com/${repository.full}/blob/${to}/${filename}`,
      raw_url: `https://github.com/${repository.full}/raw/${to}/${filename}`,
    };
  });
}

function linesIn(text: string | undefined): number {
  return text ? text.split('\n').length : 0;
}

/** A file, or what lies in a folder. */
function contents({ repository, path, query, accept }: Asked): Answer {
  const commit = repository.find(query.get('ref') ?? 'HEAD');
  if (!commit) return refused(404, `No commit found for the ref ${query.get('ref') ?? repository.defaultBranch}`);
  const files = repository.filesAt(commit.sha);
  const name = path.path!.replace(/\/+$/, '');
  const text = files.get(name);
  if (text !== undefined) {
    if (/\braw\b/.test(accept)) return { raw: Buffer.from(text) };
    const content = Buffer.from(text).toString('base64');
    return { status: 200, body: { ...entryOf(repository, name, 'file', text), encoding: 'base64', content } };
  }
  const below = [...files].filter(([file]) => name === '' || file.startsWith(`${name}/`));
  if (below.length === 0) return NOT_FOUND;
  const found = new Map<string, object>();
  for (const [file, held] of below) {
    const rest = name === '' ? file : file.slice(name.length + 1);
    const [first = ''] = rest.split('/');
    const own = name === '' ? first : `${name}/${first}`;
    if (!found.has(own))
      found.set(own, entryOf(repository, own, rest === first ? 'file' : 'dir', rest === first ? held : ''));
  }
  return { status: 200, body: [...found.values()] };
}

function entryOf(repository: Repository, path: string, type: 'file' | 'dir', text: string) {
  const url = apiUrl(repository, `contents/${path}`);
  const page = `https://github.com/${repository.full}/blob/${repository.defaultBranch}/${path}`;
  return {
    type,
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    size: Buffer.byteLength(text),
    sha: hash(['blob', text]),
    url,
    git_url: apiUrl(repository, `git/blobs/${hash(['blob', text])}`),
    html_url: page,
    download_url: type === 'file' ? page.replace('/blob/', '/raw/') : null,
    _links: { self: url, git: url, html: page },
  };
}
