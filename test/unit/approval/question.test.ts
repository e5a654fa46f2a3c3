import { describe, expect, it } from 'vitest';
import { answerText, countInWords } from '../../../src/approval/answer.ts';
import { bodyOf, type Shown } from '../../../src/approval/body.ts';
import type { Count } from '../../../src/approval/count.ts';
import { doubtAbout, untilOf } from '../../../src/approval/hearing.ts';
import {
  asksThis,
  differences,
  openingOf,
  planDigest,
  type Question,
  questionDigest,
  readMarker,
  titleOf,
  UNPLANNED,
} from '../../../src/approval/question.ts';

const QUESTION: Question = {
  product: 'shop',
  environment: 'production',
  asks: 'delivery',
  request: '7f9c',
  by: 'octocat',
  bound: {
    version: '1.1.0',
    digest: `sha256:${'a'.repeat(64)}`,
    commit: 'b'.repeat(40),
    config: 'c'.repeat(64),
    replaces: '1.0.0',
    plan: planDigest(['deploy 1.1.0 to 3 hosts']),
  },
  workflow: { file: 'deliver.yml', ref: 'main', inputs: { version: '1.1.0' } },
};

const SHOWN: Shown = {
  required: 2,
  from: ['role:maintain'],
  notAuthor: true,
  until: '2026-11-21T10:00:00.000Z',
  plan: ['deploy 1.1.0 to 3 hosts'],
  unplanned: [],
  commits: {
    list: [{ sha: 'd'.repeat(40), author: 'octocat', message: 'A change' }],
    total: 1,
    url: 'https://github.com/acme/shop/compare/a...b',
  },
  evidence: ['This digest passed in uat'],
  changed: [],
  run: 'https://github.com/acme/shop/actions/runs/1',
};

const bound = (changes: Partial<Question['bound']>): Question => ({
  ...QUESTION,
  bound: { ...QUESTION.bound, ...changes },
});

/** Each fact of a question, changed alone. */
const OTHERS: [string, Question][] = [
  ['the product', { ...QUESTION, product: 'shop2' }],
  ['the environment', { ...QUESTION, environment: 'uat' }],
  ['what is asked', { ...QUESTION, asks: 'acceptance' }],
  ['the request', { ...QUESTION, request: '0000' }],
  ['who asked', { ...QUESTION, by: 'mallory' }],
  ['the version', bound({ version: '1.1.1' })],
  ['the digest', bound({ digest: `sha256:${'0'.repeat(64)}` })],
  ['the commit', bound({ commit: null })],
  ['the configuration', bound({ config: 'd' })],
  ['what is live', bound({ replaces: null })],
  ['the plan', bound({ plan: UNPLANNED })],
  ['the workflow', { ...QUESTION, workflow: null }],
  ['its inputs', { ...QUESTION, workflow: { ...QUESTION.workflow!, inputs: { version: '6.6.6' } } }],
];

describe('the question', () => {
  it('is told again from the same facts, and found in its issue', () => {
    const body = bodyOf(QUESTION, SHOWN);
    expect(openingOf(QUESTION)).toBe(openingOf(structuredClone(QUESTION)));
    expect(asksThis(body, QUESTION)).toBe(true);
    expect(asksThis(body.replaceAll('\n', '\r\n'), QUESTION)).toBe(true);
    expect(readMarker(body)).toEqual({ environment: 'production', request: '7f9c', by: 'octocat' });
    expect(titleOf(QUESTION)).toBe('Approve shop 1.1.0 for production');
  });

  it.each(OTHERS)('with another value for %s is another question', (_, other) => {
    expect(questionDigest(other)).not.toBe(questionDigest(QUESTION));
    expect(asksThis(bodyOf(QUESTION, SHOWN), other)).toBe(false);
    expect(asksThis(bodyOf(other, SHOWN), QUESTION)).toBe(false);
  });

  it('does not depend on the order in which inputs are kept', () => {
    const ordered = (inputs: Record<string, string>): Question => ({
      ...QUESTION,
      workflow: { file: 'd.yml', ref: 'main', inputs },
    });
    expect(questionDigest(ordered({ a: '1', b: '2' }))).toBe(questionDigest(ordered({ b: '2', a: '1' })));
  });

  it.each([
    ['something before it', (body: string) => `Please approve.\n${body}`],
    ['another table', (body: string) => body.replace('1.1.0', '1.0.9')],
    ['a digest alone', () => questionDigest(QUESTION)],
    ['nothing', () => ''],
  ])('is not found in a body with %s', (_, forge) => {
    expect(asksThis(forge(bodyOf(QUESTION, SHOWN)), QUESTION)).toBe(false);
  });

  it.each(['--> <b>', '-->', '--!>', '"}', '\n<!-- changeline:approval {} -->'])(
    'hides %j without ending the comment',
    (by) => {
      const opening = openingOf({ ...QUESTION, by });
      expect(readMarker(opening)?.by).toBe(by);
      expect(opening.split('\n')[0]!.indexOf('-->')).toBe(opening.split('\n')[0]!.length - 3);
    },
  );

  it.each([
    '',
    'text',
    '<!-- changeline:approval {"environment":1} -->',
    '<!-- changeline:approval {nope} -->',
    '<!-- changeline:approval [] -->',
  ])('has no marker in %j', (body) => {
    expect(readMarker(body)).toBeNull();
  });
});

