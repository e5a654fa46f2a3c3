/** Pull requests, the queue and overrides as GitHub tells of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GateSection } from '../../src/config/config.ts';
import { gateSchema } from '../../src/config/control.ts';
import { headsFrom, queueFrom } from '../../src/gate/heads.ts';
import { GATE_RECORD, takeOverride, verifyOverrides } from '../../src/gate/override.ts';
import type { Head } from '../../src/gate/pull.ts';
import { type PullPage, pullsFrom } from '../../src/gate/pull-answer.ts';
import {
  pullsNeed,
  pullsSelection,
  queuePrefix,
  queueSelection,
  readPaths,
  readRest,
  wantedBy,
} from '../../src/gate/pulls.ts';
import { findingsOn } from '../../src/gate/rules.ts';
import { type GitHub, openGitHub, type Runner } from '../../src/github/github.ts';
import { type Ledger, type Override, openBranchLedger, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import {
  type Comment,
  type Permissions,
  type Pull,
  type Repository,
  type StandIn,
  startStandIn,
} from '../support/github/stand-in.ts';

const LEAST: Permissions = {
  actions: 'read',
  checks: 'read',
  contents: 'read',
  issues: 'read',
  'pull-requests': 'read',
  statuses: 'write',
};
const ALL = { review: {}, evidence: ['test', 'scan'], 'fix-brings-test': {}, size: { files: 100 } };

let standIn: StandIn;
let shop: Repository;
let main: string;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  main = shop.commit();
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

function github(permissions: Permissions = LEAST): GitHub {
  return openGitHub({ token: standIn.token(permissions), apiUrl: standIn.url, repository: 'acme/shop', pause: 1 });
}

const rules = (given: Record<string, unknown>): GateSection => gateSchema.parse(given);

/** All pages and the queue, composed as the gate does. */
async function heads(section: GateSection | null, hub = github(), headRef: string | null = null): Promise<Head[]> {
  const wanted = wantedBy(section);
  const pages: PullPage[] = [];
  let queue: unknown = { queue: null };
  let after: string | null = null;
  do {
    const query: string = `query ($owner: String!, $repo: String!, $branch: String!, $after: String, $queuePrefix: String!${headRef ? ', $headRef: String' : ''}) {
  repository(owner: $owner, name: $repo) {
    ${pullsSelection(wanted, { headRef: headRef !== null })}
    ${queueSelection()}
  }
}`;
    const variables = {
      ...hub.at,
      branch: 'main',
      after,
      queuePrefix: queuePrefix('main'),
      ...(headRef ? { headRef } : {}),
    };
    const answer: { repository: unknown } = await hub.graphql(query, variables, pullsNeed(wanted));
    const { pulls, next } = pullsFrom(answer.repository);
    pages.push(await readRest(hub, pulls, wanted));
    queue = answer.repository;
    after = next;
  } while (after !== null);
  return headsFrom(pages, queueFrom(queue));
}

function branch(name: string, files: Record<string, string> = { [name]: '1' }): string {
  shop.branches.set(name, main);
  return shop.commit(name, { files });
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Failure);
  return thrown as Failure;
}

describe('open pull requests', () => {
  it('are read with what the gate wrote on their heads, and only those of the branch', async () => {
    const head = branch('feature');
    const pull = shop.pull(head, 'main', 'open', {
      title: 'x',
      author: null,
      draft: true,
      mergeable: null,
      autoMerge: true,
    });
    shop.pull(head, 'main', 'closed');
    shop.pull(branch('other'), 'release');
    shop.status(head, 'changeline/gate', 'failure', { description: 'main is red' });
    const [one, ...more] = await heads(null);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ sha: head, inQueue: false, status: { state: 'failure', description: 'main is red' } });
    expect(one?.pulls).toEqual([
      expect.objectContaining({
        number: pull.number,
        author: null,
        draft: true,
        mergeable: null,
        autoMerge: true,
        details: null,
      }),
    ]);
  });

  it('of one branch are found by its name', async () => {
    const pull = shop.pull(branch('a'), 'main', 'open', { headRef: 'a' });
    shop.pull(branch('b'), 'main', 'open', { headRef: 'b' });
    expect((await heads(null, github(), 'a')).map(({ pulls }) => pulls[0]?.number)).toEqual([pull.number]);
  });

  it('are read page by page, each once, although one is closed between the pages', async () => {
    const pulls = Array.from({ length: 205 }, (_, index) => shop.pull(branch(`b${index}`)));
    let asked = 0;
    const run = () => {
      if (++asked === 2) shop.closePull(pulls[3]!);
    };
    standIn.fault({ match: /graphql/, kind: 'before', times: 3, run });
    const read = await heads(null);
    const numbers = read.flatMap((head) => head.pulls.map(({ number }) => number));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect([asked, numbers.length]).toEqual([3, 205]);
  });

  it('that share a head are one head', async () => {
    const head = branch('feature');
    const numbers = [shop.pull(head).number, shop.pull(head).number];
    expect((await heads(null)).map(({ pulls }) => pulls.map(({ number }) => number))).toEqual([numbers]);
  });

  it('of a fork that is gone keep their head', async () => {
    shop.pull(branch('feature'), 'main', 'open', { fork: true });
    expect(await heads(rules(ALL))).toHaveLength(1);
  });

  it.each([
    ['pull-requests', null, 'pull-requests: read'],
    ['statuses', null, 'statuses: read'],
    ['checks', ALL, 'checks: read'],
    ['actions', ALL, 'actions: read'],
    ['issues', ALL, 'issues: read'],
  ])('without the permission %s name it', async (permission, section, expected) => {
    const pull = shop.pull(branch('feature'), 'main', 'open', { closes: [shop.issue().number] });
    shop.run(pull.head, { event: 'pull_request', jobs: [{ name: 'test' }] });
    const failure = await failureOf(heads(section && rules(section), github({ ...LEAST, [permission]: 'none' })));
    expect([failure.code, failure.next]).toEqual(['github-denied', expect.stringContaining(expected)]);
  });
});

