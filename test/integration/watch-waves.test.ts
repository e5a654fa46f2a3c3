/** A delivery in waves, watched between them and at its end, through the shell's door: directories as hosts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/ledger/ledger.ts';
import { changeline } from '../support/changeline.ts';

const HOSTS = ['web1', 'web2'];
const VERSIONS = ['1.0.0', '2.0.0', '3.0.0', '4.0.0'];
/** Orders a second, evenly: a tick of 250 ms has 15, so one tick alone excludes little, and the same each time. */
const PACE = 60;
const ORDERS = 'select count(*) from orders where ms >= {from:ms} and ms < {to:ms}';

let workspace: string;
const place = (...path: string[]) => join(workspace, ...path);

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'watch-waves-'));
  for (const folder of ['.github', 'artifacts', ...HOSTS.map((host) => `hosts/${host}`)])
    mkdirSync(place(folder), { recursive: true });
  for (const version of VERSIONS) {
    const tree = mkdtempSync(join(workspace, 'tree-'));
    writeFileSync(join(tree, 'VERSION'), version);
    execFileSync('tar', ['-czf', place(`artifacts/${version}.tar.gz`), '-C', tree, '.']);
  }
  const database = new DatabaseSync(place('shop.db'));
  database.exec('create table orders (ms integer); create index at on orders (ms); begin');
  const insert = database.prepare('insert into orders values (?)');
  const now = Date.now();
  for (let at = now - 60_000; at < now + 240_000; at += 1000 / PACE) insert.run(Math.round(at));
  database.exec('commit');
  database.close();
});
afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', workspace]);
  rmSync(workspace, { recursive: true, force: true });
});

/** The environment with these keys of its watch; `metric` are those of the one metric. */
function configure(watch: object, metric: object): void {
  const metrics = [{ name: 'orders', worse: 'down', critical: true, sql: ORDERS, ...metric }];
  const production = {
    hosts: HOSTS.map((host) => `./hosts/${host}`),
    database: 'sqlite:./shop.db',
    deploy: { waves: [1, '100%'], 'min-in-service': '0%' },
    watch: { every: '250ms', reference: '30s', replay: '0s', ...watch, metrics },
  };
  const config = {
    name: 'shop',
    artifact: './artifacts/{version}.tar.gz',
    ledger: './ledger',
    environments: { production },
  };
  writeFileSync(place('.github/changeline.yml'), JSON.stringify(config));
}

const deliver = (version: string, ...more: string[]) =>
  changeline(
    ['deliver', '--environment', 'production', '--version', version, '--from', 'deploy', '--until', 'watch', ...more],
    workspace,
  );

const current = () => HOSTS.map((host) => readlinkSync(place('hosts', host, 'current')).replace('versions/', ''));

/** The newest change in the ledger. */
function change(): Change {
  const folder = place('ledger/production/changes');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return JSON.parse(readFileSync(join(folder, files.sort().at(-1)!), 'utf8'));
}

const watched = () =>
  change()
    .events.filter(({ kind }) => kind === 'watched')
    .map(({ stage, facts }) => `${stage} ${facts!.event}`);

describe('a delivery in waves', () => {
  it('refuses in the plan what no watch between waves could see, and names the ways out', async () => {
    configure({ for: '2s' }, { tolerate: '-20%' });
    expect((await deliver('1.0.0')).status).toBe(0);
    const { status, out } = await deliver('2.0.0');
    expect(status, out).toBe(1);
    expect(out).toMatch(/cannot see the fall.*`between-waves: \d+m` sees it.*`critical: false`.*--override/s);
    expect(current()).toEqual(['1.0.0', '1.0.0']);
  });

  it('goes on after a wave that cannot tell at first, and passes once it can', async () => {
    configure({ for: { min: '2s', max: '4s' }, 'between-waves': '250ms' }, { tolerate: '-40%' });
    const { status, out } = await deliver('2.0.0');
    expect(status, out).toBe(0);
    expect(current()).toEqual(['2.0.0', '2.0.0']);
    expect(watched()).toEqual(['deploy extended', 'deploy verdict', 'watch verdict']);
  });

  it('stops after a wave that cannot tell to the end, puts it back and says what to do', async () => {
    // Noise from end to end: however many numbers were sampled before the flip, one tick excludes nothing.
    configure({ for: '1s' }, { sql: undefined, command: 'date +%N', worse: 'up', tolerate: '+1%' });
    const { status, out } = await deliver('3.0.0');
    expect(status, out).toBe(1);
    expect(out).toMatch(/deploy +inconclusive .*1 put back, 1 untouched/s);
    expect(out).toMatch(/Next: write the post-mortem: \S+; then .*--override/);
    expect(change()).toMatchObject({ outcome: 'failed' });
    expect(current()).toEqual(['2.0.0', '2.0.0']);
  });

  it('passes with an override, who and why in ledger and report', async () => {
    configure({ for: { min: '500ms', max: '1s' } }, { tolerate: '-2%' });
    const { status, out } = await deliver('4.0.0', '--override', 'we <b>know</b> it');
    expect(status, out).toBe(0);
    expect(current()).toEqual(['4.0.0', '4.0.0']);
    const overrides = change().events.filter(({ kind }) => kind === 'override');
    expect(overrides.map(({ stage, why }) => `${stage}: ${why}`)).toEqual([
      'deploy: we <b>know</b> it',
      'watch: we <b>know</b> it',
    ]);
    const [, report] = /^Report: (.*)$/m.exec(out)!;
    const page = readFileSync(report!, 'utf8');
    expect(page).toContain('we &lt;b&gt;know&lt;/b&gt; it');
    expect(page).toContain('<svg class="chart"');
  });
});
