import { describe, expect, it } from 'vitest';
import { gateSchema } from '../../../src/config/control.ts';
import { headsFrom, type QueuedGroup, queueFrom } from '../../../src/gate/heads.ts';
import { pullsFrom, type ReadPull, withRest } from '../../../src/gate/pull-answer.ts';
import { pullsNeed, pullsSelection, queuePrefix, wantedBy } from '../../../src/gate/pulls.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const NOTHING = { reviews: false, closes: false, checks: false };

const page = (nodes: unknown[] | null, next: string | null = null) => ({
  pageInfo: { hasNextPage: next !== null, endCursor: next },
  nodes,
});

function node(more: Record<string, unknown> = {}, commit: Record<string, unknown> = {}) {
  return {
    number: 12,
    title: 'A change',
    author: { login: 'octocat' },
    isDraft: false,
    mergeable: 'MERGEABLE',
    reviewDecision: null,
    updatedAt: '2026-11-21T10:00:00Z',
    headRefOid: A,
    changedFiles: 3,
    additions: 10,
    deletions: 2,
    autoMergeRequest: null,
    commits: { nodes: [{ commit: { oid: A, status: null, ...commit } }] },
    ...more,
  };
}

const read = (more: Record<string, unknown> = {}, commit: Record<string, unknown> = {}): ReadPull =>
  pullsFrom({ pulls: page([node(more, commit)]) }).pulls[0]!;

function status(state: string, description: string | null = 'x') {
  return { context: { state, description, createdAt: '2026-11-21T11:00:00Z' } };
}

describe('what is asked for', () => {
  it.each([
    [{}, NOTHING],
    [{ size: { files: 5, migrations: ['db/**'] } }, NOTHING],
    [{ review: {} }, { ...NOTHING, reviews: true }],
    [{ evidence: ['test'] }, { ...NOTHING, checks: true }],
    [{ 'fix-brings-test': {} }, { ...NOTHING, closes: true }],
  ])('%j', (rules, expected) => expect(wantedBy(gateSchema.parse(rules))).toEqual(expected));

  it('is nothing without a section', () => expect(wantedBy(null)).toEqual(NOTHING));

  it('asks for no more than the rules look at, and for no more permissions', () => {
    const bare = pullsSelection(NOTHING, { headRef: false });
    expect(bare).not.toMatch(/latestOpinionatedReviews|closingIssuesReferences|statusCheckRollup|headRefName/);
    expect(pullsNeed(NOTHING)).toBe('contents: read, pull-requests: read, statuses: read');
    const all = { reviews: true, closes: true, checks: true };
    const whole = pullsSelection(all, { headRef: true });
    for (const part of ['$headRef', 'statusCheckRollup', 'latestOpinionatedReviews', 'closingIssuesReferences'])
      expect(whole).toContain(part);
    expect(pullsNeed(all)).toContain('checks: read');
  });

  it('finds the groups of a branch with a slash', () =>
    expect(queuePrefix('release/1')).toBe('refs/heads/gh-readonly-queue/release/1/'));
});

describe('a pull request', () => {
  it('is read whole', () => {
    expect(read({ autoMergeRequest: { enabledAt: 'x' }, reviewDecision: 'APPROVED' }).pull).toEqual({
      number: 12,
      title: 'A change',
      author: 'octocat',
      draft: false,
      mergeable: true,
      autoMerge: true,
      approved: true,
      updated: '2026-11-21T10:00:00Z',
      files: 3,
      additions: 10,
      deletions: 2,
      details: null,
    });
  });

  it.each([
    ['a deleted author', { author: null }, { author: null }],
    ['a conflict', { mergeable: 'CONFLICTING' }, { mergeable: false }],
    ['what GitHub has not computed', { mergeable: 'UNKNOWN' }, { mergeable: null }],
    ['a review that is missing', { reviewDecision: 'REVIEW_REQUIRED' }, { approved: false }],
    ['requested changes', { reviewDecision: 'CHANGES_REQUESTED' }, { approved: false }],
  ])('with %s', (_, more, expected) => expect(read(more).pull).toMatchObject(expected));

  it.each([
    ['no status at all', {}, null],
    ['no status of the gate', { status: { context: null } }, null],
    ['its status', { status: status('SUCCESS') }, { state: 'success', description: 'x', at: '2026-11-21T11:00:00Z' }],
    [
      'a status without words',
      { status: status('ERROR', null) },
      { state: 'error', description: '', at: expect.anything() },
    ],
    ['a status that GitHub only expects', { status: status('EXPECTED') }, null],
    ['the status of the commit before', { oid: B, status: status('SUCCESS') }, null],
  ])('bears %s', (_, commit, expected) => expect(read({}, commit).status).toEqual(expected));

  it('without any commit is known by its head', () => {
    const { sha, status: own, pull } = read({ commits: { nodes: [] } });
    expect([sha, own, pull.details]).toEqual([A, null, null]);
  });

  it('leaves out what GitHub does not show, and hands on the cursor', () => {
    const { pulls, next } = pullsFrom({ pulls: page([null, node(), null], 'next') });
    expect([pulls.map(({ pull }) => pull.number), next]).toEqual([[12], 'next']);
    expect(pullsFrom({ pulls: page(null) })).toEqual({ pulls: [], next: null });
  });
});

