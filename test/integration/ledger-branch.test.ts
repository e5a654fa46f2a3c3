import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitHub, openGitHub } from '../../src/github/github.ts';
import {
  closeChange,
  type EnvironmentState,
  event,
  type Ledger,
  openBranchLedger,
  openChange,
  type Write,
} from '../../src/ledger/ledger.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { type Permissions, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

const BRANCH = 'changeline';
let standIn: StandIn;
let shop: Repository;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  shop.commit();
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

function github(permissions: Permissions = { contents: 'write' }): GitHub {
  return openGitHub({ token: standIn.token(permissions), apiUrl: standIn.url, repository: 'acme/shop', pause: 1 });
}

function ledger(permissions?: Permissions): Ledger {
  return openBranchLedger({ github: github(permissions), pause: 1 });
}

function opening(version: string): (state: EnvironmentState) => Write {
  const holder = { kind: 'shell', machine: 'm', pid: 1, started: 's', actor: 'octocat' } as const;
  const parts = { verb: 'deliver', version, digest: null, commit: null, config: null, holder };
  return (state) => openChange(state, parts, true);
}

function exclusive(version: string): (state: EnvironmentState) => Write {
  return (state) => {
    if (state.open) {
      throw new Failure({ code: 'change-open', what: `held by ${state.open.version}`, next: 'wait' });
    }
    return opening(version)(state);
  };
}

async function codeOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

const commits = () => [...shop.commits.values()].filter((commit) => commit.message.startsWith('production')).length;
const COMMIT = /createCommitOnBranch/;
const READ = /graphql query/;

describe('the branch', () => {
  it('is made at the first write, with a history of its own', async () => {
    expect((await ledger().state('production')).fence).toBe(0);
    const write = await ledger().write('production', opening('1.0.0'));
    const head = shop.find(BRANCH)!;
    expect(shop.find(head.parents[0]!)!.parents).toEqual([]);
    expect([...shop.filesAt(head.sha).keys()].sort()).toEqual([
      'README.md',
      `production/changes/${write.change.opened.slice(0, 7)}/${write.change.id}.json`,
      'production/state.json',
    ]);
    expect(await ledger().state('production')).toEqual(write.state);
    expect(await ledger().change('production', write.change.id)).toEqual(write.change);
    expect(await ledger().change('uat', write.change.id)).toBeNull();
    expect(await ledger().change('production', '../../README')).toBeNull();
  });

  it('costs one read and one write an event', async () => {
    const one = ledger();
    const { change } = await one.write('production', opening('1.0.0'));
    const before = standIn.requests.length;
    await one.write('production', (state) => closeChange(state, change, 'passed', event('closed')));
    expect(standIn.requests.slice(before).map((seen) => seen.request.slice(0, 21))).toEqual([
      'POST /graphql query (',
      'POST /graphql mutatio',
    ]);
  });

  it('keeps environments apart and tells the newest changes first', async () => {
    const one = ledger();
    for (let n = 1; n <= 25; n++) await one.write('production', opening(`1.0.${n}`));
    await one.write('uat', opening('2.0.0'));
    const recent = await one.recent('production', 22);
    expect(recent.length).toBe(22);
    expect(new Set(recent.map((change) => change.environment))).toEqual(new Set(['production']));
    expect((await one.recent('production', 100)).length).toBe(25);
    expect(await one.recent('dev', 5)).toEqual([]);
    expect((await one.state('production')).writes.length).toBe(20);
  });

  it('may lie in another repository', async () => {
    const ops = standIn.repository('acme', 'ops');
    ops.commit();
    await openBranchLedger({ github: github(), repository: 'acme/ops' }).write('production', opening('1.0.0'));
    expect([ops.branches.has(BRANCH), shop.branches.has(BRANCH)]).toEqual([true, false]);
  });
});

