import { describe, expect, it } from 'vitest';
import type { GateSection } from '../../../src/config/config.ts';
import { gateSchema } from '../../../src/config/control.ts';
import type { Check } from '../../../src/gate/evidence.ts';
import type { ChangedPath, Details, PullRequest, Review } from '../../../src/gate/pull.ts';
import { findingsOn, needsPaths } from '../../../src/gate/rules.ts';
import { NASTY } from '../report/nasty.ts';

const HEAD = '1111111111111111111111111111111111111111';
const OLD = '2222222222222222222222222222222222222222';
const NOW = new Date('2026-11-21T12:00:00Z');

function section(given: Record<string, unknown>): GateSection {
  return gateSchema.parse(given);
}

function pull(details: Partial<Details> = {}, more: Partial<PullRequest> = {}): PullRequest {
  return {
    number: 12,
    title: 'A change',
    author: 'octocat',
    draft: false,
    mergeable: true,
    autoMerge: false,
    approved: false,
    updated: '2026-11-21T10:00:00Z',
    files: 1,
    additions: 1,
    deletions: 0,
    details: { headBy: null, reviews: [], closes: [], paths: null, checks: [], ...details },
    ...more,
  };
}

const on = (given: PullRequest, rules: Record<string, unknown>) => findingsOn(given, HEAD, section(rules), NOW);
const codes = (given: PullRequest, rules: Record<string, unknown>) => on(given, rules).map(({ code }) => code);

function review(by: string, state = 'APPROVED', more: Partial<Review> = {}): Review {
  return { by, state, sha: HEAD, counts: true, ...more };
}

function check(name: string, state: Check['state'], more: Partial<Check> = {}): Check {
  const said = { green: 'success', red: 'failure', void: 'cancelled', pending: 'in_progress' }[state];
  return { name, state, said, at: '2026-11-21T11:00:00Z', by: null, url: null, job: null, ...more };
}

function path(name: string, more: Partial<ChangedPath> = {}): ChangedPath {
  return { path: name, how: 'MODIFIED', additions: 3, deletions: 1, ...more };
}

describe('nothing is found', () => {
  it.each([
    ['where no rule is switched on', pull(), {}],
    ['although nothing was read, where no rule looks at it', pull({}, { details: null }), { size: { files: 5 } }],
    ['on a draft that keeps the rules', pull({ reviews: [review('hubot')] }, { draft: true }), { review: {} }],
  ])('%s', (_, given, rules) => expect(on(given, rules)).toEqual([]));
});

describe('review', () => {
  const two = { review: { required: 2 } };
  it.each([
    ['by another person at this head', [review('hubot')], { review: {} }, true],
    ['by nobody', [], { review: {} }, false],
    ['by the author', [review('octocat')], { review: {} }, false],
    ['by the author in capitals', [review('OctoCat')], { review: {} }, false],
    ['of an older head', [review('hubot', 'APPROVED', { sha: OLD })], { review: {} }, false],
    ['of a head that is gone', [review('hubot', 'APPROVED', { sha: null })], { review: {} }, false],
    ['by somebody who may not write', [review('hubot', 'APPROVED', { counts: false })], { review: {} }, false],
    ['that was dismissed', [review('hubot', 'DISMISSED')], { review: {} }, false],
    ['that only comments', [review('hubot', 'COMMENTED')], { review: {} }, false],
    ['by two where two are asked for', [review('hubot'), review('monalisa')], two, true],
    ['by one where two are asked for', [review('hubot')], two, false],
    ['twice by the same', [review('hubot'), review('Hubot')], two, false],
    [
      'by one at this head and one at an older',
      [review('hubot'), review('mona', 'APPROVED', { sha: OLD })],
      two,
      false,
    ],
    ['against one who requests changes', [review('hubot'), review('mona', 'CHANGES_REQUESTED')], { review: {} }, false],
    [
      'against one who requested changes of an older head',
      [review('hubot'), review('mona', 'CHANGES_REQUESTED', { sha: OLD })],
      { review: {} },
      false,
    ],
    [
      'against a stranger who requests changes, who must not lock it',
      [review('hubot'), review('troll', 'CHANGES_REQUESTED', { counts: false })],
      { review: {} },
      true,
    ],
  ])('%s', (_, reviews, rules, kept) => {
    expect(codes(pull({ reviews }), rules)).toEqual(kept ? [] : ['review-missing']);
  });

  it('is not of oneself: who pushed the head of the pull request of another', () => {
    const reviews = [review('hubot')];
    expect(codes(pull({ reviews, headBy: 'Hubot' }), { review: {} })).toEqual(['review-missing']);
    expect(codes(pull({ reviews: [...reviews, review('mona')], headBy: 'hubot' }), { review: {} })).toEqual([]);
  });

  it('counts anybody where the author is gone', () =>
    expect(codes(pull({ reviews: [review('hubot')] }, { author: null }), { review: {} })).toEqual([]));

  it('says who approved an older head, and what to do', () => {
    const reviews = [review('hubot', 'APPROVED', { sha: OLD })];
    const [found] = on(pull({ reviews }), { review: {} });
    expect(found).toEqual({
      code: 'review-missing',
      weight: 'blocks',
      text: '0 of 1 approvals by others at 1111111; hubot approved an older head (2222222)',
      next: 'ask hubot to review 1111111',
    });
  });

  it('names those who request changes, at most three', () => {
    const reviews = ['a', 'b', 'c', 'd', 'e'].map((by) => review(by, 'CHANGES_REQUESTED'));
    expect(on(pull({ reviews }), { review: {} })[0]?.text).toBe('changes requested by a, b, c and 2 more');
  });
});

