/** `changeline drill`: the guard tried on the recorded data of a real database. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeline } from '../support/changeline.ts';

const DAYS = 4;
const workspace = mkdtempSync(join(tmpdir(), 'drill-'));

/** Thirty orders a minute at even random times, for the last days. */
beforeAll(() => {
  mkdirSync(join(workspace, '.github'));
  const database = new DatabaseSync(join(workspace, 'shop.db'));
  database.exec('CREATE TABLE orders (at INTEGER); CREATE INDEX orders_at ON orders (at); BEGIN');
  const insert = database.prepare('INSERT INTO orders VALUES (?)');
  let state = 7;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const now = Date.now();
  for (let at = now - (DAYS + 1) * 86_400_000; at < now; at += -2000 * Math.log(random())) insert.run(Math.round(at));
  database.exec('COMMIT');
  database.close();
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

function configure(...metrics: string[]): void {
  writeFileSync(
    join(workspace, '.github/changeline.yml'),
    [
      'name: shop',
      'artifact: ./artifacts/{version}',
      'ledger: ./ledger',
      'environments:',
      '  production:',
      '    hosts: [./hosts/web1]',
      '    database: sqlite:shop.db',
      '    deploy: { waves: ["100%"] }',
      metrics.length > 0
        ? `    watch: { for: 10m, every: 15s, replay: ${DAYS}d, metrics: [ ${metrics.join(', ')} ] }`
        : '',
    ].join('\n'),
  );
}

const ORDERS =
  '{ name: orders, sql: "select count(*) from orders where at >= {from:ms} and at < {to:ms}", worse: down, critical: true }';
const drill = (...args: string[]) => changeline(['drill', '--environment', 'production', ...args], workspace);

describe('changeline drill', () => {
  it('shows that the guard fires on what the metric tolerates, and when', async () => {
    configure(ORDERS);
    const { status, out } = await drill();
    expect(out).toMatch(/^✓ drill /m);
    expect(out).toMatch(/orders ×0\.5: fires in (\d+) of \1 watches, half of them within \d+/);
    expect(status).toBe(0);
  });

  it('fails where a critical metric sleeps through the harm', async () => {
    configure(ORDERS);
    const { status, out } = await drill('--harm', '-2%');
    expect(out).toContain('the guard would have slept: orders ×0.98');
    expect(status).toBe(1);
  });

  it('is inconclusive where a critical metric has no past, and refuses a harm that is none', async () => {
    configure(ORDERS, '{ name: queue, command: "echo 3", worse: up, critical: true }');
    const { status, out } = await drill();
    expect(out).toContain('not drilled: queue, ');
    expect(status).toBe(3);
    const refused = await drill('--harm', 'much');
    expect(refused.out).toContain('the harm much is no factor');
    expect(refused.status).toBe(2);
  });

  it('fails where there is no guard at all', async () => {
    configure();
    const { status, out } = await drill();
    expect(out).toContain('no watch is configured, so nothing would have fired');
    expect(status).toBe(1);
  });
});
