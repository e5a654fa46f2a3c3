/** Whose word counts: asked at GitHub at the moment it is needed, never remembered. */
import { Failure } from '../outcome/outcome.ts';
import type { GitHub } from './client.ts';

/** Whether somebody's word counts, and why or why not: "is named", "has the role maintain", "has only write". */
export interface Standing {
  counts: boolean;
  because: string;
}

/** The roles of a repository, the lesser first. */
const ROLES = ['read', 'triage', 'write', 'maintain', 'admin'];

/** What GitHub says about an account in the repository; null where it knows no such account. */
interface Account {
  /** User, Bot, Organization, Mannequin … */
  type: string;
  /** The role now: one of `ROLES`, none, or the name of an organisation's own role. */
  role: string;
  /** The role of `ROLES` that stands behind it, as far as GitHub says it. */
  base: string;
}

/**
 * Whether the word of `login` counts now. `from` holds logins, `role:<name>` (that role or a higher one; an
 * organisation's own role by its exact name, else by the role it is based on) and `team:<organisation>/<short name>`.
 * The account of an app never counts. Rejects with `config-invalid` where a team cannot be read, and as `client` does.
 */
export async function standing(github: GitHub, login: string, from: readonly string[]): Promise<Standing> {
  const account = isApp(login) ? null : await accountOf(github, login);
  if (isApp(login) || account?.type === 'Bot') return { counts: false, because: 'is an app, not a person' };
  if (account === null) return { counts: false, because: 'is no account that GitHub shows' };
  if (account.type !== 'User') return { counts: false, because: 'is not the account of a person' };
  if (from.some((entry) => !entry.includes(':') && sameName(entry, login)))
    return { counts: true, because: 'is named' };
  const roles = from.filter((entry) => entry.startsWith('role:')).map((entry) => entry.slice('role:'.length));
  if (roles.some((role) => hasRole(account, role))) return { counts: true, because: `has the role ${account.role}` };
  const teams = from.filter((entry) => entry.startsWith('team:'));
  for (const team of teams) {
    if (await isInTeam(github, login, team)) return { counts: true, because: `is in ${team.slice('team:'.length)}` };
  }
  return { counts: false, because: whyNot(account, { roles, teams }) };
}

/** Rejects with `config-invalid` where the token cannot read a team that `from` names. One read a team. */
export async function checkTeams(github: GitHub, from: readonly string[]): Promise<void> {
  for (const team of from.filter((entry) => entry.startsWith('team:'))) await checkTeam(github, team);
}

/** True where the account has the role that is wanted, or a higher one. Pure. */
export function hasRole({ role, base }: Pick<Account, 'role' | 'base'>, wanted: string): boolean {
  if (sameName(role, wanted)) return true;
  const needed = ROLES.indexOf(wanted.toLowerCase());
  const known = ROLES.includes(role) ? role : base;
  return needed >= 0 && ROLES.indexOf(known) >= needed;
}

function whyNot({ role }: Account, { roles, teams }: { roles: string[]; teams: string[] }): string {
  if (roles.length > 0) return role === 'none' ? 'has no role in the repository' : `has only ${role}`;
  return teams.length > 0 ? 'is neither named nor in a team that is' : 'is not named';
}

async function accountOf(github: GitHub, login: string): Promise<Account | null> {
  const { rest } = await github.client();
  try {
    const { data } = await rest.repos.getCollaboratorPermissionLevel({ ...github.at, username: login });
    // Who answers to another login has been renamed meanwhile: it is not the account that was asked for.
    if (!data.user || !sameName(data.user.login, login)) return null;
    return { type: data.user.type, role: data.role_name || data.permission, base: data.permission };
  } catch (thrown) {
    if (statusOf(thrown) === 404) return null;
    throw thrown;
  }
}

async function isInTeam(github: GitHub, login: string, team: string): Promise<boolean> {
  const { rest } = await github.client();
  try {
    const { data } = await rest.teams.getMembershipForUserInOrg({ ...teamAt(team), username: login });
    return data.state === 'active';
  } catch (thrown) {
    // 404 says "no member" and "not shown to this token" alike: only a team that can be read has no such member.
    if (statusOf(thrown) === 404) await checkTeam(github, team);
    else if (statusOf(thrown) === 403) throw unreadable(team, thrown);
    else throw thrown;
    return false;
  }
}

async function checkTeam(github: GitHub, team: string): Promise<void> {
  const { rest } = await github.client();
  try {
    await rest.teams.getByName(teamAt(team));
  } catch (thrown) {
    throw [403, 404].includes(statusOf(thrown)) ? unreadable(team, thrown) : thrown;
  }
}

function teamAt(team: string): { org: string; team_slug: string } {
  const [org = '', slug = ''] = team.slice('team:'.length).split('/');
  return { org, team_slug: slug };
}

function unreadable(team: string, thrown: unknown): Failure {
  return new Failure({
    code: 'config-invalid',
    what: `the token cannot read ${team}`,
    why: "a team needs a token of a GitHub App with members: read; the job's own token can never read one",
    untouched: 'nothing was changed',
    next: 'give the input token such a token, correct the team, or name logins or role:maintain instead',
    cause: thrown,
  });
}

function statusOf(thrown: unknown): number {
  const status = thrown instanceof Failure ? thrown.facts.status : null;
  const limited = thrown instanceof Failure && thrown.code === 'github-unreachable';
  return typeof status === 'number' && !limited ? status : 0;
}

function isApp(login: string): boolean {
  return /\[bot\]$/i.test(login);
}

/** True for two spellings of one login or label: GitHub tells no capitals apart. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