describe('evidence', () => {
  const rules = { evidence: ['load test'] };
  const aged = { evidence: [{ check: 'load test', 'max-age': '7d' }] };
  it.each([
    ['is green', [check('load test', 'green')], rules, []],
    ['has not run', [], rules, ['evidence-missing']],
    ['has only a check of another name', [check('Load test', 'green')], rules, ['evidence-missing']],
    ['failed', [check('load test', 'red')], rules, ['evidence-failed']],
    ['was cancelled', [check('load test', 'void')], rules, ['evidence-failed']],
    [
      'failed once and passed once',
      [check('load test', 'green'), check('load test', 'red')],
      rules,
      ['evidence-failed'],
    ],
    [
      'passed once and still runs',
      [check('load test', 'green'), check('load test', 'pending')],
      rules,
      ['evidence-missing'],
    ],
    ['was skipped', [check('load test', 'green', { said: 'skipped' })], rules, ['evidence-missing']],
    [
      'passed once and was skipped once',
      [check('load test', 'green', { said: 'skipped' }), check('load test', 'green')],
      rules,
      [],
    ],
    ['is old where no age is set', [check('load test', 'green', { at: '2020-01-01T00:00:00Z' })], rules, []],
    ['is exactly as old as it may be', [check('load test', 'green', { at: '2026-11-14T12:00:00Z' })], aged, []],
    ['is a second too old', [check('load test', 'green', { at: '2026-11-14T11:59:59Z' })], aged, ['evidence-stale']],
    ['is of an unknown time', [check('load test', 'green', { at: null })], aged, ['evidence-stale']],
    ['is of a time that is none', [check('load test', 'green', { at: 'soon' })], aged, ['evidence-stale']],
    ['is of the future, as clocks differ', [check('load test', 'green', { at: '2026-11-21T12:00:05Z' })], aged, []],
  ])('that %s', (_, checks, given, expected) => expect(codes(pull({ checks }), given)).toEqual(expected));

  it('that still runs ends by itself', () => {
    const [found] = on(pull({ checks: [check('load test', 'pending')] }), rules);
    expect([found?.code, found?.text, found?.waits]).toEqual([
      'evidence-missing',
      '"load test" still runs on 1111111',
      true,
    ]);
  });

  it('says when what is too old ran, in words that are the same an hour later', () => {
    const given = pull({ checks: [check('load test', 'green', { at: '2026-11-01T08:00:00Z' })] });
    const words = [NOW, new Date(NOW.getTime() + 3_600_000)].map((now) => findingsOn(given, HEAD, section(aged), now));
    expect(words[0]).toEqual(words[1]);
    expect(words[0]?.[0]?.text).toBe('"load test" ran on 2026-11-01 08:00 UTC; it may be 7d old');
  });

  it('puts what failed before what is missing, and what still runs last', () => {
    const checks = [check('slow', 'pending'), check('scan', 'red')];
    const found = codes(pull({ checks }), { evidence: ['slow', 'absent', 'scan'], review: {} });
    expect(found).toEqual(['evidence-failed', 'evidence-missing', 'review-missing', 'evidence-missing']);
  });
});

