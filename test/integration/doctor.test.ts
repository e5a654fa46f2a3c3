import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeline, type Said } from '../support/changeline.ts';
import { type Permissions, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';
import { root } from '../support/tool.ts';

const JOB: Permissions = { contents: 'read', actions: 'read' };
const PERSON: Permissions = { ...JOB, administration: 'read' };
const ADMINISTRATOR: Permissions = { ...JOB, administration: 'write' };
const CI = 'name: CI\non: [push]\njobs: { test: { permissions: { contents: read }, steps: [] } }\n';
const CONFIG = `
name: shop
artifact: release:shop-{version}.tar.gz
gate: {}
environments:
  production:
    hosts: [deploy@web1.example.com]
    path: /srv/shop
    database: \${SHOP_DATABASE_URL}
    approve: { from: [octocat] }
`;

let standIn: StandIn;
let shop: Repository;
let folder: string;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  await rm(folder, { recursive: true, force: true });
  expect(violations).toEqual([]);
});

const example = (name: string) => readFileSync(join(root, 'workflows-examples', `${name}.yml`), 'utf8');

/** The example workflows on main, and what `more` changes. */
function workflows(more: Record<string, string> = {}): void {
  const files = {
    ci: CI,
    gate: example('pull-request'),
    deliver: example('deliver'),
    approve: example('approve'),
    freeze: example('freeze'),
    ...more,
  };
  shop.commit('main', {
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`.github/workflows/${name}.yml`, text])),
  });
}

const REQUIRED = {
  type: 'required_status_checks',
  parameters: {
    required_status_checks: [{ context: 'changeline/gate', integration_id: 15368 }],
    strict_required_status_checks_policy: true,
  },
};
const KEPT = [{ type: 'deletion' }, { type: 'non_fast_forward' }];

/** A repository in which nothing is missing. */
function healthy(): void {
  workflows();
  shop.commit('changeline');
  shop.ruleset({ name: 'main', rules: [REQUIRED, { type: 'pull_request', parameters: REVIEWS }, ...KEPT] });
  shop.ruleset({
    name: 'ledger',
    conditions: { ref_name: { include: ['refs/heads/changeline'], exclude: [] } },
    rules: KEPT,
  });
  shop.environment({ name: 'production', branches: ['main'] });
}

const REVIEWS = {
  dismiss_stale_reviews_on_push: true,
  require_code_owner_review: false,
  require_last_push_approval: false,
  required_approving_review_count: 1,
  required_review_thread_resolution: false,
};

/** A job's token, or a person's where no job could have these permissions. */
function tokenOf(permissions: Permissions): string {
  return standIn.token(permissions, 'administration' in permissions ? { as: 'octocat' } : {});
}

async function doctor(
  permissions: Permissions | null,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Said> {
  const token = permissions ? { CHANGELINE_TOKEN: tokenOf(permissions) } : {};
  return changeline(['doctor', ...args], folder, {
    GITHUB_API_URL: standIn.url,
    GITHUB_REPOSITORY: 'acme/shop',
    ...token,
    ...env,
  });
}

async function configured(text = CONFIG): Promise<void> {
  const path = join(folder, '.github/changeline.yml');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe('a healthy repository', () => {
  it('misses nothing, with no secret set; an administrator sees everything', async () => {
    healthy();
    await configured();
    const { status, out } = await doctor(ADMINISTRATOR);
    expect(out).toMatch(/^0 missing, 0 unknown, 1 advice, \d+ ok$/m);
    expect(status).toBe(0);
    expect(out).toContain('The environment production');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no colour codes where there is no terminal
    expect(out).not.toMatch(/\u001b/);
  });

  it.each([
    ['a job', JOB, ['nobody merges past', "the default of a job's token"]],
    ['a person', PERSON, ['nobody merges past']],
  ])('the token of %s sees the rest, and says what it takes to know', async (_, permissions, asked) => {
    healthy();
    await configured();
    const { status, out } = await doctor(permissions);
    expect(status).toBe(0);
    expect(out.match(/^ {2}unknown .*/gm)).toHaveLength(asked.length);
    for (const words of asked) expect(out).toContain(`unknown  ${words}`);
    expect(out).toContain('Administration: ');
  });

  it('reads each thing once, and writes nothing', async () => {
    healthy();
    await configured();
    await doctor(JOB);
    const asked = standIn.requests.map(({ request }) => request);
    expect(asked.filter((one) => !one.startsWith('GET ') && !one.startsWith('POST /graphql query'))).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
  });
});

describe('what is missing', () => {
  it('a repository with nothing set up: every row has its setting, the exit code is 1', async () => {
    shop.commit('main');
    const { status, out } = await doctor(ADMINISTRATOR);
    expect(status).toBe(1);
    expect(out).toContain('missing  changeline/gate is a required status check');
    expect(out).toContain('missing  a workflow of the default branch runs the gate');
    expect(out).not.toContain('The ledger');
  });

  it('classic protection: a job sees the check, any app and the exempt administrators, not the rest', async () => {
    workflows();
    shop.protection({
      required_status_checks: {
        strict: false,
        contexts: ['changeline/gate'],
        checks: [{ context: 'changeline/gate', app_id: null }],
      },
      enforce_admins: { enabled: false },
    });
    const { status, out } = await doctor(JOB);
    expect(status).toBe(1);
    expect(out).toContain('ok       changeline/gate is a required status check: by branch protection');
    expect(out).toContain('missing  changeline/gate counts only from the app that writes it');
    expect(out).toContain('missing  nobody merges past the rule');
    expect(out).toContain('unknown  changes come by pull request only');
  });

  it('a queue without merge_group, bypass actors, an open environment, a ruleset over the ledger, broken YAML', async () => {
    const gate = example('pull-request').replace('  merge_group:\n', '');
    workflows({ gate, broken: 'on: [push\n' });
    shop.ruleset({
      rules: [REQUIRED, QUEUE],
      bypass_actors: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }],
    });
    shop.ruleset({
      name: 'all',
      conditions: { ref_name: { include: ['~ALL'], exclude: [] } },
      rules: [{ type: 'creation' }, ...KEPT],
    });
    shop.environment({ name: 'production' });
    shop.workflowPermissions = { default_workflow_permissions: 'write', can_approve_pull_request_reviews: true };
    await configured();
    const { status, out } = await doctor(ADMINISTRATOR);
    expect(status).toBe(1);
    for (const words of [
      'the merge queue gets the status',
      'nobody merges past the rule',
      'only main can deploy to it',
      'no rule stops what the workflows write',
      '.github/workflows/broken.yml can be read',
      "the default of a job's token is to read",
    ])
      expect(out).toContain(`missing  ${words}`);
    expect(out).toContain('repository administrators');
  });
});

