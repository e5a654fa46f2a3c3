import { expect, it } from 'vitest';
import { type Config, parseConfig } from '../../../../src/config/config.ts';
import type { GitHub, Runner } from '../../../../src/github/github.ts';
import { type Overriding, overrideOf } from '../../../../src/stages/holding/overriding.ts';

const CONFIG = 'name: shop\nartifact: ./{version}\nenvironments: { production: { hosts: [./host] } }\n';
const wanted = { name: 'changeline.yml', environment: '', choose: true, env: {} };

/** GitHub as it answers about one account, whoever is asked for. */
function github(role: string, type = 'User'): GitHub {
  const data = (login: string) => ({ permission: role, role_name: role, user: { login, type } });
  const getCollaboratorPermissionLevel = async ({ username }: { username: string }) => ({ data: data(username) });
  const client = async () => ({ rest: { repos: { getCollaboratorPermissionLevel } } });
  return { repository: 'acme/shop', at: { owner: 'acme', repo: 'shop' }, client } as unknown as GitHub;
}

function run(actor: string, hub: GitHub, more = '', override = 'the fix'): Overriding {
  const config: Config = parseConfig(CONFIG + more, wanted).config;
  return { inputs: { override }, config, runner: { actor } as Runner, change: null, github: () => hub };
}

const NAMED = 'gate: { override: { from: [Octocat] } }';

it.each([
  ['a maintainer', 'ann', github('maintain'), ''],
  ['an admin', 'ann', github('admin'), ''],
  ['who is named', 'octocat', github('write'), NAMED],
])('of %s counts', async (_, actor, hub, more) => {
  await expect(overrideOf(run(actor, hub, more))).resolves.toEqual({ why: 'the fix', by: actor });
});

it.each([
  ['who may only write', 'ann', github('write'), '', 'role:maintain'],
  ['who has no role', 'ann', github('none'), '', 'role:maintain'],
  ['a maintainer who is not named', 'ann', github('maintain'), NAMED, 'Octocat'],
  ['an app', 'github-actions[bot]', github('admin'), '', 'is an app'],
  ['a bot of another name', 'robot', github('admin', 'Bot'), '', 'is an app'],
])('of %s is refused, and it is said from whom it counts', async (_, actor, hub, more, says) => {
  const failure = await overrideOf(run(actor, hub, more)).catch((thrown) => thrown);
  expect(failure).toMatchObject({ code: 'override-refused', outcome: 'failed' });
  expect(failure.message).toContain(`the override of ${actor} does not count`);
  expect(failure.message).toContain(says);
});

it('asks nobody where the input is empty', async () => {
  const asked = run('ann', github('none'), '', '  ');
  await expect(
    overrideOf({
      ...asked,
      github: () => {
        throw new Error('asked');
      },
    }),
  ).resolves.toBeNull();
});