describe('the merge queue', () => {
  it('tells which pull requests each group holds, and what the gate wrote on it', async () => {
    const [a, b] = [shop.pull(branch('a')), shop.pull(branch('b'))];
    const [first, second] = [shop.enqueue(a), shop.enqueue(b)];
    shop.status(second.head, 'changeline/gate', 'pending', { description: 'x' });
    const queued = (await heads(null)).filter(({ inQueue }) => inQueue);
    expect(queued.map(({ sha, pulls }) => [sha, pulls.map(({ number }) => number)])).toEqual([
      [first.head, [a.number]],
      [second.head, [a.number, b.number]],
    ]);
    expect(queued.map(({ status }) => status?.state ?? null)).toEqual([null, 'pending']);
  });
});

describe('what the rules look at', () => {
  const section = rules(ALL);
  const now = new Date();

  async function found(): Promise<string[]> {
    const [head] = await heads(section);
    const pull = head!.pulls[0]!;
    const paths = await readPaths(github(), [pull.number]);
    const whole = { ...pull, details: { ...pull.details!, paths: paths.get(pull.number) ?? null } };
    return findingsOn(whole, head!.sha, section, now).map(({ code, text }) => `${code} ${text}`);
  }

  it('is nothing amiss where all is there', async () => {
    const bug = shop.issue({ labels: ['Bug'] });
    const files = [{ path: 'src/a.ts' }, { path: 'test/a.test.ts', how: 'ADDED' }];
    const pull = shop.pull(branch('fix'), 'main', 'open', { closes: [bug.number], files });
    shop.role('hubot', 'write');
    shop.review(pull, { by: 'hubot', state: 'APPROVED' });
    shop.run(pull.head, { event: 'pull_request', jobs: [{ name: 'test' }] });
    shop.status(pull.head, 'scan', 'success');
    expect(await found()).toEqual([]);
  });

  it('is found where it is not', async () => {
    const bug = shop.issue({ labels: ['bug'] });
    const files = [{ path: 'src/a.ts' }, { path: 'test/a.test.ts', how: 'DELETED', additions: 0, deletions: 4 }];
    const pull = shop.pull(branch('fix'), 'main', 'open', { closes: [bug.number], files });
    shop.role('hubot', 'write');
    shop.review(pull, { by: 'hubot', state: 'APPROVED', sha: main });
    shop.review(pull, { by: null, state: 'APPROVED' });
    shop.review(pull, { by: 'stranger', state: 'CHANGES_REQUESTED' });
    shop.run(pull.head, { event: 'pull_request', jobs: [{ name: 'test', conclusion: 'timed_out' }] });
    const short = pull.head.slice(0, 7);
    expect(await found()).toEqual([
      `evidence-failed "test" is not green on ${short}: timed_out`,
      `evidence-missing "scan" has not run on ${short}`,
      `review-missing 0 of 1 approvals by others at ${short}; hubot approved an older head (${main.slice(0, 7)})`,
      expect.stringMatching(`^test-missing closes #${bug.number} \\(bug\\) without a test: .*\\*\\*/test/\\*\\*`),
    ]);
  });

  it('is an approval of oneself, by who pushed the head', async () => {
    const pull = shop.pull(shop.commit('fix', { author: 'hubot' }), 'main', 'open', { author: 'octocat' });
    shop.role('hubot', 'write');
    shop.review(pull, { by: 'hubot', state: 'APPROVED' });
    expect(await found()).toEqual(expect.arrayContaining([expect.stringContaining('review-missing 0 of 1')]));
  });

  it('is the checks of the head alone: a push takes them away', async () => {
    const pull = shop.pull(branch('fix'), 'main', 'open', { headRef: 'fix' });
    shop.run(pull.head, { event: 'pull_request', jobs: [{ name: 'test' }, { name: 'scan' }] });
    shop.commit('fix', { files: { more: '1' } });
    const short = pull.head.slice(0, 7);
    expect(await found()).toEqual(expect.arrayContaining([`evidence-missing "test" has not run on ${short}`]));
  });

  it('is every check of a head that has a thousand', async () => {
    const pull = shop.pull(branch('fix'));
    const jobs = Array.from({ length: 998 }, (_, index) => ({ name: `job ${index}` }));
    shop.run(pull.head, {
      event: 'pull_request',
      jobs: [{ name: 'test' }, ...jobs, { name: 'scan', conclusion: 'failure' }],
    });
    shop.role('hubot', 'write');
    shop.review(pull, { by: 'hubot', state: 'APPROVED' });
    expect(await found()).toEqual([expect.stringContaining('evidence-failed "scan"')]);
    expect(standIn.requests.length).toBeLessThanOrEqual(11);
  });

  it('is every closed issue of a pull request that closes many', async () => {
    const closes = Array.from({ length: 12 }, () => shop.issue().number);
    closes.push(shop.issue({ labels: ['incident'] }).number);
    shop.pull(branch('fix'), 'main', 'open', { closes, files: [{ path: 'a' }] });
    expect(await found()).toEqual(
      expect.arrayContaining([expect.stringContaining(`closes #${closes[12]} (incident)`)]),
    );
  });

  it('costs one page of 100 pull requests no more than some of the points of an hour', async () => {
    for (let index = 0; index < 100; index++) shop.pull(branch(`b${index}`));
    standIn.clear();
    await heads(section);
    expect(standIn.requests).toHaveLength(1);
    expect(standIn.used.cost).toBeLessThanOrEqual(15);
  });
});