const QUEUE = {
  type: 'merge_queue',
  parameters: {
    check_response_timeout_minutes: 60,
    grouping_strategy: 'ALLGREEN',
    max_entries_to_build: 5,
    max_entries_to_merge: 5,
    merge_method: 'MERGE',
    min_entries_to_merge: 1,
    min_entries_to_merge_wait_minutes: 5,
  },
};

describe('what cannot be read', () => {
  it('a token that may nothing: everything is unknown, with its permission', async () => {
    healthy();
    await configured();
    const { status, out } = await doctor({});
    expect(status).toBe(0);
    expect(out).toContain('unknown  the workflows of the default branch can be read');
    expect(out).toContain('Contents: read');
    expect(out).toContain('Actions: read');
    expect(out).not.toContain('missing  ');
  });

  it('one answer fails for good: that row is unknown and the others stand', async () => {
    healthy();
    standIn.fault({
      match: /rules\/branches\/main/,
      kind: 'status',
      status: 403,
      times: 9,
      body: { message: 'Upgrade to GitHub Pro or make this repository public to enable this feature.' },
    });
    const { out } = await doctor(ADMINISTRATOR);
    expect(out).toContain('unknown  changeline/gate is a required status check');
    expect(out).toContain('Upgrade to GitHub Pro');
    expect(out).toContain('to know: look at Settings');
    expect(out).toContain('ok       a workflow of the default branch runs the gate');
  });

  it.each([
    ['no token', null, {}, 'CHANGELINE_TOKEN'],
    ['no repository', JOB, { GITHUB_REPOSITORY: '' }, 'GITHUB_REPOSITORY'],
    ['a repository that is not there', JOB, { GITHUB_REPOSITORY: 'acme/other' }, 'acme/other'],
  ])('%s: a failure that says what to set', async (_, permissions, env, words) => {
    const { status, out } = await doctor(permissions, [], env);
    expect(status).not.toBe(0);
    expect(out).toContain(words);
    expect(out).not.toContain('defect');
  });

  it('an environment that is not there, an option that is not there', async () => {
    healthy();
    await configured();
    const wrong = await doctor(JOB, ['--environment', 'produktion']);
    expect(wrong.status).toBe(2);
    expect(wrong.out).toContain('did you mean production?');
    expect((await doctor(JOB, ['--json'])).status).toBe(2);
  });
});

it('names from outside stay one harmless line, and the token is shown nowhere', async () => {
  const evil = '\u001b]0;owned\u0007$(id)\n  ok       all is well \u202e@everyone';
  workflows({
    evil: `name: ${JSON.stringify(evil)}\non: push\njobs: { a: { permissions: write-all, steps: [{ uses: ${JSON.stringify(`s/${evil}@v1`)} }] } }\n`,
  });
  shop.ruleset({ name: evil, rules: [REQUIRED] });
  const token = tokenOf(ADMINISTRATOR);
  const { out } = await changeline(['doctor'], folder, {
    GITHUB_API_URL: standIn.url,
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_TOKEN: token,
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be there
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e]/);
  expect(out).not.toMatch(/^ {2}ok {7}all is well/m);
  expect(out).not.toContain(token);
});
