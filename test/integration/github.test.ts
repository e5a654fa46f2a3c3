import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type GitHub,
  openGitHub,
  publishDeployment,
  publishDeploymentState,
  type Runner,
  runIsAlive,
} from '../../src/github/github.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { redact } from '../../src/secret/secret.ts';
import { type Permissions, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

let standIn: StandIn;
let shop: Repository;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

function open(permissions: Permissions, more: Partial<Parameters<typeof openGitHub>[0]> = {}): GitHub {
  const token = standIn.token(permissions);
  return openGitHub({ token, apiUrl: standIn.url, repository: 'acme/shop', pause: 1, ...more });
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

function runner(more: Partial<Runner> = {}): Runner {
  const serverUrl = 'https://github.com';
  const url = `${serverUrl}/acme/shop/actions/runs/77/attempts/1`;
  const base = { repository: 'acme/shop', event: 'push', payload: {}, sha: '', ref: 'refs/heads/main', run: '77' };
  return {
    ...base,
    attempt: '1',
    hosted: false,
    job: 'deliver',
    workflow: 'Deliver',
    actor: 'octocat',
    serverUrl,
    apiUrl: '',
    url,
    ...more,
  };
}

describe('what GitHub refuses', () => {
  it('names the permission that the endpoint asks for', async () => {
    const sha = shop.commit();
    const { rest } = await open({ contents: 'read' }).client();
    const failure = await failureOf(
      rest.repos.createCommitStatus({ owner: 'acme', repo: 'shop', sha, state: 'success' }),
    );
    expect(failure.code).toBe('github-denied');
    expect(failure.message).toContain('statuses: write');
    expect(failure.facts.permissions).toBe('statuses: write');
  });

  it('says so where the token is none that GitHub knows, and never shows it', async () => {
    const { rest } = await open({}, { token: 'ghs_secretnobodyknows' }).client();
    const failure = await failureOf(rest.repos.get({ owner: 'acme', repo: 'shop' }));
    expect(failure.code).toBe('github-denied');
    expect(`${failure.message}${failure.stack}`).not.toContain('secretnobody');
    expect(redact('x ghs_secretnobodyknows')).toBe('x ***');
  });

  it('tells what is not there from what is not answered', async () => {
    const { rest } = await open({ actions: 'read' }).client();
    const failure = await failureOf(rest.actions.getWorkflowRun({ owner: 'acme', repo: 'shop', run_id: 5 }));
    expect([failure.code, failure.facts.status]).toEqual(['github-not-found', 404]);
  });

  it.each([
    ['no token in a run', { token: '', runner: runner() }, 'github-denied'],
    ['no token in a shell', { token: '' }, 'not-configured'],
    ['no repository in a shell', { repository: '' }, 'not-configured'],
    ['no owner/name', { repository: 'shop' }, 'input-invalid'],
    ['a path for a repository', { repository: 'acme/shop/../x' }, 'input-invalid'],
  ])('refuses to open with %s', (_, more, code) => {
    expect(() => open({}, more)).toThrow(expect.objectContaining({ code }));
  });
});

describe('an API that is sometimes away', () => {
  const READ = /^GET \/repos\/acme\/shop$/;
  const get = async (github: GitHub) => (await (await github.client()).rest.repos.get(github.at)).data.full_name;

  it.each([
    ['5xx', { kind: 'status', status: 502, times: 3 } as const],
    ['a connection that breaks', { kind: 'drop', times: 3 } as const],
    ['an answer that breaks off', { kind: 'cut', times: 3 } as const],
    ['the secondary limit', { kind: 'status', status: 403, headers: { 'retry-after': '0.01' }, times: 2 } as const],
  ])('reads again after %s', async (_, fault) => {
    standIn.fault({ match: READ, ...fault });
    expect(await get(open({}))).toBe('acme/shop');
  });

  it('gives up after four tries', async () => {
    standIn.fault({ match: READ, kind: 'status', status: 503, times: 99 });
    const failure = await failureOf(get(open({})));
    expect(failure.code).toBe('github-unreachable');
    expect(standIn.requests.length).toBe(4);
  });

  it('does not wait for a limit that lasts', async () => {
    standIn.fault({
      match: READ,
      kind: 'status',
      status: 403,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800000000' },
    });
    const failure = await failureOf(get(open({})));
    expect([failure.code, standIn.requests.length]).toEqual(['github-unreachable', 1]);
    expect(failure.next).toContain('2027-01-15');
  });

  it('never repeats a write, and says that it may have been done', async () => {
    const sha = shop.commit();
    standIn.fault({ match: /^POST/, kind: 'drop-after' });
    const { rest } = await open({ statuses: 'write' }).client();
    const failure = await failureOf(
      rest.repos.createCommitStatus({ owner: 'acme', repo: 'shop', sha, state: 'success', context: 'x' }),
    );
    expect([failure.code, failure.facts.unsure]).toEqual(['github-unreachable', true]);
    expect(shop.statuses.length).toBe(1);
  });

  it('stops at once when the run is cancelled', async () => {
    const stop = new AbortController();
    standIn.fault({ match: READ, kind: 'status', status: 503, times: 99 });
    const asked = failureOf(get(open({}, { signal: stop.signal, pause: 60_000 })));
    await expect.poll(() => standIn.requests.length).toBe(1);
    stop.abort();
    expect((await asked).code).toBe('cancelled');
  });

  it('reads every page', async () => {
    const sha = shop.commit();
    shop.run(sha, { jobs: Array.from({ length: 250 }, (_, index) => ({ name: `job ${index}` })) });
    const { paginate, rest } = await open({ checks: 'read' }).client();
    const runs = await paginate(rest.checks.listForRef, { owner: 'acme', repo: 'shop', ref: sha, per_page: 100 });
    expect(new Set(runs.map((run) => run.name)).size).toBe(250);
  });
});

describe('downloads', () => {
  it('follows to the storage without the token', async () => {
    const release = shop.release('1.0.0', { 'shop.tar.gz': Buffer.from('the bytes') });
    const id = release.assets[0]!.id;
    const github = open({ contents: 'read' });
    expect(await text(await github.download(`/repos/acme/shop/releases/assets/${id}`))).toBe('the bytes');
    expect((await failureOf(github.download('/repos/acme/shop/releases/assets/1'))).code).toBe('github-not-found');
  });
});

describe('deployments', () => {
  const target = { environment: 'production', version: '1.1.0', production: true };

  it('creates one, shows how it ends, and makes the previous one inactive', async () => {
    const sha = shop.commit();
    shop.status(sha, 'ci', 'failure');
    const previous = shop.deployment(sha, 'production', [{ state: 'success' }]);
    const github = open({ deployments: 'write' }, { runner: runner({ sha }) });
    const published = await publishDeployment(github, { ...target, sha });
    expect(published.note).toBeNull();
    expect(await publishDeploymentState(github, published, 'success', '1.1.0 is live.')).toBeNull();
    const own = shop.deployments.find((one) => one.id === published.id)!;
    expect(own.statuses.map((one) => one.state)).toEqual(['in_progress', 'success']);
    expect(own.production).toBe(true);
    expect(previous.statuses.at(-1)!.state).toBe('inactive');
  });

  it("adopts the one of the job's own environment", async () => {
    const sha = shop.commit();
    const logUrl = 'https://github.com/acme/shop/actions/runs/77/job/9';
    const own = shop.deployment(sha, 'production', [{ state: 'in_progress', logUrl }]);
    shop.deployment(sha, 'production', [{ state: 'in_progress', logUrl: logUrl.replace('77', '771') }]);
    const published = await publishDeployment(open({ deployments: 'write' }, { runner: runner({ sha }) }), {
      ...target,
      sha,
    });
    expect(published).toMatchObject({ id: own.id, adopted: true, note: null });
    expect(shop.deployments.length).toBe(2);
  });

  it('never fails the delivery', async () => {
    const sha = shop.commit();
    const denied = await publishDeployment(open({ deployments: 'read' }), { ...target, sha });
    expect([denied.id, denied.note]).toEqual([null, expect.stringContaining('deployments: write')]);
    const blind = await publishDeployment(open({}), { ...target, sha });
    expect([blind.id, blind.note]).toEqual([null, expect.stringContaining('permission')]);
  });
});

describe('whether a run is alive', () => {
  it('asks GitHub, and does not guess', async () => {
    const sha = shop.commit();
    const running = shop.run(sha, { jobs: [{ name: 'deliver', status: 'in_progress' }] });
    const done = shop.run(sha, { jobs: [{ name: 'deliver' }] });
    const github = open({ actions: 'read' });
    expect(await runIsAlive(github, String(running.id))).toBe('alive');
    expect(await runIsAlive(github, String(done.id))).toBe('dead');
    expect(await runIsAlive(github, '4')).toBe('unknown');
    expect(await runIsAlive(github, 'x; y')).toBe('unknown');
    expect(await runIsAlive(open({}), String(done.id))).toBe('unknown');
  });
});

describe('a host that answers nonsense', () => {
  it('is not taken for GitHub', async () => {
    const server = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const github = open({}, { apiUrl });
    expect((await failureOf(github.graphql('query { viewer { login } }'))).code).toBe('github-unreachable');
    server.closeAllConnections();
    server.close();
  });
});
