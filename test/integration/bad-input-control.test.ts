/**
 * What a person may get wrong in freezing, approving, overriding and asking the doctor: each is refused with one error
 * that says what, where and what next, and neither the ledger nor a host is touched.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { changeline, type Said } from '../support/changeline.ts';
import { runJob } from '../support/runner.ts';
import { root } from '../support/tool.ts';
import { filesBelow, snapshot } from '../support/trees.ts';

let place: string;
let before: ReturnType<typeof state>;

const run = (args: string[], env: Record<string, string> = {}) => changeline(args, place, env);
/** What is on the host, and what the ledger says is frozen, live, open and asked. */
const state = () => {
  const file = readFileSync(join(place, 'ledger/production/state.json'), 'utf8');
  const { freezes, live, open, requests } = JSON.parse(file) as Record<string, unknown>;
  return { host: snapshot(join(place, 'host')), freezes, live, open, requests };
};

/** One error with one next step, the exit code, and nothing changed. */
function refused(said: Said, status: number, ...words: (string | RegExp)[]): void {
  expect(said.status, said.out).toBe(status);
  for (const word of words) expect(said.out).toMatch(word);
  expect(said.out.match(/\bNext: /g), said.out).toHaveLength(1);
  expect(said.out).not.toMatch(/^ +at |node:internal|\[object|undefined/m);
}

function configure(production: Record<string, unknown>, top: Record<string, unknown> = {}): void {
  const config = { name: 'app', artifact: './app-{version}', ledger: './ledger', ...top };
  mkdirSync(join(place, '.github'), { recursive: true });
  writeFileSync(join(place, '.github/changeline.yml'), stringify({ ...config, environments: { production } }));
}

const SOUND = { hosts: ['./host'], deploy: { waves: ['100%'] } };

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'changeline-control-'));
  mkdirSync(join(place, 'host'));
  mkdirSync(join(place, 'app-1.0.0'));
  writeFileSync(join(place, 'app-1.0.0/VERSION'), '1.0.0\n');
  configure(SOUND);
  const frozen = await run(['freeze', '--why', 'the bank is down', '--until', '2h']);
  expect(frozen.status, frozen.out).toBe(0);
  before = state();
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('a command line', () => {
  const until = ['freeze', '--why', 'x', '--until'];
  it.concurrent.each([
    [['freeze'], 2, 'freeze needs --why', 'everyone who is stopped'],
    [['freeze', '--end'], 2, 'freeze needs --why'],
    [['freeze', '--why', 'a'.repeat(301)], 2, 'why has 301 characters', 'at most 300'],
    [['freeze', '--why', '\u202e\u200f'], 2, 'why has no visible character'],
    [['freeze', '--why', '\u200b\u2060'], 2, 'why has no visible character', 'No freeze was opened or ended'],
    [[...until, 'yesterday'], 2, 'until is "yesterday"', '4h', '2026-12-24T18:00Z'],
    [[...until, '2026-13-01'], 2, 'until is "2026-13-01"', 'time zone'],
    [[...until, '2020-01-01T00:00Z'], 2, 'over already'],
    [[...until, '90d'], 2, 'more than 60 days'],
    [['freeze', '--end', 'maybe', '--why', 'x'], 2, '--end is followed by "maybe"', 'write --end alone'],
    [['freeze', '--end=maybe', '--why', 'x'], 2, '--end is "maybe"', 'true or false'],
    [['freeze', '--end', '--why', 'x', '--until', '2h'], 2, 'end and until are both given'],
    [['freeze', '--wy', 'x'], 2, 'no input --wy', 'did you mean --why'],
    [['freeze', '--why', 'the', 'bank'], 2, '"bank" is not an option', 'quotes'],
    [['freeze', '--why', 'x', '--environment', 'prodution'], 2, 'no environment "prodution"', 'it has production'],
    [['deliver', '--version', '1.0.0'], 1, 'production is frozen until', 'the bank is down', '--end', 'override'],
    [['deploy', '--version', '1.0.0'], 1, 'production is frozen until', 'a rollback is always allowed'],
    [['rollback', '--override', 'x'], 2, 'rollback has no input --override'],
    [['approve', '--verison', '1.0.0'], 2, 'no input --verison', 'did you mean --version'],
    [['approve', '--override', 'x'], 2, 'approve has no input --override'],
    [['status', '--json'], 2, 'status has no option --json', '--environment, --config'],
    [['doctor', '--json'], 2, 'doctor has no option --json'],
    [['doctor', '--environment', 'prodution'], 2, 'no environment "prodution"', 'did you mean production'],
    [['doctor'], 1, 'GITHUB_REPOSITORY', 'CHANGELINE_TOKEN'],
  ] as [string[], number, ...string[]][])('%j', async (args, status, ...words) => {
    refused(await run(args), status, ...words);
    expect(state()).toEqual(before);
  });
});

