/** The mutations that the product uses. */
import { commitNode } from './graphql-commits.ts';
import { type Context, found, need, typed } from './graphql-context.ts';

interface CommitInput {
  branch: { repositoryNameWithOwner: string; branchName: string };
  expectedHeadOid: string;
  message: { headline: string };
  fileChanges?: { additions?: { path: string; contents: string }[]; deletions?: { path: string }[] };
}

/** `createCommitOnBranch`: compare and swap. */
export function createCommitOnBranch({ input }: { input: CommitInput }, context: Context) {
  const { repositoryNameWithOwner, branchName } = input.branch;
  const repository = found(context, repositoryNameWithOwner);
  need(context, { permission: 'contents', level: 'write' });
  const head = repository.branches.get(branchName);
  if (!head) throw typed('NOT_FOUND', `No branch "${branchName}" found.`);
  if (repository.ruled.has(branchName)) throw typed('UNPROCESSABLE', 'Repository rule violations found');
  if (head !== input.expectedHeadOid) {
    throw typed(
      'STALE_DATA',
      `Expected branch to point to "${input.expectedHeadOid}" but it points to "${head}". Pull and try again.`,
    );
  }
  const files = new Map(repository.filesAt(head));
  for (const { path, contents } of input.fileChanges?.additions ?? [])
    files.set(path, Buffer.from(contents, 'base64').toString());
  for (const { path } of input.fileChanges?.deletions ?? []) files.delete(path);
  const sha = repository.addCommit(repository.addTree(files), [head], input.message.headline, context.login);
  repository.branches.set(branchName, sha);
  return { commit: commitNode(repository, repository.find(sha)!, context) };
}
