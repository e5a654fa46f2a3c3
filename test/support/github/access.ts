/** Tokens and what they may do. */

export type Level = 'none' | 'read' | 'write';

/** The permissions of a token in the words of a workflow file: `{ contents: 'read', statuses: 'write' }`. */
export type Permissions = Record<string, Level>;

/** What an operation needs. */
export interface Needs {
  permission: string;
  level: Exclude<Level, 'none'>;
}

/** Whose token it is: that of a job, of an installed app, or of a person. */
export type Kind = 'job' | 'app' | 'user';

/** Who asks. */
export interface Asker {
  /** As REST names it: a bot ends in [bot]. */
  login: string;
  kind: Kind;
  permissions: Permissions;
}

/** What no job can be given. */
export const NEVER_A_JOB = ['administration', 'members', 'workflows'];

const RANK = { none: 0, read: 1, write: 2 };

/** True where the permissions suffice. `metadata: read` is always there. */
export function allows(permissions: Permissions, { permission, level }: Needs): boolean {
  if (permission === 'metadata' && level === 'read') return true;
  return RANK[permissions[permission] ?? 'none'] >= RANK[level];
}

/** GitHub's header for a refusal: `statuses=write`; any of several is enough. */
export function acceptedHeader(...needs: readonly Needs[]): string {
  return needs.map(({ permission, level }) => `${permission.replaceAll('-', '_')}=${level}`).join('; ');
}

const ALL = ['actions', 'checks', 'contents', 'deployments', 'issues', 'packages', 'pull-requests', 'statuses'];

/** `permissions:` of a workflow file. What is not named is none; without the key GitHub's restricted default holds. */
export function permissionsFrom(declared: unknown): Permissions {
  if (declared === undefined || declared === null) return { contents: 'read', packages: 'read' };
  if (declared === 'read-all' || declared === 'write-all') {
    return Object.fromEntries(ALL.map((name) => [name, declared === 'read-all' ? 'read' : 'write']));
  }
  return { ...(declared as Permissions) };
}