describe('differences', () => {
  it('are named one by one, from and to', () => {
    const now = bound({ digest: 'sha256:1', config: 'x', replaces: null, commit: 'e', plan: 'y' }).bound;
    expect(differences(QUESTION.bound, QUESTION.bound)).toEqual([]);
    expect(differences(QUESTION.bound, now).map((line) => line.split(' was ')[0])).toEqual([
      'the digest',
      'the commit',
      'changeline.yml',
      'what is live',
      'the plan',
    ]);
  });

  it('who agreed without a plan agreed to any; who saw one did not agree to none', () => {
    expect(differences({ ...QUESTION.bound, plan: UNPLANNED }, QUESTION.bound)).toEqual([]);
    expect(differences(QUESTION.bound, { ...QUESTION.bound, plan: UNPLANNED })).toHaveLength(1);
    expect(planDigest([])).not.toBe(UNPLANNED);
  });
});

describe('the body', () => {
  const NASTY =
    'fixes #3, closes acme/shop#4, resolves GH-5 @octocat <img src=x> [a](https://evil.example) `x` | y \u202e';

  it('takes commits and names as text: no mention, no closing, no markup', () => {
    const list = [{ sha: 'e'.repeat(40), author: '@mallory', message: `${NASTY}\nsecond line` }];
    const body = bodyOf(QUESTION, {
      ...SHOWN,
      plan: [NASTY],
      evidence: [NASTY],
      changed: [NASTY],
      commits: { ...SHOWN.commits!, list },
    });
    expect(body).not.toMatch(/#\d/);
    expect(body).not.toMatch(/GH-\d/i);
    expect(body).not.toMatch(/(^|[^\w\\])@\w/);
    expect(body).not.toMatch(/[^\\]<img/);
    expect(body).not.toContain('https://evil');
    expect(body).not.toContain('\u202e');
    expect(body).not.toContain('second line');
  });

  it('stays under what GitHub takes, and says what is missing', () => {
    const list = Array.from({ length: 250 }, (_, index) => ({
      sha: String(index).padStart(40, '0'),
      author: 'a'.repeat(39),
      message: '*'.repeat(5000),
    }));
    const plan = Array.from({ length: 5000 }, () => '_'.repeat(5000));
    const body = bodyOf(QUESTION, {
      ...SHOWN,
      plan,
      unplanned: plan.slice(0, 200),
      commits: { list, total: 900, url: 'https://github.com/x' },
    });
    expect(body.length).toBeLessThan(65_536);
    expect(body).toContain('Too long to be shown here.');
    expect(asksThis(body, QUESTION)).toBe(true);
  });

  it('shows the newest commits and counts the others and those without an account', () => {
    const list = Array.from({ length: 60 }, (_, index) => ({
      sha: String(index).padStart(40, '0'),
      author: index === 0 ? null : 'octocat',
      message: `number ${index}`,
    }));
    const body = bodyOf(QUESTION, { ...SHOWN, commits: { list, total: 300, url: 'https://github.com/x' } });
    expect(body).toContain('300 commits, the newest 50 shown');
    expect(body).toContain('One has an author without an account');
    expect(body).toContain('number 59');
    expect(body).not.toContain('number 9 ');
  });

  it('says what could not be planned, and what may not be shown', () => {
    expect(bodyOf(QUESTION, { ...SHOWN, plan: [], unplanned: ['deploy: no key'] })).toContain(
      'Could not be planned: deploy: no key',
    );
    expect(bodyOf(QUESTION, { ...SHOWN, plan: null })).toContain('The log of the run shows it');
    expect(bodyOf(QUESTION, { ...SHOWN, commits: null })).toContain('The commits cannot be told.');
  });
});

describe('the genuine question', () => {
  const thread = {
    url: '',
    body: bodyOf(QUESTION, SHOWN),
    edited: false,
    own: true,
    state: 'OPEN' as const,
    reason: null,
  };

  it('is believed', () => {
    expect(doubtAbout(thread, QUESTION)).toBeNull();
  });

  it.each([
    ['gone', null, 'gone'],
    ['of another author', { ...thread, own: false }, 'identity'],
    ['edited', { ...thread, edited: true }, 'edited'],
    ['closed', { ...thread, state: 'CLOSED' as const, reason: 'COMPLETED' }, 'closed'],
    ['opened again', { ...thread, reason: 'REOPENED' }, 'opened again'],
    ['of another text', { ...thread, body: 'May I?' }, 'something else'],
  ])('is not believed where it is %s', (_, seen, why) => {
    expect(doubtAbout(seen, QUESTION)).toContain(why);
  });

  it('an acceptance stands after its issue was closed as done, and only so', () => {
    const accepted: Question = { ...QUESTION, asks: 'acceptance' };
    const closed = { ...thread, body: bodyOf(accepted, SHOWN), state: 'CLOSED' as const };
    expect(doubtAbout({ ...closed, reason: 'COMPLETED' }, accepted)).toBeNull();
    expect(doubtAbout({ ...closed, reason: 'NOT_PLANNED' }, accepted)).toContain('closed');
    expect(doubtAbout({ ...closed, reason: null }, accepted)).toContain('closed');
  });

  it('counts its time from the issue', () => {
    expect(untilOf('2026-11-20T10:00:00Z', { expire: '24h' })).toBe('2026-11-21T10:00:00.000Z');
  });
});

describe('the answer', () => {
  const voice = (login: string) => ({
    login,
    url: `https://github.com/acme/shop/issues/7#${login}`,
    because: 'is named',
  });
  const COUNT: Count = {
    verdict: 'waiting',
    approvals: [voice('ada')],
    rejection: null,
    uncounted: [{ login: '@eve', url: 'https://github.com/e', because: 'has only read' }],
    lacks: 1,
  };

  it('says who counts, who does not and why, and what lacks', () => {
    const text = answerText(COUNT, 2, QUESTION, null);
    expect(text).toContain('**1 of 2.** 1 more is needed.');
    expect(text).toContain('[ada](https://github.com/acme/shop/issues/7#ada) is named.');
    expect(text).toMatch(/Not counted: \[.*eve\]\(https:\/\/github\.com\/e\) has only read\./);
    expect(text).not.toMatch(/(^|[^\w\\])@\w/);
    expect(countInWords(COUNT)).toBe('approved by ada (is named), 1 more is needed; not counted: @eve has only read');
  });

  it.each([
    [{ kind: 'now' as const }, 'The delivery was started: deliver.yml'],
    [{ kind: 'before' as const, at: '2026-11-20T10:00:00Z' }, 'was started at 2026'],
    [{ kind: 'by hand' as const, because: 'actions: write lacks' }, 'By hand: run deliver.yml on main'],
  ])('says what follows: %j', (started, words) => {
    const approved: Count = { ...COUNT, verdict: 'approved', lacks: 0 };
    expect(answerText(approved, 1, QUESTION, started)).toContain(words);
    expect(answerText(approved, 1, { ...QUESTION, asks: 'acceptance' }, { kind: 'none' })).toContain('**Accepted.**');
  });

  it('stays short, however many comments do not count', () => {
    const uncounted = Array.from({ length: 2000 }, (_, index) => ({
      ...voice('eve'),
      because: `${index} has only read`,
    }));
    const text = answerText({ ...COUNT, uncounted }, 2, QUESTION, null);
    expect(text.length).toBeLessThan(60_000);
    expect(text).toContain('1999 has only read');
    expect(text).toContain('1980 older answers');
    expect(countInWords({ ...COUNT, uncounted }).length).toBeLessThan(2000);
  });

  it('quotes a rejection as text', () => {
    const rejected: Count = { ...COUNT, verdict: 'rejected', rejection: { ...voice('bob'), why: '@ada broke #7 <b>' } };
    const text = answerText(rejected, 2, QUESTION, null);
    expect(text).toContain('**Rejected**');
    expect(text).not.toMatch(/#7|<b>|[^\w\\]@ada/);
    expect(countInWords(rejected)).toBe('bob (is named) has rejected it: @ada broke #7 <b>');
  });
});