describe('writers at once', () => {
  it('lets each of them win once, and none undo another', async () => {
    await ledger().write('production', opening('0'));
    await Promise.all([1, 2, 3].map((n) => ledger().write('production', opening(String(n)))));
    const state = await ledger().state('production');
    expect(state.fence).toBe(4);
    expect((await ledger().recent('production', 9)).length).toBe(4);
  });

  it('folds again over what the other wrote, so that one open place is taken once', async () => {
    const results = await Promise.allSettled(['a', 'b'].map((name) => ledger().write('production', exclusive(name))));
    const refused = results.filter((one) => one.status === 'rejected');
    expect(refused.map((one) => one.reason.code)).toEqual(['change-open']);
  });

  it('ends where the head keeps moving', async () => {
    const other = ledger();
    await other.write('production', opening('0'));
    standIn.fault({ match: COMMIT, kind: 'before', times: 99, run: () => void shop.commit(BRANCH) });
    const failure = await codeOf(ledger().write('production', opening('1')));
    expect([failure.code, failure.untouched]).toEqual(['ledger-conflict', 'this event is not recorded']);
  });
});

describe('an answer that is lost', () => {
  beforeEach(async () => void (await ledger().write('production', opening('0'))));

  it.each(['drop-after', 'cut'] as const)('is recognised as landed (%s)', async (kind) => {
    let folds = 0;
    standIn.fault({ match: COMMIT, kind });
    const write = await ledger().write('production', (state) => {
      folds++;
      return exclusive('1')({ ...state, open: null });
    });
    expect(folds).toBe(1);
    expect(commits()).toBe(2);
    expect((await ledger().state('production')).open!.change).toBe(write.change.id);
  });

  it.each(['drop', 'status'] as const)('is sent again where it did not land (%s)', async (kind) => {
    standIn.fault({ match: COMMIT, kind });
    await ledger().write('production', opening('1'));
    expect(commits()).toBe(2);
  });

  it('is recognised although another wrote meanwhile', async () => {
    const other = ledger();
    standIn.fault({ match: COMMIT, kind: 'drop-after' });
    const [mine] = await Promise.all([
      ledger().write('production', opening('1')),
      other.write('production', opening('2')),
    ]);
    expect(commits()).toBe(3);
    expect(await other.change('production', mine.change.id)).toEqual(mine.change);
  });

  it('is recognised although the next read is stale', async () => {
    await ledger().state('production');
    standIn.fault({ match: COMMIT, kind: 'drop-after' });
    let reads = 0;
    const write = await ledger().write('production', (state) => {
      // The read after the lost answer shows the ledger as it was before.
      if (reads++ === 0) standIn.fault({ match: READ, kind: 'stale' });
      return opening('1')(state);
    });
    expect([reads, commits()]).toEqual([2, 2]);
    expect((await ledger().state('production')).open!.change).toBe(write.change.id);
  });

  it('of the creation of the branch is no error either', async () => {
    shop.branches.delete(BRANCH);
    standIn.fault({ match: /git\/refs/, kind: 'drop-after' });
    await ledger().write('production', opening('1'));
    expect((await ledger().state('production')).open!.version).toBe('1');
  });
});

