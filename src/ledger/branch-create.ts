/** The ledger's branch is made once, with a first commit of its own that has no parent. */
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';

const README = `# The ledger of Changeline

This branch records every change that was delivered: \`<environment>/state.json\` is the present of an environment,
\`<environment>/changes/<month>/<id>.json\` is one change. Changeline writes it. Do not merge it, do not delete it.
`;

/** Creates the branch. That another run has just created it is no error. Rejects with a Failure. */
export async function createBranch(github: GitHub, at: { owner: string; repo: string }, branch: string): Promise<void> {
  const { rest } = await github.client();
  try {
    const tree = await rest.git.createTree({
      ...at,
      tree: [{ path: 'README.md', mode: '100644', type: 'blob', content: README }],
    });
    const message = 'The ledger of Changeline begins';
    const commit = await rest.git.createCommit({ ...at, message, tree: tree.data.sha, parents: [] });
    await rest.git.createRef({ ...at, ref: `refs/heads/${branch}`, sha: commit.data.sha });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    if (/already exists/i.test(thrown.why ?? '')) return;
    if (thrown.facts.status === 409) throw emptyRepository(at, thrown);
    throw thrown;
  }
}

function emptyRepository({ owner, repo }: { owner: string; repo: string }, cause: Failure): Failure {
  return new Failure({
    code: 'ledger-unreachable',
    what: 'a repository without a commit cannot hold the ledger',
    where: `${owner}/${repo}`,
    why: cause.why,
    next: 'push a first commit to the default branch, then run it again',
    cause,
  });
}