describe('a fix brings a test', () => {
  const rules = { 'fix-brings-test': {} };
  const bug = (labels = ['bug'], repository: string | null = null) => ({ number: 7, repository, labels });
  it.each([
    ['closes no issue', [], [path('src/a.ts')], []],
    ['closes an issue without such a label', [bug(['docs'])], [path('src/a.ts')], []],
    ['closes a bug without a test', [bug()], [path('src/a.ts')], ['test-missing']],
    ['closes a bug in capitals without a test', [bug(['BUG'])], [path('src/a.ts')], ['test-missing']],
    ['closes an incident among others without a test', [bug(['docs']), bug(['p1', 'Incident'])], [], ['test-missing']],
    ['changes a test', [bug()], [path('test/a.ts')], []],
    ['changes a test deep below', [bug()], [path('a/b/__tests__/c.py')], []],
    ['adds a test by its name', [bug()], [path('src/shop_test.go', { how: 'ADDED' })], []],
    ['changes a test in a hidden folder', [bug()], [path('.github/test/a.sh')], []],
    [
      'only deletes a test',
      [bug()],
      [path('test/a.ts', { how: 'DELETED', additions: 0, deletions: 9 })],
      ['test-missing'],
    ],
    ['only takes lines out of a test', [bug()], [path('test/a.ts', { additions: 0, deletions: 9 })], ['test-missing']],
    [
      'only moves a test',
      [bug()],
      [path('test/a.ts', { how: 'RENAMED', additions: 0, deletions: 0 })],
      ['test-missing'],
    ],
    ['moves and changes a test', [bug()], [path('test/a.ts', { how: 'RENAMED', additions: 1, deletions: 0 })], []],
    [
      'adds a binary file to the tests',
      [bug()],
      [path('test/a.png', { how: 'ADDED', additions: 0, deletions: 0 })],
      [],
    ],
    ['changes a file whose name only sounds like it', [bug()], [path('src/contest/latest.ts')], ['test-missing']],
  ])('that %s', (_, closes, paths, expected) => expect(codes(pull({ closes, paths }), rules)).toEqual(expected));

  it('names the issue, its label and the patterns', () => {
    const given = { 'fix-brings-test': { labels: ['Bug'], tests: ['spec/**', 'it/**'] } };
    const [found] = on(pull({ closes: [bug(['bug'], 'acme/other')], paths: [path('src/a.ts')] }), given);
    expect(found?.text).toBe(
      'closes acme/other#7 (bug) without a test: no added or changed file matches spec/**, it/**',
    );
  });

  it('says how many files were looked at where GitHub shows no more', () => {
    const [found] = on(pull({ closes: [bug()], paths: [path('src/a.ts')] }, { files: 5000 }), rules);
    expect(found?.text).toContain('of the first 1 matches');
  });

  it.each([
    ['the paths', pull({ closes: [bug()], paths: null })],
    ['the issues', pull({}, { details: null })],
  ])('does not pass where %s could not be read', (_, given) => expect(codes(given, rules)).toEqual(['test-missing']));
});

describe('size', () => {
  const rules = { size: { files: 50, lines: 1000, migrations: ['db/migrations/**'] } };
  it.each([
    ['at the limits', pull({}, { files: 50, additions: 600, deletions: 400 }), []],
    ['a file over', pull({}, { files: 51 }), ['change-large']],
    ['a line over', pull({}, { additions: 600, deletions: 401 }), ['change-large']],
    ['migrations alone', pull({ paths: [path('db/migrations/1.sql'), path('db/migrations/2.sql')] }), []],
    ['code alone', pull({ paths: [path('src/a.ts')] }), []],
    ['both', pull({ paths: [path('db/migrations/1.sql'), path('src/a.ts')] }), ['change-mixed']],
  ])('%s', (_, given, expected) => {
    const found = on(given, rules);
    expect(found.map(({ code }) => code)).toEqual(expected);
    expect(found.every(({ weight }) => weight === 'warns')).toBe(true);
  });

  it('gives the numbers', () =>
    expect(on(pull({}, { files: 80, additions: 3000 }), rules)[0]?.text).toBe(
      'large: 80 files (over 50), 3000 lines (over 1000)',
    ));
});

describe('the paths are asked for', () => {
  const fix = { 'fix-brings-test': {} };
  const bug = { number: 7, repository: null, labels: ['Bug'] };
  it.each([
    ['for nobody without a rule', pull(), {}, false],
    ['for whoever closes a bug', pull({ closes: [bug] }), fix, true],
    ['for nobody else', pull(), fix, false],
    ['for everybody where migrations are looked for', pull(), { size: { migrations: ['db/**'] } }, true],
    ['for nobody where only sizes are', pull(), { size: { files: 5 } }, false],
  ])('%s', (_, given, rules, expected) => expect(needsPaths(given, section(rules))).toBe(expected));
});

describe('what was not read is not kept', () => {
  it.each([
    ['review', { review: {} }, ['review-missing']],
    ['evidence', { evidence: ['a', 'b'] }, ['evidence-missing', 'evidence-missing']],
  ])('%s', (_, rules, expected) => expect(codes(pull({}, { details: null }), rules)).toEqual(expected));
});

it.each(NASTY.filter((text) => text.trim()))('texts from outside do no harm: %j', (text) => {
  const closes = [{ number: 7, repository: null, labels: [text] }];
  const rules = { evidence: [text], 'fix-brings-test': { labels: [text], tests: ['test/**'] } };
  const checks = [check(text, 'red', { said: text })];
  expect(codes(pull({ closes, checks, paths: [path(text)] }), rules)).toEqual(['evidence-failed', 'test-missing']);
});