describe('what cannot be read or written', () => {
  it.each([
    ['no JSON', '{"schema": 1,'],
    ['a later schema', '{"schema": 2, "environment": "production", "writes": []}'],
    ['another environment', '{"schema": 1, "environment": "uat", "writes": []}'],
    ['null', 'null'],
  ])('is never overwritten: %s', async (_, text) => {
    await ledger().write('production', opening('0'));
    const damaged = shop.commit(BRANCH, { files: { 'production/state.json': text } });
    for (const work of [ledger().state('production'), ledger().write('production', opening('1'))]) {
      expect((await codeOf(work)).code).toBe('ledger-damaged');
    }
    expect(shop.branches.get(BRANCH)).toBe(damaged);
  });

  it.each([
    ['a token that only reads', { contents: 'read' }, 'github-denied', 'contents: write'],
    ['a token that may not even read', {}, 'github-denied', 'contents: read'],
  ] as const)('says so for %s', async (_, permissions, code, next) => {
    await ledger().write('production', opening('0'));
    const failure = await codeOf(ledger(permissions).write('production', opening('1')));
    expect([failure.code, failure.next]).toEqual([code, expect.stringContaining(next)]);
  });

  it('says so where the branch cannot be created with that token', async () => {
    const failure = await codeOf(ledger({ contents: 'read' }).write('production', opening('1')));
    expect([failure.code, failure.next]).toEqual(['github-denied', expect.stringContaining('contents: write')]);
  });

  it.each(['before', 'after'])('names the ruleset that forbids it (%s the branch is there)', async (when) => {
    if (when === 'after') await ledger().write('production', opening('0'));
    shop.ruled.add(BRANCH);
    const failure = await codeOf(ledger().write('production', opening('1')));
    expect([failure.code, failure.next]).toEqual(['ledger-unreachable', expect.stringContaining('ruleset')]);
  });

  it('says what an empty repository needs', async () => {
    standIn.repository('acme', 'empty');
    const empty = openBranchLedger({ github: github(), repository: 'acme/empty' });
    expect((await empty.state('production')).fence).toBe(0);
    const failure = await codeOf(empty.write('production', opening('1')));
    expect([failure.code, failure.next]).toEqual(['ledger-unreachable', expect.stringContaining('first commit')]);
  });

  it('says so where the repository is not there', async () => {
    const failure = await codeOf(openBranchLedger({ github: github(), repository: 'acme/gone' }).state('production'));
    expect([failure.code, failure.where]).toEqual(['ledger-unreachable', `the branch ${BRANCH} of acme/gone`]);
  });

  it.each([/git\/refs/, COMMIT])('says so where writes get no answer (%s)', async (match) => {
    if (match === COMMIT) await ledger().write('production', opening('0'));
    standIn.fault({ match, kind: 'drop', times: 99 });
    expect((await codeOf(ledger().write('production', opening('1')))).code).toBe('ledger-unreachable');
  });

  it('says so where GitHub does not answer', async () => {
    standIn.fault({ match: /graphql/, kind: 'status', status: 502, times: 99 });
    expect((await codeOf(ledger().state('production'))).code).toBe('ledger-unreachable');
  });
});

describe('the ledger of a public repository', () => {
  const hosts = { hosts: [{ host: 'deploy@web1.example.com' }] };
  const stage = event('stage', {
    stage: 'backup',
    outcome: 'passed',
    code: 'ok',
    summary: '1,204 rows equal',
    facts: hosts,
    took: 5,
  });

  async function kept(options: { details?: boolean }): Promise<string> {
    const book = openBranchLedger({ github: github(), pause: 1, ...options });
    const { change } = await book.write('production', opening('1.0.0'));
    const told = await book.write('production', (state) =>
      closeChange(
        state,
        { ...change, events: [...change.events, stage] },
        'failed',
        event('closed', { why: 'revenue fell to 12 EUR' }),
      ),
    );
    // Who writes still knows it all: the report of this run is made from it.
    expect(JSON.stringify(told)).toContain('1,204 rows');
    return JSON.stringify(await book.change('production', change.id));
  }

  it('holds no hosts, money or row counts, but what happened, when and how it ended', async () => {
    shop.isPrivate = false;
    const text = await kept({});
    expect(text).not.toMatch(/web1|1,204|EUR/);
    expect(text).toContain('"code":"ok"');
    expect(text).toContain('"took":5');
  });

  it('holds them where that is asked for, and in a private one', async () => {
    shop.isPrivate = false;
    expect(await kept({ details: true })).toMatch(/web1.*EUR/s);
    shop.isPrivate = true;
    expect(await kept({})).toMatch(/web1.*EUR/s);
  });
});
