/**
 * 500 open pull requests, main turns red: the gate as the runner starts it, against a loop that knows what to write and
 * only keeps GitHub's limits. Both talk to a GitHub of their own with 40 ms an answer and the documented limits, with
 * real minutes. Then a second event with nothing changed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measured } from '../scripts/bench.ts';
import { root } from '../scripts/tools.ts';
import { type Repository, type StandIn, startStandIn } from '../test/support/github/stand-in.ts';
import { runJob } from '../test/support/runner.ts';

const PULLS = 500;
const PAGE = 100;
/** Milliseconds an answer takes. */
const LATENCY = 40;
/** Content that may be written in a minute, by GitHub's documentation. */
const WRITES = 80;
const MINUTE = 60_000;
const PERMISSIONS = {
  actions: 'read',
  checks: 'read',
  contents: 'read',
  issues: 'read',
  'pull-requests': 'read',
  statuses: 'write',
} as const;
const CONFIG = `name: shop
artifact: "run:shop-{version}"
gate: { checks: [build] }
environments: { production: { freeze: { during-change: true } } }
`;

interface Told {
  /** Seconds from the start to the status of the 50th and of the last head. */
  fifty: number;
  last: number;
  calls: number;
}

export async function run(): Promise<Measured[]> {
  const [ours, least] = await Promise.all([sweep(), reference()]);
  const second = (key: 'fifty' | 'last', name: string): Measured => ({
    name,
    ours: ours.first[key],
    reference: least[key],
    ratio: ours.first[key] / least[key],
    unit: 's',
    aim: '≤ 1.1×',
  });
  const calls = (name: string, count: number, reference: number, aim: string, unit = 'calls'): Measured => ({
    name,
    ours: count,
    reference,
    ratio: reference === 0 ? Number(count > 0) : count / reference,
    unit,
    aim,
  });
  return [
    second('fifty', 'main turns red: until the first 50 statuses stand, from the start of the process'),
    second('last', 'main turns red: until the last of 500 stands'),
    calls('main turns red: calls', ours.first.calls, least.calls, '—'),
    calls('main turns red: the writes in points of the REST limit', ours.points, PULLS * 5, '—', 'points'),
    calls('a second event, nothing changed: reads', ours.again.reads, 7, '≤ 7'),
    calls('a second event, nothing changed: writes', ours.again.writes, 0, '0'),
  ];
}

interface Page {
  data: { repository: { pullRequests: { pageInfo: { endCursor: string } } } };
}

async function ask(
  standIn: StandIn,
  path: string,
  body: unknown,
  token = standIn.token(PERMISSIONS),
): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'bench', 'content-type': 'application/json' };
  const answer = await fetch(`${standIn.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

interface Shop {
  standIn: StandIn;
  shop: Repository;
  heads: string[];
}

async function shopWithPulls(): Promise<Shop> {
  const standIn = await startStandIn();
  const shop = standIn.repository('acme', 'shop');
  const green = shop.commit('main', { files: { '.github/changeline.yml': CONFIG } });
  shop.run(green, { jobs: [{ name: 'build' }] });
  const heads = Array.from({ length: PULLS }, (_, number) => shop.commit(`feature-${number}`));
  for (const [number, head] of heads.entries()) {
    shop.pull(head, 'main', 'open', { headRef: `feature-${number}` });
    shop.status(head, 'changeline/gate', 'success', { description: 'main is green' });
  }
  shop.run(shop.commit(), { jobs: [{ name: 'build', conclusion: 'failure' }] });
  // The stand-in reads GitHub's schemas with its first query; that is no time of whoever asks.
  await ask(standIn, '/graphql', { query: '{ viewer { login } }' });
  standIn.clear();
  standIn.latency = LATENCY;
  standIn.limits = {};
  return { standIn, shop, heads };
}

/** Seconds from `began` until so many heads bear a status that is red. */
async function untilRed({ shop, heads }: Shop, count: number, began: number): Promise<number> {
  const isRed = (head: string) => shop.statusOf(head, 'changeline/gate')?.state === 'failure';
  while (heads.filter(isRed).length < count) await sleep(count < PULLS ? 5 : 100);
  return (performance.now() - began) / 1000;
}

async function sweep(): Promise<{ first: Told; again: { reads: number; writes: number }; points: number }> {
  const given = await shopWithPulls();
  const { standIn } = given;
  try {
    const began = performance.now();
    const job = gateJob(standIn);
    const [fifty, last] = await Promise.all([untilRed(given, 50, began), untilRed(given, PULLS, began)]);
    await job;
    const calls = standIn.requests.length;
    const points = standIn.requests.filter(({ request }) => !request.includes('/graphql')).length;
    const writes = countWrites(standIn);
    await sleep(MINUTE);
    await gateJob(standIn);
    const reads = standIn.requests.length - calls - (countWrites(standIn) - writes);
    return {
      first: { fifty, last, calls },
      again: { reads, writes: countWrites(standIn) - writes },
      points: writes * 5 + (points - writes),
    };
  } finally {
    await standIn.close();
  }
}

function countWrites({ requests }: StandIn): number {
  return requests.filter(({ request }) => request.startsWith('POST /repos/')).length;
}

async function gateJob(standIn: StandIn): Promise<void> {
  const temp = await mkdtemp(join(tmpdir(), 'changeline-bench-'));
  try {
    const { status, steps } = await runJob({
      steps: [{ action: join(root, 'actions/gate') }],
      workspace: temp,
      temp,
      token: standIn.token(PERMISSIONS),
      event: { name: 'workflow_run', payload: { action: 'completed' } },
      env: { GITHUB_API_URL: standIn.url, GITHUB_REPOSITORY: 'acme/shop', GITHUB_REF: 'refs/heads/main' },
    });
    if (status !== 'success') throw new Error(`the gate did not end well: ${steps[0]?.main?.log}`);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** The least that the limits allow: pages one after another, then 80 writes at once in each minute. */
async function reference(): Promise<Told> {
  const given = await shopWithPulls();
  const { standIn, heads } = given;
  const token = standIn.token(PERMISSIONS);
  try {
    const began = performance.now();
    for (let page = 0, after: string | null = null; page < PULLS / PAGE; page++) {
      const query = `query ($after: String) { repository(owner: "acme", name: "shop") {
        pullRequests(states: OPEN, first: ${PAGE}, after: $after) { pageInfo { endCursor } nodes { headRefOid } } } }`;
      const answer = await ask(standIn, '/graphql', { query, variables: { after } }, token);
      after = (answer as Page).data.repository.pullRequests.pageInfo.endCursor;
    }
    const body = { state: 'failure', context: 'changeline/gate', description: 'main is red' };
    const told = Promise.all([untilRed(given, 50, began), untilRed(given, PULLS, began)]);
    for (let start = 0; start < PULLS; start += WRITES) {
      const batch = heads.slice(start, start + WRITES);
      await Promise.all(batch.map((head) => ask(standIn, `/repos/acme/shop/statuses/${head}`, body, token)));
      if (start + WRITES < PULLS) await sleep(MINUTE);
    }
    const [fifty, last] = await told;
    return { fifty, last, calls: PULLS / PAGE + PULLS };
  } finally {
    await standIn.close();
  }
}
