/** Who may do what in a repository. */
import { type Answer, type Asked, type Routes, reads, refused } from './route.ts';
import { userOf } from './shapes.ts';

/** The routes of people below a repository. */
export function peopleRoutes(repo: string): Routes {
  return { [`GET ${repo}/collaborators/{username}/permission`]: reads('metadata', permissionOf) };
}

/** GitHub folds the roles maintain and triage into write and read, and names the role beside. */
function permissionOf({ repository, path }: Asked): Answer {
  const account = repository.account(path.username!);
  if (account.gone) return refused(404, `${path.username} is not a user`);
  const { role, roleName } = account;
  const permission = { maintain: 'write', triage: 'read' }[role as string] ?? role;
  const user = { ...userOf(account.login), type: account.type, role_name: roleName };
  return { status: 200, body: { permission, role_name: roleName, user } };
}
