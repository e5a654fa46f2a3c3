/** The GraphQL of the ledger's branch. One query reads head and files together, so they always fit each other. */

/** Files `f0`, `f1` … at `$p0`, `$p1` … of the head of `$ref`, or of the commit `$oid`. */
export function commitFiles(count: number, oid: string): string {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const files = numbers.map((n) => `f${n}: file(path: $p${n}) { object { ... on Blob { text isTruncated } } }`);
  return commitQuery(oid, numbers.map((n) => `$p${n}: String!`).join(', '), files.join(' '));
}

/** The names in the folder `$path` of the head of `$ref`, or of the commit `$oid`. */
export function commitNames(oid: string): string {
  return commitQuery(
    oid,
    '$path: String!',
    'folder: file(path: $path) { object { ... on Tree { entries { name } } } }',
  );
}

/** Adds files as one commit, where the head is still the expected one. */
export const WRITE_COMMIT = `mutation ($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`;

function commitQuery(oid: string, parameters: string, fields: string): string {
  const [type, selection] = oid
    ? ['$oid: GitObjectID!', `object(oid: $oid) { ... on Commit { oid ${fields} } }`]
    : ['$ref: String!', `ref(qualifiedName: $ref) { target { ... on Commit { oid ${fields} } } }`];
  return `query ($owner: String!, $repo: String!, ${type}, ${parameters}) {
  repository(owner: $owner, name: $repo) { isPrivate ${selection} }
}`;
}