describe('reviews', () => {
  const review = (more: Record<string, unknown>) => ({
    author: { __typename: 'User', login: 'hubot' },
    state: 'APPROVED',
    commit: { oid: A },
    authorCanPushToRepository: true,
    ...more,
  });
  it.each([
    ['of who may write', {}, { by: 'hubot', state: 'APPROVED', sha: A, counts: true }],
    ['of who may not', { authorCanPushToRepository: false }, { by: 'hubot', counts: false }],
    ['of an app', { author: { __typename: 'Bot', login: 'renovate' } }, { by: 'renovate', counts: false }],
    ['of an account that is gone', { author: null }, { by: 'ghost', counts: false }],
    ['of a commit that is gone', { commit: null }, { sha: null }],
  ])('%s', (_, more, expected) => {
    const { pull } = read({ latestOpinionatedReviews: page([review(more), null]) });
    expect(pull.details?.reviews).toEqual([expect.objectContaining(expected)]);
  });

  it('that are none are an empty list', () =>
    expect(read({ latestOpinionatedReviews: null }).pull.details?.reviews).toEqual([]));
});

it('closed issues bear their repository where it is another', () => {
  const issue = (number: number, nameWithOwner: string) => ({
    number,
    repository: { nameWithOwner },
    labels: page([{ name: 'bug' }, null]),
  });
  const closingIssuesReferences = page([issue(7, 'acme/shop'), issue(8, 'acme/other'), null]);
  const { pull } = read({ repository: { nameWithOwner: 'acme/shop' }, closingIssuesReferences });
  expect(pull.details?.closes).toEqual([
    { number: 7, repository: null, labels: ['bug'] },
    { number: 8, repository: 'acme/other', labels: ['bug'] },
  ]);
});

function job(id: number, conclusion: string | null, more: { name?: string; event?: string; app?: string | null } = {}) {
  const { name = 'test', event = 'pull_request', app = 'github-actions' } = more;
  return {
    __typename: 'CheckRun',
    databaseId: id,
    name,
    status: conclusion === null ? 'QUEUED' : 'COMPLETED',
    conclusion,
    startedAt: null,
    completedAt: '2026-11-21T09:00:00Z',
    detailsUrl: null,
    checkSuite: {
      app: app === null ? null : { slug: app },
      workflowRun: app === 'github-actions' ? { event, workflow: { databaseId: 5 } } : null,
    },
  };
}

const context = (name: string, state: string) => ({
  __typename: 'StatusContext',
  context: name,
  state,
  createdAt: '2026-11-21T09:00:00Z',
  targetUrl: null,
});

const rollup = (nodes: unknown[], next: string | null = null) => ({
  statusCheckRollup: { contexts: page(nodes, next) },
});
const states = ({ pull }: ReadPull) => pull.details?.checks.map(({ name, state }) => `${name} ${state}`);

describe('checks', () => {
  it.each([
    ['a success', [job(1, 'SUCCESS')], ['test green']],
    [
      'every bad word',
      ['FAILURE', 'TIMED_OUT', 'STARTUP_FAILURE'].map((word, id) => job(id, word, { name: word })),
      ['FAILURE red', 'TIMED_OUT red', 'STARTUP_FAILURE red'],
    ],
    [
      'words that are no verdict',
      ['CANCELLED', 'STALE', 'ACTION_REQUIRED', 'NEW_WORD'].map((word, id) => job(id, word, { name: word })),
      ['CANCELLED void', 'STALE void', 'ACTION_REQUIRED void', 'NEW_WORD void'],
    ],
    ['a rerun that passed', [job(1, 'FAILURE'), job(2, 'SUCCESS')], ['test green']],
    ['a rerun that passed, told first', [job(2, 'SUCCESS'), job(1, 'FAILURE')], ['test green']],
    ['a rerun that has not begun', [job(1, 'SUCCESS'), job(2, null)], ['test pending']],
    [
      'a push and a pull request',
      [job(1, 'FAILURE', { event: 'push' }), job(2, 'SUCCESS')],
      ['test red', 'test green'],
    ],
    ['two apps', [job(1, 'FAILURE', { app: 'sonar' }), job(2, 'SUCCESS', { app: null })], ['test red', 'test green']],
    [
      'statuses',
      [context('a', 'SUCCESS'), context('b', 'PENDING'), context('c', 'EXPECTED'), context('d', 'ERROR')],
      ['a green', 'b pending', 'c pending', 'd red'],
    ],
    ['its own status', [context('changeline/gate', 'SUCCESS')], []],
    ['nothing that GitHub shows', [null], []],
  ])('%s', (_, nodes, expected) => expect(states(read({}, rollup(nodes)))).toEqual(expected));

  it('of another commit than the head do not count', () =>
    expect(states(read({}, { oid: B, ...rollup([job(1, 'SUCCESS')]) }))).toEqual([]));

  it('that are none are an empty list', () => expect(states(read({}, { statusCheckRollup: null }))).toEqual([]));
});

