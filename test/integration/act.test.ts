import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ActResult, actBinary, runWorkflow, workspaceSha } from '../support/act.ts';
import { type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

/** Writes a status by each of the three ways in which actions speak HTTP, and says what came of it. */
const ACTION = `
import { appendFileSync } from 'node:fs';
import http from 'node:http';
const { env } = process;
const url = env.GITHUB_API_URL + '/repos/acme/shop/statuses/' + env.GITHUB_SHA;
const headers = { authorization: 'Bearer ' + env.INPUT_TOKEN, 'content-type': 'application/json' };
const body = JSON.stringify({ state: 'success', context: env.GITHUB_JOB });
const fetched = (await fetch(url, { method: 'POST', headers, body })).status;
const asked = await new Promise((done) => http.request(url, { method: 'POST', headers }, (answer) => (answer.resume(), done(answer.statusCode))).end(body));
appendFileSync(env.GITHUB_OUTPUT, 'statuses=' + [fetched, asked].join() + '\\n');
appendFileSync(env.GITHUB_STEP_SUMMARY, '# ' + env.GITHUB_JOB + '\\n');
console.log('::warning::in ' + env.GITHUB_JOB + ' for ' + env.INPUT_VERSION);
`;

const WORKFLOW = `
name: Deliver a+b
on:
  workflow_dispatch: { inputs: { version: { type: string, required: true } } }
permissions: { contents: read }
jobs:
  writes:
    runs-on: ubuntu-latest
    permissions: { statuses: write }
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - { id: status, uses: acme/changeline/actions/status@v1, with: { version: "\${{ inputs.version }}" } }
      - run: test -f .github/workflows/deliver.yml
  reads:
    runs-on: ubuntu-latest
    steps:
      - { id: status, uses: acme/changeline/actions/status@v1 }
  fails:
    needs: reads
    runs-on: ubuntu-latest
    steps:
      - { id: bad, run: exit 3 }
      - { id: after, run: 'true' }
  never:
    needs: fails
    runs-on: ubuntu-latest
    steps: [{ run: 'true' }]
`;

describe.skipIf(actBinary() === null)('a workflow run by act', () => {
  let home: string;
  let standIn: StandIn;
  let shop: Repository;
  let result: ActResult;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'changeline-acttest-'));
    const inputs = { token: { default: '${{ github.token }}' }, version: { default: 'none' } };
    const manifest = { name: 'status', inputs, runs: { using: 'node24', main: 'main.mjs' } };
    const files = {
      'changeline/actions/status/action.yml': JSON.stringify(manifest),
      'changeline/actions/status/main.mjs': ACTION,
      'shop/.github/workflows/deliver.yml': WORKFLOW,
    };
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(home, file)), { recursive: true });
      await writeFile(join(home, file), text);
    }
    standIn = await startStandIn();
    shop = standIn.repository('acme', 'shop');
    shop.commit('main', { sha: workspaceSha(join(home, 'shop')) });
    result = await runWorkflow({
      standIn,
      workspace: join(home, 'shop'),
      workflow: '.github/workflows/deliver.yml',
      event: 'workflow_dispatch',
      inputs: { version: '1.1.0' },
      actions: { 'acme/changeline': join(home, 'changeline') },
    });
  }, 60_000);

  afterAll(async () => {
    await standIn.close();
    await rm(home, { recursive: true, force: true });
  });

  it('has the permissions of each job, not those of the shared token', () => {
    expect(result.step('writes', 'status').outputs.statuses).toBe('201,201');
    expect(result.step('reads', 'status').outputs.statuses).toBe('403,403');
    expect(shop.statuses.map((status) => status.context)).toEqual(['writes', 'writes']);
    expect(standIn.violations).toEqual([]);
  });

  it('tells how each job and step went', () => {
    const results = Object.fromEntries(Object.values(result.jobs).map((job) => [job.id, job.result]));
    expect(results).toMatchObject({ writes: 'success', reads: 'success', fails: 'failure' });
    expect(result.exitCode).toBe(1);
    expect(result.jobs.never?.result ?? 'skipped').not.toBe('success');
    expect(result.step('fails', 'bad').main).toBe('failure');
    expect(result.step('writes', '2').main).toBe('success');
  });

  it('gives inputs, summaries and annotations', () => {
    expect(result.step('writes', 'status')).toMatchObject({
      summary: '# writes\n',
      annotations: [{ level: 'warning', message: 'in writes for 1.1.0' }],
    });
    expect(result.log).not.toContain('ghs_standin');
  });
});
