import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

let standIn: StandIn;
let shop: Repository;
let token: string;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  token = standIn.token({ contents: 'write', statuses: 'write', checks: 'read', 'pull-requests': 'read' });
});

afterEach(() => standIn.close());

async function ask(path: string, body?: unknown, authorization = `Bearer ${token}`): Promise<Response> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return fetch(new URL(path, standIn.url), { ...init, headers: { authorization } });
}

describe('a stand-in that holds code to what GitHub publishes', () => {
  it.each([
    [
      'a query parameter that GitHub does not have',
      '/repos/acme/shop/commits/main/check-runs?filtre=latest',
      undefined,
      'filtre',
    ],
    [
      'a value outside its enumeration',
      '/repos/acme/shop/commits/main/check-runs?filter=newest',
      undefined,
      'allowed values',
    ],
    ['a body without a required key', '/repos/acme/shop/git/commits', { message: 'm' }, 'tree'],
    [
      'a body with a key that GitHub does not have',
      '/repos/acme/shop/git/refs',
      { ref: 'r', sha: 's', force: true },
      'force',
    ],
    ['a body of the wrong type', '/repos/acme/shop/git/refs', { ref: 'r', sha: 5 }, 'string'],
    ['a route that is not played', '/repos/acme/shop/hooks', undefined, 'not played'],
    [
      'a GraphQL field that is not in the schema',
      '/graphql',
      { query: 'query { repository(owner: "acme", name: "shop") { colour } }' },
      'colour',
    ],
    [
      'a GraphQL variable that is missing',
      '/graphql',
      { query: 'query ($o: String!) { repository(owner: $o, name: "shop") { id } }' },
      '"$o"',
    ],
  ])('refuses %s', async (_, path, body, told) => {
    const response = await ask(path, body);
    expect(response.status).toBe(599);
    expect(standIn.violations).toEqual([expect.stringContaining(told)]);
  });

  it('refuses a token on its way to the storage', async () => {
    const [asset] = shop.release('1.0.0', { a: Buffer.from('x') }).assets;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/octet-stream' };
    const url = new URL(`/repos/acme/shop/releases/assets/${asset!.id}`, standIn.url);
    const redirect = await fetch(url, { headers, redirect: 'manual' });
    expect(redirect.status).toBe(302);
    expect((await fetch(redirect.headers.get('location')!, { headers })).status).toBe(599);
    expect(standIn.violations).toEqual([expect.stringContaining('storage')]);
  });

  it('knows its tokens and their permissions', async () => {
    shop.commit();
    expect((await ask('/repos/acme/shop', undefined, 'Bearer other')).status).toBe(401);
    const denied = await ask('/repos/acme/shop/actions/runs');
    expect([denied.status, denied.headers.get('x-accepted-github-permissions')]).toEqual([403, 'actions=read']);
    const { errors } = (await (
      await ask('/graphql', {
        query: 'query { repository(owner: "acme", name: "shop") { deployments(first: 1) { totalCount } } }',
      })
    ).json()) as { errors: { type: string }[] };
    expect(errors.map((error) => error.type)).toEqual(['FORBIDDEN']);
    expect(standIn.violations).toEqual([]);
  });

  it('gives whole answers in pages', async () => {
    const sha = shop.commit();
    shop.run(sha, { jobs: Array.from({ length: 5 }, (_, index) => ({ name: `job ${index}` })) });
    const first = await ask('/repos/acme/shop/commits/main/check-runs?per_page=3');
    const { total_count, check_runs } = (await first.json()) as { total_count: number; check_runs: { app: object }[] };
    expect([total_count, check_runs.length]).toEqual([5, 3]);
    expect(check_runs[0]!.app).toHaveProperty('permissions');
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')![1]!;
    const second = await ask(next);
    expect(((await second.json()) as { check_runs: unknown[] }).check_runs.length).toBe(2);
    expect(second.headers.get('link')).toBeNull();
    expect(standIn.violations).toEqual([]);
  });
});
