import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/config.ts';
import { run } from '../../src/process/process.ts';
import { buildArchive, buildTree, VERSIONS } from '../../workflows-examples/widgets/build.js';
import { start as startCustomers } from '../../workflows-examples/widgets/customers.js';
import { applyMigrations, buildHost, migrationsOf, openShopDatabase, type ShopHost } from '../support/shop.ts';

let root: string;
let one: ShopHost;
let two: ShopHost;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'changeline-shop-'));
  one = await buildHost(root, 'one', ['1.0.0', '1.1.0', '1.2.0']);
  two = await buildHost(root, 'two', ['1.1.0', '1.2.0']);
});

afterAll(async () => {
  for (const host of [one, two]) if (existsSync(join(host.directory, 'current'))) await host.shop('stop');
  rmSync(root, { recursive: true, force: true });
});

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shop's answers, looked at by the tests
  json: any;
}

async function json(url: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
}

async function succeeds(host: ShopHost, command: string): Promise<void> {
  const finished = await host.shop(command);
  expect(finished.status, finished.stderr).toBe(0);
}

function stored(): { orders: number; revenue: number } {
  const database = openShopDatabase(root);
  const row = database.prepare('SELECT count(*) AS orders, total(price_cents) / 100 AS revenue FROM orders').get();
  database.close();
  return row as { orders: number; revenue: number };
}

describe('the shop', () => {
  it('does not start without its database, and says what to do', async () => {
    one.point('1.0.0');
    const finished = await one.shop('start');
    expect(finished.status).toBe(1);
    expect(finished.stderr).toContain('apply db/migrations');
    expect((await one.shop('status')).status).toBe(3);
  });

  it('1.0.0 serves with the first migration', async () => {
    applyMigrations(root, migrationsOf(one, '1.0.0'));
    await succeeds(one, 'start');
    expect((await json(`${one.url}/version`)).json).toEqual({ version: '1.0.0' });
    expect((await json(`${one.url}/health`)).status).toBe(200);
    expect((await json(`${one.url}/widgets`)).json).toHaveLength(4);
    expect((await json(`${one.url}/widgets`, { name: 'cog', price: 2 })).status).toBe(405);
  });

  it('stores an order with its price and time', async () => {
    const { status, json: order } = await json(`${one.url}/orders`, { widget: 'flange', quantity: 3 });
    expect(status).toBe(201);
    expect(order).toMatchObject({ widget: 'flange', quantity: 3, price: 21.75 });
    expect(Date.parse(order.placed_at)).toBeGreaterThan(Date.now() - 60_000);
    expect((await json(`${one.url}/orders`)).json).toEqual([order]);
    expect(stored()).toEqual({ orders: 1, revenue: 21.75 });
  });

  it.each([
    [{ widget: 'flange', quantity: 0 }, 400],
    [{ widget: 'flange', quantity: '1' }, 400],
    [{ widget: 'nothing', quantity: 1 }, 404],
    [{ widget: null, quantity: 1 }, 404],
    [[], 400],
    ['text', 400],
    [null, 400],
  ])('refuses the order %j', async (order, status) => {
    expect((await json(`${one.url}/orders`, order)).status).toBe(status);
    expect(stored().orders).toBe(1);
  });

  it('counts for Prometheus', async () => {
    const said = await (await fetch(`${one.url}/metrics`)).text();
    expect(said).toMatch(/^http_requests_total\{method="POST",status="201"\} 1$/m);
    expect(said).toMatch(/^http_errors_total 0$/m);
    expect(said).toMatch(/^orders_total 1$/m);
    expect(said).toMatch(/^order_revenue_total 21.75$/m);
    expect(said).toMatch(/^concurrent_users 1$/m);
    expect((await json(`${one.url}/stats`)).json).toEqual({ users: 1 });
  });

  it('may be started, restarted and stopped again and again', async () => {
    await succeeds(one, 'start');
    await succeeds(one, 'restart');
    await succeeds(one, 'restart');
    expect((await one.shop('status')).status).toBe(0);
    await succeeds(one, 'stop');
    await succeeds(one, 'stop');
    expect((await one.shop('status')).status).toBe(3);
    expect((await one.shop('nothing')).status).toBe(2);
  });

  it('says where its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(one.port, '127.0.0.1', resolve));
    const finished = await one.shop('start');
    await new Promise((resolve) => other.close(resolve));
    expect(finished.status).toBe(1);
    expect(finished.stderr).toContain('EADDRINUSE');
  });

  it('lets go of the descriptors of whoever started it', async () => {
    const lock = join(root, 'lock');
    const script = 'exec 9>"$LOCK"; flock 9; current/bin/shop start >/dev/null';
    const started = await run({ file: 'sh', args: ['-c', script], cwd: one.directory, env: { LOCK: lock } });
    expect(started.status, started.stderr).toBe(0);
    expect((await run({ file: 'flock', args: ['--nonblock', lock, 'true'] })).status).toBe(0);
  });

  it('serves the version it was started from until it is restarted', async () => {
    applyMigrations(root, migrationsOf(one, '1.1.0').slice(1));
    one.point('1.1.0');
    expect((await json(`${one.url}/version`)).json).toEqual({ version: '1.0.0' });
    await succeeds(one, 'restart');
    expect((await json(`${one.url}/version`)).json).toEqual({ version: '1.1.0' });
  });

  it('finishes a request that has begun before it stops', async () => {
    const slow = request(`${one.url}/orders`, { method: 'POST', agent: false });
    const answered = once(slow, 'response') as Promise<[IncomingMessage]>;
    slow.write('{"widget": "gear", ');
    await pause(200);
    const stopped = one.shop('stop');
    await expect.poll(() => fetch(one.url).catch(() => 'refused'), { timeout: 10_000 }).toBe('refused');
    slow.end('"quantity": 1}');
    const [response] = await answered;
    expect(response.statusCode).toBe(201);
    expect(await text(response)).toContain('"price":20');
    expect((await stopped).status).toBe(0);
    await succeeds(one, 'start');
  });

  it('1.1.0 adds widgets, each name once, and sells them', async () => {
    expect((await json(`${one.url}/widgets`, { name: 'cog', price: 4.5 })).status).toBe(201);
    expect((await json(`${one.url}/widgets`, { name: 'cog', price: 1 })).status).toBe(409);
    expect((await json(`${one.url}/widgets`, { name: '<b>', price: 1 })).status).toBe(400);
    expect((await json(`${one.url}/widgets`, { name: 'x', price: 0.001 })).status).toBe(400);
    expect((await json(`${one.url}/orders`, { widget: 'cog', quantity: 2 })).json.price).toBe(9);
  });

  it('1.0.0 works on the database of 1.1.0, so that one can go back', async () => {
    one.point('1.0.0');
    await succeeds(one, 'restart');
    expect((await json(`${one.url}/orders`, { widget: 'gear', quantity: 1 })).status).toBe(201);
    one.point('1.1.0');
    await succeeds(one, 'restart');
  });

  it('gives the log of the last seconds', async () => {
    const { stdout } = await one.shop('log', '600');
    expect(stdout).toMatch(/^\S+Z INFO serving 1\.1\.0 on 127\.0\.0\.1:\d+$/m);
    expect(stdout).toMatch(/^\S+Z ERROR .*EADDRINUSE/m);
    expect((await one.shop('log', '0')).stdout).toBe('');
  });
});

