import { describe, expect, it } from 'vitest';
import { checkTeams, type GitHub, standing } from '../../../src/github/github.ts';
import { hasRole } from '../../../src/github/people.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

interface World {
  /** What GitHub says of each account: [type, role_name, permission]. */
  accounts?: Record<string, [type: string, role: string, base: string]>;
  /** Members by team; a team that is not here cannot be read. */
  teams?: Record<string, Record<string, 'active' | 'pending'>> | undefined;
  /** The status with which a team that cannot be read is refused. */
  refusal?: number;
}

function refused(status: number): Failure {
  const code = status === 403 ? 'github-denied' : 'github-not-found';
  return new Failure({ code, what: 'refused', next: 'see', facts: { status } });
}

function github({ accounts = {}, teams = {}, refusal = 404 }: World): { github: GitHub; asked: string[] } {
  const asked: string[] = [];
  const rest = {
    repos: {
      getCollaboratorPermissionLevel: async ({ username }: { username: string }) => {
        asked.push(username);
        const found = Object.entries(accounts).find(([login]) => login.toLowerCase() === username.toLowerCase());
        if (!found) throw refused(404);
        const [login, [type, role, base]] = found;
        return { data: { role_name: role, permission: base, user: { login, type } } };
      },
    },
    teams: {
      getMembershipForUserInOrg: async (given: { org: string; team_slug: string; username: string }) => {
        const team = teams[`${given.org}/${given.team_slug}`];
        const state = team?.[given.username];
        if (!team) throw refused(refusal);
        if (!state) throw refused(404);
        return { data: { state } };
      },
      getByName: async ({ org, team_slug: slug }: { org: string; team_slug: string }) => {
        if (!teams[`${org}/${slug}`]) throw refused(refusal);
        return { data: {} };
      },
    },
  };
  return {
    github: { at: { owner: 'acme', repo: 'shop' }, client: async () => ({ rest }) } as unknown as GitHub,
    asked,
  };
}

const accounts: World['accounts'] = {
  Ada: ['User', 'maintain', 'write'],
  bob: ['User', 'write', 'write'],
  eve: ['User', 'none', 'none'],
  sec: ['User', 'security-lead', 'write'],
  app: ['Bot', 'admin', 'admin'],
  corp: ['Organization', 'admin', 'admin'],
};

describe('whose word counts', () => {
  it.each([
    ['ada', ['role:maintain'], true, 'has the role maintain'],
    ['ada', ['role:write'], true, 'has the role maintain'],
    ['ada', ['role:admin'], false, 'has only maintain'],
    ['bob', ['role:maintain'], false, 'has only write'],
    ['bob', ['BOB'], true, 'is named'],
    ['bob', ['bobby', 'bo'], false, 'is not named'],
    ['eve', ['role:read'], false, 'has no role in the repository'],
    ['eve', ['eve'], true, 'is named'],
    ['sec', ['role:security-lead'], true, 'has the role security-lead'],
    ['sec', ['role:triage'], true, 'has the role security-lead'],
    ['sec', ['role:maintain'], false, 'has only security-lead'],
    ['ada', ['role:security-lead'], false, 'has only maintain'],
    ['app', ['app', 'role:read'], false, 'is an app, not a person'],
    ['corp', ['corp', 'role:read'], false, 'is not the account of a person'],
    ['ghost', ['ghost', 'role:read'], false, 'is no account that GitHub shows'],
  ])('%s under %j: %s, %s', async (login, from, counts, because) => {
    expect(await standing(github({ accounts }).github, login, from)).toEqual({ counts, because });
  });

  it.each(['github-actions[bot]', 'Dependabot[BOT]'])('%s never counts, and is not asked about', async (login) => {
    const { github: hub, asked } = github({ accounts });
    expect(await standing(hub, login, [login, 'role:read'])).toMatchObject({ counts: false });
    expect(asked).toEqual([]);
  });

  it.each([
    [{ 'acme/ops': { bob: 'active' } }, true, 'is in acme/ops'],
    [{ 'acme/ops': { bob: 'pending' } }, false, 'is neither named nor in a team that is'],
    [{ 'acme/ops': {} }, false, 'is neither named nor in a team that is'],
  ] as [World['teams'], boolean, string][])('a team %j: %s', async (teams, counts, because) => {
    expect(await standing(github({ accounts, teams }).github, 'bob', ['team:acme/ops'])).toEqual({ counts, because });
  });

  it.each([403, 404])('a team that answers %i is a mistake of the configuration', async (refusal) => {
    const { github: hub } = github({ accounts, refusal });
    for (const asked of [standing(hub, 'bob', ['team:acme/ops']), checkTeams(hub, ['role:read', 'team:acme/ops'])]) {
      await expect(asked).rejects.toMatchObject({
        code: 'config-invalid',
        why: expect.stringContaining("the job's own token can never"),
      });
    }
  });

  it('a team that cannot be read does not matter to who counts without it', async () => {
    expect(await standing(github({ accounts }).github, 'ada', ['team:acme/ops', 'role:maintain'])).toMatchObject({
      counts: true,
    });
  });

  it('what GitHub does not answer is no opinion', async () => {
    const away = new Failure({ code: 'github-unreachable', what: 'away', next: 'wait', facts: { status: 404 } });
    const rest = { repos: { getCollaboratorPermissionLevel: async () => Promise.reject(away) } };
    const hub = { at: {}, client: async () => ({ rest }) } as unknown as GitHub;
    await expect(standing(hub, 'ada', ['ada'])).rejects.toBe(away);
  });
});

describe('roles', () => {
  it.each([
    ['read', 'read', 'triage', false],
    ['triage', 'read', 'triage', true],
    ['maintain', 'write', 'maintain', true],
    ['write', 'write', 'WRITE', true],
    ['none', 'none', 'read', false],
    ['none', 'none', 'none', true],
    ['lead', 'maintain', 'maintain', true],
    ['lead', 'odd', 'read', false],
    ['read', 'read', 'unheard-of', false],
  ])('%s (based on %s) is at least %s: %s', (role, base, wanted, is) => {
    expect(hasRole({ role, base }, wanted)).toBe(is);
  });
});