describe('what did not fit into the page', () => {
  const first = read({}, rollup([job(2, 'SUCCESS')], 'more'));
  const further = (commit: Record<string, unknown>) => ({ commits: { nodes: [{ commit: { oid: A, ...commit } }] } });

  it('is known to be missing', () => {
    expect(first.more).toEqual({ reviews: null, closes: null, checks: 'more' });
    expect(read({ latestOpinionatedReviews: page([], 'r'), closingIssuesReferences: page([], 'c') }).more).toEqual({
      reviews: 'r',
      closes: 'c',
      checks: null,
    });
  });

  it('is added, and the newest of all pages counts', () => {
    const whole = withRest(first, further(rollup([job(1, 'FAILURE'), job(3, 'SUCCESS', { name: 'lint' })], 'again')));
    expect([states(whole), whole.more.checks]).toEqual([['test green', 'lint green'], 'again']);
  });

  it('of a head that was pushed over leaves nothing that could count', () => {
    const moved = withRest(first, further({ oid: B, ...rollup([job(1, 'SUCCESS')], 'again') }));
    expect([states(moved), moved.more.checks]).toEqual([[], null]);
  });

  it('is not asked for twice where GitHub has it no more', () => expect(withRest(first, null).more.checks).toBeNull());
});

describe('heads', () => {
  const of = (number: number, sha: string) => read({ number, headRefOid: sha });
  const group = (sha: string, number: number | null, base = C): QueuedGroup => ({
    sha,
    adds: number === null ? null : { number, base },
    status: null,
  });
  const told = (...given: Parameters<typeof headsFrom>) =>
    headsFrom(...given).map(({ sha, pulls, inQueue }) => [sha, pulls.map(({ number }) => number), inQueue]);

  it('that several share are one', () => {
    expect(told([[of(1, A), of(2, B)], [of(3, A)]], [])).toEqual([
      [A, [1, 3], false],
      [B, [2], false],
    ]);
  });

  it('of a pull request that two pages told of are as the later one told', () => {
    expect(told([[of(1, A), of(2, B)], [of(1, B)]], [])).toEqual([[B, [1, 2], false]]);
  });

  it('of groups hold the pull requests before them too', () => {
    const queue = [group('2'.repeat(40), 2, '1'.repeat(40)), group('1'.repeat(40), 1, C)];
    expect(told([[of(1, A), of(2, B)]], queue).slice(0, 2)).toEqual([
      ['2'.repeat(40), [1, 2], true],
      ['1'.repeat(40), [1], true],
    ]);
  });

  it('of a group know a pull request that was not read by its number', () => {
    const [head] = headsFrom([], [group(A, 9)]);
    expect([head?.inQueue, head?.pulls[0]]).toEqual([true, expect.objectContaining({ number: 9, details: null })]);
  });

  it.each([
    ['of which nothing is known', [group(A, null)], [[A, [], true]]],
    ['that stands on itself', [group(A, 1, A)], [[A, [1], true]]],
    [
      'that stands on one that stands on it',
      [group(A, 1, B), group(B, 2, A)],
      [
        [A, [2, 1], true],
        [B, [1, 2], true],
      ],
    ],
  ])('of a group %s', (_, queue, expected) => expect(told([], queue)).toEqual(expected));

  it('that are a group and a pull request at once are in the queue', () =>
    expect(told([[of(1, A)]], [group(A, 1)])).toEqual([[A, [1], true]]));

  it('of 500 pull requests come in no time and in their order', () => {
    const all = Array.from({ length: 500 }, (_, index) => of(index + 1, index.toString(16).padStart(40, '0')));
    expect(headsFrom([all], []).map(({ pulls }) => pulls[0]?.number)).toEqual(all.map(({ pull }) => pull.number));
  });
});

describe('the queue', () => {
  const ref = (name: string, target: unknown = { oid: A, status: null }) => ({ queue: { nodes: [{ name, target }] } });
  it.each([
    ['the name that GitHub gives', ref(`pr-12-${C}`), { number: 12, base: C }],
    ['the whole name', ref(`gh-readonly-queue/main/pr-12-${C}`), { number: 12, base: C }],
    ['a commit of 64 letters', ref(`pr-1-${'a'.repeat(64)}`), { number: 1, base: 'a'.repeat(64) }],
    ['another name', ref('something'), null],
    ['a name that only looks like it', ref(`xpr-12-${C}`), null],
  ])('%s', (_, answer, adds) => expect(queueFrom(answer)).toEqual([{ sha: A, adds, status: null }]));

  it.each([
    ['is not there', { queue: null }],
    ['is empty', { queue: { nodes: [] } }],
    ['holds a branch that is gone', ref('x', null)],
    ['holds something that is no commit', ref('x', {})],
  ])('that %s', (_, answer) => expect(queueFrom(answer)).toEqual([]));
});