describe('customers', () => {
  async function visit(seconds: number, ordersPerSecond: number) {
    const before = stored();
    const stop = new AbortController();
    const customers = startCustomers({ baseUrls: [one.url, two.url], ordersPerSecond, signal: stop.signal, seed: 7 });
    await pause(seconds * 1000);
    stop.abort();
    const counts = await customers.done;
    const after = stored();
    return { counts, orders: after.orders - before.orders, revenue: after.revenue - before.revenue };
  }

  it('find every order stored by 1.1.0, even where one host is away', async () => {
    two.point('1.1.0');
    const { counts, orders, revenue } = await visit(2, 20);
    expect(counts.failed).toBe(0);
    expect(counts.acknowledged).toBe(counts.placed);
    expect(counts.acknowledged).toBeGreaterThan(10);
    expect(orders).toBe(counts.acknowledged);
    expect(revenue).toBeCloseTo(counts.revenue, 2);
  });

  it('find most orders lost by 1.2.0, which answers every check', async () => {
    for (const host of [one, two]) {
      host.point('1.2.0');
      await succeeds(host, 'restart');
    }
    const { counts, orders, revenue } = await visit(4, 20);
    expect(counts.failed).toBe(0);
    expect(orders).toBeGreaterThan(0);
    expect(orders).toBeLessThan(counts.acknowledged / 2);
    expect(revenue).toBeLessThan(counts.revenue / 2);
    expect((await json(`${one.url}/health`)).status).toBe(200);
    const first = await json(`${one.url}/orders`, { widget: 'gear', quantity: 1 });
    expect(first.status).toBe(201);
    expect(await (await fetch(`${one.url}/metrics`)).text()).toMatch(/^http_errors_total 0$/m);
  });
});

describe('a release', () => {
  it('is the same bytes every time, and the tree that it was made from', () => {
    for (const version of VERSIONS) {
      const [first, second] = [join(root, 'a.tar.gz'), join(root, 'b.tar.gz')];
      buildArchive(version, first);
      buildArchive(version, second);
      expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
    }
    buildTree('1.2.0', join(root, 'tree'));
    execFileSync('mkdir', [join(root, 'unpacked')]);
    execFileSync('tar', ['-xzf', join(root, 'a.tar.gz'), '-C', join(root, 'unpacked')]);
    execFileSync('diff', ['-r', join(root, 'tree'), join(root, 'unpacked')]);
    execFileSync('test', ['-x', join(root, 'unpacked/bin/shop')]);
  });

  it('of an unknown version is refused', () => {
    expect(() => buildTree('9.9.9', join(root, 'never'))).toThrow(/1\.0\.0, 1\.1\.0, 1\.2\.0/);
    expect(existsSync(join(root, 'never'))).toBe(false);
  });
});

describe('changeline.yml of the shop', () => {
  it('is accepted', () => {
    const file = join(import.meta.dirname, '../../workflows-examples/widgets/changeline.yml');
    const result = configSchema.safeParse(parse(readFileSync(file, 'utf8')));
    expect(result.error?.issues).toBeUndefined();
    expect(Object.keys(result.data!.environments)).toEqual(['uat', 'production']);
  });
});