describe('the actions, as the runner calls them', () => {
  it('refuse what they do not know, and what they need and do not get', async () => {
    const step = (action: string, given: Record<string, string>) => ({
      action: join(root, 'actions', action),
      with: given,
      continueOnError: true,
    });
    const { steps } = await runJob({
      workspace: place,
      temp: join(place, 'temp'),
      env: { PATH: process.env.PATH!, HOME: process.env.HOME! },
      steps: [
        step('freeze', { why: '', environment: 'production' }),
        step('freeze', { why: 'x', untl: '2h' }),
        step('freeze', { why: 'x', end: 'maybe' }),
        step('approve', { versoin: '1.0.0' }),
        step('gate', { observe: 'true' }),
      ],
    });
    const said = steps.map(({ outcome, outputs, main }) => [outcome, outputs.code, main!.annotations.length]);
    expect(said).toEqual([
      ['failure', 'input-missing', 1],
      ['failure', 'input-unknown', 1],
      ['failure', 'input-invalid', 1],
      ['failure', 'input-unknown', 1],
      ['failure', 'input-unknown', 1],
    ]);
    expect(steps.map(({ main }) => main!.log).join('\n')).not.toMatch(/^ +at |node:internal|\[object|undefined/m);
    expect(steps[1]!.main!.annotations[0]).toMatchObject({ message: expect.stringContaining('did you mean `until`') });
    expect(state()).toEqual(before);
  });
});

describe('changeline.yml', () => {
  it.each([
    [{ ...SOUND, freeze: { windows: [{ from: 'Fri 25:00', to: 'Mon 08:00', why: 'x' }] } }, {}, 'Fri 25:00'],
    [{ ...SOUND, approve: { required: 2, from: ['octocat'] } }, {}, 'approve.required is 2'],
    [SOUND, { gate: { observe: 'yes' } }, 'gate.observe is "yes"; it must be true or false'],
  ])('with a mistake stops freezes and deliveries alike: %j %j', async (production, top, words) => {
    const file = join(place, '.github/changeline.yml');
    const sound = readFileSync(file, 'utf8');
    configure(production, top);
    try {
      refused(await run(['freeze', '--why', 'x']), 2, /changeline\.yml:\d+: /, words);
      refused(await run(['deliver', '--version', '1.0.0', '--override', 'x']), 2, /changeline\.yml:\d+: /, words);
    } finally {
      writeFileSync(file, sound);
    }
    expect(state()).toEqual(before);
  });
});

it('what was refused until now goes through with a reason, which the ledger keeps', async () => {
  const said = await run(['deliver', '--version', '1.0.0', '--override', 'the fix for the bank']);
  expect(said.status, said.out).toBe(0);
  expect(existsSync(join(place, 'host/current'))).toBe(true);
  const record = filesBelow(join(place, 'ledger')).map(({ bytes }) => String(bytes));
  expect(record.filter((text) => text.includes('the fix for the bank'))).not.toEqual([]);
});
