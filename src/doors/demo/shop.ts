/** The demo's shop: its artifacts, its four hosts (directories of this machine) and its changeline.yml. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { run } from '../../process/process.ts';

/** Where the demo lives, below the folder it was started in; made anew by each run. */
export const DEMO_FOLDER = '.changeline/demo';

/** Numbers of a shortened delivery: what takes minutes in production takes seconds here. */
export const SHORTENED = {
  watch: '6s',
  betweenWaves: '4s',
  tick: '250ms',
  loadTest: '2s',
  /** How long customers have ordered before a version is held against what they did. */
  orderingBefore: '8s',
  ordersPerSecond: 60,
};

export interface Shop {
  /** The demo's workspace. */
  folder: string;
  hosts: { directory: string; port: number }[];
  uat: { directory: string; port: number };
  versions: string[];
  /** The path of the customers' module. */
  customers: string;
}

/** Builds the three versions and lays out the hosts. Nothing is started. */
export async function layOutShop(folder: string, home: string): Promise<Shop> {
  await rm(folder, { recursive: true, force: true });
  const widgets = join(home, 'workflows-examples/widgets');
  const [uatPort, ...ports] = await freePorts(4);
  const shop: Shop = {
    folder,
    hosts: ports.map((port, index) => ({ directory: `hosts/web${index + 1}`, port })),
    uat: { directory: 'hosts/uat', port: uatPort! },
    versions: ['1.0.0', '1.1.0', '1.2.0'],
    customers: join(widgets, 'customers.js'),
  };
  await mkdir(join(folder, 'artifacts'), { recursive: true });
  for (const version of shop.versions) {
    await run({
      file: process.execPath,
      args: [join(widgets, 'build.js'), version, join(folder, `artifacts/shop-${version}.tar.gz`)],
    });
  }
  for (const [host, database] of [
    ...shop.hosts.map((host) => [host, 'shop.db'] as const),
    [shop.uat, 'uat.db'] as const,
  ]) {
    const shared = join(folder, host.directory, 'shared');
    await mkdir(shared, { recursive: true });
    await writeFile(join(shared, 'app.env'), `PORT=${host.port}\nDATABASE=../../../data/${database}\n`);
  }
  await mkdir(join(folder, 'data'));
  // An empty file is an empty SQLite database.
  for (const database of ['shop.db', 'uat.db']) await writeFile(join(folder, 'data', database), '');
  return shop;
}

/** Writes the demo's changeline.yml; without k6 there is no load test in it. */
export async function writeConfig(shop: Shop, home: string, k6: boolean): Promise<void> {
  await mkdir(join(shop.folder, '.github'), { recursive: true });
  const text = stringify(configOf(shop, join(home, 'workflows-examples/widgets/load'), k6), { lineWidth: 0 });
  await writeFile(join(shop.folder, '.github/changeline.yml'), text);
}

function configOf(shop: Shop, scripts: string, k6: boolean): unknown {
  const deploy = {
    restart: 'current/bin/shop restart',
    health: { url: 'http://127.0.0.1:{port}/health', within: '10s' },
    version: { url: 'http://127.0.0.1:{port}/version', within: '10s' },
  };
  const hostOf = ({ directory, port }: Shop['uat']) => ({ at: `./${directory}`, with: { port } });
  const uatUrl = `http://127.0.0.1:${shop.uat.port}`;
  const [first] = shop.hosts;
  return {
    name: 'shop',
    artifact: './artifacts/shop-{version}.tar.gz',
    ledger: './ledger',
    environments: {
      uat: {
        hosts: [hostOf(shop.uat)],
        database: 'sqlite:./data/uat.db',
        migrate: { from: 'db/migrations' },
        deploy,
        'smoke-test': [`${uatUrl}/health`, { get: '/widgets' }, { get: '/version', expect: { version: true } }],
      },
      production: {
        after: 'uat',
        hosts: shop.hosts.map(hostOf),
        database: 'sqlite:./data/shop.db',
        'config-files': ['app.env'],
        ...(k6
          ? { 'load-test': { scripts: `${scripts}/*.js`, url: uatUrl, env: { DURATION: SHORTENED.loadTest, VUS: 4 } } }
          : {}),
        backup: { to: './vault', level: 'compared' },
        migrate: { from: 'db/migrations' },
        deploy: { ...deploy, waves: [1, '100%'], 'min-in-service': '34%' },
        'smoke-test': shop.hosts.flatMap(({ port }) => [
          `http://127.0.0.1:${port}/health`,
          { get: '/widgets' },
          { get: '/version', expect: { version: true } },
        ]),
        watch: {
          for: SHORTENED.watch,
          every: SHORTENED.tick,
          reference: '30s',
          replay: '0s',
          'between-waves': SHORTENED.betweenWaves,
          metrics: [
            // On a busy machine a watch of seconds sees no less than a collapse.
            { name: 'revenue', sql: REVENUE, kind: 'money', worse: 'down', critical: true, tolerate: '-90%' },
            { name: 'orders', sql: ORDERS, kind: 'count', worse: 'down' },
            { name: 'concurrent users', http: `http://127.0.0.1:${first!.port}/stats`, path: '$.users', worse: 'down' },
          ],
        },
      },
    },
  };
}

const REVENUE =
  'select coalesce(sum(price_cents), 0) / 100.0 from orders where placed_at >= {from} and placed_at < {to}';
const ORDERS = 'select count(*) from orders where placed_at >= {from} and placed_at < {to}';

/** The orders that the production database holds. */
export function countOrders(shop: Shop): number {
  const database = new DatabaseSync(join(shop.folder, 'data/shop.db'), { readOnly: true });
  try {
    return Number(database.prepare('select count(*) as orders from orders').get()!.orders);
  } finally {
    database.close();
  }
}

/** Ends the shop's processes on every host. */
export async function stopShop(shop: Shop): Promise<void> {
  await Promise.all(
    [...shop.hosts, shop.uat].map(({ directory }) =>
      run({
        file: 'sh',
        args: ['-c', 'if [ -x current/bin/shop ]; then current/bin/shop stop; fi'],
        cwd: join(shop.folder, directory),
        timeout: 15_000,
      }),
    ),
  );
}

/** Ports that nothing listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