describe('changed paths', () => {
  it('are read whole, of several pull requests in one query', async () => {
    const files = (count: number) => Array.from({ length: count }, (_, index) => ({ path: `f${index}` }));
    const large = shop.pull(branch('a'), 'main', 'open', { files: files(250) });
    const small = Array.from({ length: 30 }, (_, index) =>
      shop.pull(branch(`s${index}`), 'main', 'open', { files: files(1) }),
    );
    standIn.clear();
    const paths = await readPaths(
      github(),
      [large, ...small].map(({ number }) => number),
    );
    expect(paths.get(large.number)).toHaveLength(250);
    expect(paths.size).toBe(31);
    expect(standIn.requests).toHaveLength(4);
  });

  it('of nobody are not asked for', async () => {
    expect((await readPaths(github(), [])).size).toBe(0);
    expect(standIn.requests).toEqual([]);
  });
});

describe('an override', () => {
  const section = rules({});
  const ANSWERS: Permissions = { ...LEAST, contents: 'write', 'pull-requests': 'write' };
  let pull: Pull;
  let directory: string;
  let ledger: Ledger;

  beforeEach(() => {
    pull = shop.pull(branch('fix'), 'main', 'open', { author: 'monalisa' });
    shop.role('hubot', 'maintain');
    shop.role('reader', 'write');
    directory = mkdtempSync(join(tmpdir(), 'gate-'));
    ledger = openDirectoryLedger(directory);
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const told = () => shop.commentsOn(pull.number).filter(({ by }) => by === 'github-actions[bot]');

  function runner(comment: Comment, action = 'created'): Runner {
    standIn.clear();
    const payload = {
      action,
      issue: {
        number: comment.issue,
        pull_request: shop.pulls.some(({ number }) => number === comment.issue) ? {} : undefined,
      },
      comment: { id: comment.id, node_id: `IC_${comment.id}` },
    };
    const rest = { sha: main, ref: 'refs/heads/main', attempt: '1', job: 'override', workflow: 'Gate', hosted: true };
    const urls = {
      serverUrl: 'https://github.com',
      apiUrl: standIn.url,
      url: 'https://github.com/acme/shop/actions/runs/9',
    };
    return { repository: 'acme/shop', event: 'issue_comment', payload, run: '9', actor: 'hubot', ...rest, ...urls };
  }

  async function take(
    comment: Comment,
    given: { ledger?: Ledger | null; section?: GateSection | null; permissions?: Permissions } = {},
  ) {
    const { permissions = ANSWERS } = given;
    const to = given.ledger === undefined ? ledger : given.ledger;
    return takeOverride(
      github(permissions),
      to,
      given.section === undefined ? section : given.section,
      runner(comment),
    );
  }

  const say = (body: string, by: string | null = 'hubot') => shop.comment(pull.number, { by, body });
  const counted = async () => {
    const { overrides } = await ledger.state(GATE_RECORD);
    return verifyOverrides(github(), overrides, section.override, github().now());
  };

  it('counts, is recorded, and is answered', async () => {
    const taken = await take(say('/override for 2h because <b>prod</b> $(id) is down\nmore'));
    expect(taken).toMatchObject({ code: 'ok', pull: pull.number, override: { by: 'hubot', pull: pull.number } });
    expect(taken.override?.why).toBe('<b>prod</b> $(id) is down');
    const { overrides } = await ledger.state(GATE_RECORD);
    expect(overrides).toEqual([taken.override]);
    const [change] = await ledger.recent(GATE_RECORD, 5);
    expect([change?.verb, change?.outcome, change?.events.map(({ kind }) => kind)]).toEqual([
      'gate',
      'passed',
      ['opened', 'override', 'closed'],
    ]);
    expect(told().map(({ body }) => body)).toEqual([expect.stringContaining('hubot (has the role maintain)')]);
    expect(told()[0]?.body).not.toContain('<b>');
    expect(await counted()).toEqual([taken.override]);
  });

  it('lasts a day from when it was written where it does not say', async () => {
    const comment = say('/override because prod is down');
    const taken = await take(comment);
    expect(Date.parse(taken.override?.until ?? '') - Date.parse(comment.at)).toBe(24 * 3_600_000);
  });

  it('is taken and answered once, however often the run is started again', async () => {
    const comment = say('/override because prod is down');
    const [first, second] = [await take(comment), await take(comment)];
    expect(second.override).toEqual(first.override);
    expect((await ledger.recent(GATE_RECORD, 5)).length).toBe(1);
    expect(told()).toHaveLength(1);
  });

  it('is answered although the run died after it was recorded', async () => {
    const comment = say('/override because prod is down');
    standIn.fault({ match: /^POST .*comments/, kind: 'status', status: 403, body: { message: 'no' } });
    await failureOf(take(comment));
    expect((await ledger.state(GATE_RECORD)).overrides).toHaveLength(1);
    await take(comment);
    expect((await ledger.recent(GATE_RECORD, 5)).length).toBe(1);
    expect(told()).toHaveLength(1);
  });

  it.each([
    ['who may only write', () => say('/override because x', 'reader'), 'has only write'],
    ['a stranger', () => say('/override because x', 'stranger'), 'has no role'],
    ['an app', () => say('/override because x', 'renovate[bot]'), 'is an app'],
    ['an account that is gone', () => say('/override because x', null), 'the account is gone'],
    ['nobody with a reason', () => say('/override'), 'gives no reason'],
    ['somebody for too long', () => say('/override for 48h because x'), 'longer than'],
    ['who edited it', () => shop.editComment(say('/override because x'), '/override because y'), 'was edited'],
    ['who hid it', () => Object.assign(say('/override because x'), { minimized: true }), 'was hidden'],
    [
      'who is a day late',
      () => shop.comment(pull.number, { by: 'hubot', body: '/override for 1m because x', at: '2026-01-01T00:00:00Z' }),
      'over already',
    ],
    ['who ends what is not on', () => say('/override end'), 'none is on'],
  ])('does not count by %s, and says so', async (_, comment, why) => {
    const taken = await take(comment());
    expect([taken.code, taken.summary, taken.override]).toEqual([
      'override-refused',
      expect.stringContaining(why),
      null,
    ]);
    expect((await ledger.state(GATE_RECORD)).overrides).toEqual([]);
    expect(told()).toHaveLength(1);
    expect(told()[0]?.body).toContain('does not count');
  });

  it('does not count on a pull request that is closed', async () => {
    const comment = say('/override because x');
    shop.closePull(pull);
    expect((await take(comment)).summary).toBe('the pull request is not open');
  });

  it('says what is missing without a ledger or a section', async () => {
    expect((await take(say('/override because x'), { ledger: null })).summary).toContain('needs a changeline.yml');
    expect((await take(say('/override because x'), { section: null })).summary).toContain('needs a changeline.yml');
    expect(told()).toHaveLength(2);
  });

  it.each([
    ['a comment that asks for none', () => say('thanks')],
    ['a comment on an issue', () => shop.comment(shop.issue().number, { by: 'hubot', body: '/override because x' })],
  ])('is not taken from %s', async (_, comment) => {
    expect((await take(comment())).code).toBe('nothing-to-do');
    expect(told()).toEqual([]);
  });

  it('is not taken from a comment that is edited, or gone', async () => {
    const comment = say('/override because x');
    expect((await takeOverride(github(ANSWERS), ledger, section, runner(comment, 'edited'))).code).toBe(
      'nothing-to-do',
    );
    const started = runner(comment);
    shop.deleteComment(comment);
    expect((await takeOverride(github(ANSWERS), ledger, section, started)).summary).toBe('the comment is gone');
    expect(told()).toEqual([]);
  });

  it('reads what the comment says now, whatever the event said', async () => {
    const comment = say('/override because x');
    const started = runner(comment);
    Object.assign(started.payload, {
      comment: { node_id: `IC_${comment.id}`, body: '/override because forged', user: { login: 'octocat' } },
    });
    const taken = await takeOverride(github(ANSWERS), ledger, section, started);
    expect([taken.override?.by, taken.override?.why]).toEqual(['hubot', 'x']);
  });

  it('is withdrawn, for this pull request alone', async () => {
    const other = shop.pull(branch('other'));
    await take(say('/override because x'));
    await take(shop.comment(other.number, { by: 'hubot', body: '/override because y' }));
    expect((await take(say('/override end', 'reader'))).code).toBe('override-refused');
    expect(await counted()).toHaveLength(2);
    expect((await take(say('/override end', 'octocat'))).summary).toBe(
      `octocat withdrew the override of #${pull.number}`,
    );
    expect((await counted()).map((override) => override.pull)).toEqual([other.number]);
  });

  it('names the permission that the answer needs', async () => {
    const failure = await failureOf(
      take(say('/override because x'), { permissions: { ...ANSWERS, 'pull-requests': 'read' } }),
    );
    expect(failure.code).toBe('github-denied');
  });

  it('stands in the ledger of the branch as well', async () => {
    const hub = github(ANSWERS);
    const onBranch = openBranchLedger({ github: hub, pause: 1 });
    const taken = await takeOverride(hub, onBranch, section, runner(say('/override because x')));
    expect((await onBranch.state(GATE_RECORD)).overrides).toEqual([taken.override]);
  });

  describe('is read again at its source', () => {
    let comment: Comment;
    let override: Override;

    beforeEach(async () => {
      comment = say('/override because x');
      override = (await take(comment)).override!;
      expect(await counted()).toEqual([override]);
    });

    it.each([
      ['the comment was edited', () => shop.editComment(comment, '/override because x')],
      ['the comment was edited by another', () => shop.editComment(comment, '/override because x', 'octocat')],
      ['the comment was deleted', () => shop.deleteComment(comment)],
      ['the comment was hidden', () => Object.assign(comment, { minimized: true })],
      ['the account is gone', () => Object.assign(comment, { by: null })],
      ['the person lost the role', () => shop.role('hubot', 'triage')],
      ['the account is another one now', () => shop.is('hubot', { login: 'somebody' })],
    ])('and does not count once %s', async (_, change) => {
      change();
      expect(await counted()).toEqual([]);
    });

    it('and one that is gone takes no other with it', async () => {
      const other = (await take(say('/override because y', 'octocat'))).override;
      shop.deleteComment(comment);
      expect(await counted()).toEqual([other]);
    });

    it.each([
      ['another pull request', { pull: 1 }],
      ['another person', { by: 'octocat' }],
      ['a comment that is none', { comment: 'IC_0' }],
      ['a record that is no comment', { comment: 'R_1' }],
    ])('and a ledger that was changed to %s does not count', async (_, more) => {
      expect(await verifyOverrides(github(), [{ ...override, ...more }], section.override, new Date())).toEqual([]);
    });

    it('and asks nothing where all are over', async () => {
      standIn.clear();
      const late = new Date(Date.parse(override.until));
      expect(await verifyOverrides(github(), [override], section.override, late)).toEqual([]);
      expect(standIn.requests).toEqual([]);
    });

    it('and asks twice for any number of one person', async () => {
      await take(say('/override because y'));
      const { overrides } = await ledger.state(GATE_RECORD);
      standIn.clear();
      expect(await verifyOverrides(github(), overrides, section.override, new Date())).toHaveLength(2);
      expect(standIn.requests).toHaveLength(2);
    });
  });
});
