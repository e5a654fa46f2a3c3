import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobGiven, runJob } from '../support/runner.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'changeline-runner-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** An action whose main and post are these programs. */
async function action(name: string, main: string, post?: string): Promise<string> {
  const folder = join(home, name);
  await mkdir(folder, { recursive: true });
  const inputs = {
    greeting: { default: 'hello' },
    token: { default: '${{ github.token }}' },
    'job-status': { default: '${{ job.status }}' },
  };
  const runs = { using: 'node24', main: 'main.mjs', ...(post === undefined ? {} : { post: 'post.mjs' }) };
  await writeFile(join(folder, 'action.yml'), JSON.stringify({ name, inputs, runs }));
  await writeFile(join(folder, 'main.mjs'), `${PRELUDE}${main}`);
  if (post !== undefined) await writeFile(join(folder, 'post.mjs'), `${PRELUDE}${post}`);
  return folder;
}

const PRELUDE = `
import { appendFileSync } from 'node:fs';
const { env } = process;
const say = (text) => console.log(text);
const put = (file, text) => appendFileSync(env[file], text);
`;

function job(steps: JobGiven['steps'], more: Partial<JobGiven> = {}) {
  return runJob({ steps, workspace: home, temp: join(home, 'temp'), token: 'ghs_token', patience: 0.04, ...more });
}

describe('a job', () => {
  it('hands on inputs, outputs, environment, path, state, summary and annotations', async () => {
    const first = await action(
      'first',
      `put('GITHUB_OUTPUT', 'a=1\\nb<<E\\nx\\ny\\nE\\n'); put('GITHUB_ENV', 'LATER=yes\\n'); put('GITHUB_PATH', '/late\\n');
       put('GITHUB_STATE', 'kept=main\\n'); put('GITHUB_STEP_SUMMARY', '# one');
       say('::add-mask::hunter2'); say('::error file=a.yml,line=3::bad%0Athing hunter2'); say(env['INPUT_JOB-STATUS'] + ' ' + env.INPUT_GREETING);`,
      `say(env.STATE_kept + ' ' + env['INPUT_JOB-STATUS'])`,
    );
    const second = await action(
      'second',
      `say(env.LATER, env.INPUT_UNKNOWN); say(env.PATH.split(':')[0] + env.INPUT_TOKEN + env.INPUT_UNKNOWN)`,
    );
    const { steps, status } = await job([
      { action: first, with: { greeting: 'hi' } },
      { action: second, with: { unknown: 'u' } },
    ]);
    expect(status).toBe('success');
    expect(steps[0]).toMatchObject({ outcome: 'success', outputs: { a: '1', b: 'x\ny' }, summary: '# one' });
    expect(steps[0]!.main!.annotations).toEqual([
      { level: 'error', message: 'bad\nthing hunter2', file: 'a.yml', line: '3', title: null },
    ]);
    expect(steps[0]!.main!.log.trim()).toBe('Error: bad\nthing ***\nsuccess hi');
    expect(steps[0]!.post!.log.trim()).toBe('main success');
    expect(steps[1]!.main!.log.trim()).toBe('yes\n/late***u');
  });

  it('skips what comes after a failure and runs the posts in reverse with its status', async () => {
    const file = join(home, 'order');
    const note = (name: string) =>
      `appendFileSync(${JSON.stringify(file)}, '${name} ' + env['INPUT_JOB-STATUS'] + ';');`;
    const steps = [
      { action: await action('a', note('a'), note('post-a')) },
      { action: await action('b', `${note('b')} process.exit(1)`, note('post-b')) },
      { action: await action('c', note('c'), note('post-c')) },
      { action: await action('d', note('d'), note('post-d')), always: true },
    ];
    const result = await job(steps);
    expect([result.status, ...result.steps.map((step) => step.outcome)]).toEqual([
      'failure',
      'success',
      'failure',
      'skipped',
      'success',
    ]);
    expect(await readFile(file, 'utf8')).toBe(
      'a success;b success;d failure;post-d failure;post-b failure;post-a failure;',
    );
  });

  it.each([
    ['heeds SIGINT', `process.on('SIGINT', () => process.exit(3))`, { exitCode: 3, signal: null }],
    [
      'heeds SIGTERM only',
      `process.on('SIGINT', () => say('no')); process.on('SIGTERM', () => process.exit(4))`,
      { exitCode: 4, signal: null },
    ],
    [
      'heeds nothing',
      `process.on('SIGINT', () => {}); process.on('SIGTERM', () => {})`,
      { exitCode: null, signal: 'SIGKILL' },
    ],
  ])('ends an action that %s, and tells its post', async (_, main, ended) => {
    const folder = await action(
      'slow',
      `${main}; setInterval(() => {}, 1000); say('ready')`,
      `say(env['INPUT_JOB-STATUS'])`,
    );
    const { status, steps } = await job([
      { action: folder, cancelWhen: (output) => output.includes('ready') },
      { action: folder },
    ]);
    expect([status, steps[0]!.outcome, steps[1]!.outcome]).toEqual(['cancelled', 'cancelled', 'skipped']);
    expect(steps[0]!.main).toMatchObject(ended);
    expect(steps[0]!.post!.log.trim()).toBe('cancelled');
  });
});
