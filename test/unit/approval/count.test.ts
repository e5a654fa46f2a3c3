import { describe, expect, it } from 'vitest';
import { commandOf, countAnswers, type Rules, type Said, speakers } from '../../../src/approval/count.ts';

const yes = { counts: true, because: 'has the role maintain' };
const standings = new Map([
  ['ada', yes],
  ['bob', yes],
  ['cleo', yes],
  ['rita', { counts: false, because: 'has only read' }],
]);
const RULES: Rules = {
  asked: '2026-11-20T10:00:00Z',
  required: 2,
  notAuthor: false,
  by: 'ada',
  authors: ['Bob'],
  standings,
};

let minute = 0;
function said(login: string | null, body: string, more: Partial<Said> = {}): Said {
  minute += 1;
  return {
    author: login === null ? null : { login, kind: 'User' },
    body,
    url: `https://github.com/acme/shop/issues/7#issuecomment-${minute}`,
    at: `2026-11-20T11:${String(minute % 60).padStart(2, '0')}:00Z`,
    edited: false,
    minimized: false,
    ...more,
  };
}

const of = (comments: Said[], rules: Partial<Rules> = {}) => countAnswers(comments, { ...RULES, ...rules });
const reasons = (comments: Said[], rules: Partial<Rules> = {}) =>
  of(comments, rules).uncounted.map((one) => one.because);

describe('a command', () => {
  it.each([
    ['/approve', { kind: 'approve' }],
    ['/approve  ', { kind: 'approve' }],
    ['/APPROVE\r\nlooks good', { kind: 'approve' }],
    ['/approve\n> /reject because no', { kind: 'approve' }],
    ['/reject because the plan drops a table', { kind: 'reject', why: 'the plan drops a table' }],
    ['/Reject  BECAUSE  it is Friday', { kind: 'reject', why: 'it is Friday' }],
  ])('%j is one', (body, command) => {
    expect(commandOf(body)).toEqual(command);
  });

  it.each([
    '/approve, but not yet',
    '/approve not',
    '/approve: no',
    '/reject',
    '/reject it is bad',
    '/reject because',
    '/reject because  ',
  ])('%j is unclear', (body) => {
    expect(commandOf(body)).toMatchObject({ kind: 'unclear' });
  });

  it.each([
    '',
    '> /approve',
    '    /approve',
    ' /approve',
    '```\n/approve\n```',
    '`/approve`',
    'I say\n/approve',
    '\n/approve',
    '<!-- -->/approve',
    '/approved',
    '/approve-all',
    '/approver',
    '//approve',
    'approve',
    '\u200b/approve',
    '\u202e/approve',
    '/\u0430pprove',
  ])('%j is none', (body) => {
    expect(commandOf(body)).toBeNull();
  });
});

describe('counting', () => {
  it('is approved by as many as are required, and says who lacks before', () => {
    const one = of([said('ada', '/approve')]);
    expect([one.verdict, one.lacks, one.approvals.map(({ login }) => login)]).toEqual(['waiting', 1, ['ada']]);
    const two = of([said('ada', '/approve'), said('bob', '/approve')]);
    expect([two.verdict, two.lacks]).toEqual(['approved', 0]);
    expect(of([]).lacks).toBe(2);
  });

  it('nobody counts twice, by whatever spelling', () => {
    const found = of([said('ada', '/approve'), said('ADA', '/approve')]);
    expect([found.verdict, found.approvals.length, found.lacks]).toEqual(['waiting', 1, 1]);
  });

  it.each([
    ['an account without the role', said('rita', '/approve'), 'has only read'],
    ['a stranger whose standing is not known', said('mallory', '/approve'), 'it is not known whether it counts'],
    ['an edited comment', said('ada', '/approve', { edited: true }), 'was edited: a new comment counts'],
    ['a hidden comment', said('ada', '/approve', { minimized: true }), 'was hidden'],
    ['an app', said('ada', '/approve', { author: { login: 'ada', kind: 'Bot' } }), 'is an app, not a person'],
    [
      'a mannequin',
      said('ada', '/approve', { author: { login: 'ada', kind: 'Mannequin' } }),
      'is an app, not a person',
    ],
    ['an account that is gone', said(null, '/approve'), 'the account is gone'],
    [
      'one from before the question',
      said('ada', '/approve', { at: '2026-11-20T09:59:59Z' }),
      'is older than the question',
    ],
    ['more words on the line', said('ada', '/approve soon'), 'has more on its line than /approve'],
    ['a rejection without a reason', said('ada', '/reject'), 'gives no reason: /reject because …'],
  ])('does not count %s, and says why', (_, comment, because) => {
    const found = of([comment, said('cleo', '/approve')]);
    expect([found.verdict, found.approvals.length, found.lacks]).toEqual(['waiting', 1, 1]);
    expect(found.uncounted.map((one) => one.because)).toEqual([because]);
  });

  it('the last word of each person counts', () => {
    const back = of([said('ada', '/reject because no'), said('bob', '/approve'), said('ada', '/approve')]);
    expect([back.verdict, back.rejection]).toEqual(['approved', null]);
    const away = of([said('ada', '/approve'), said('bob', '/approve'), said('ada', '/reject because of the plan')]);
    expect([away.verdict, away.rejection?.why]).toEqual(['rejected', 'of the plan']);
  });

  it('an earlier approval does not stand behind a last word that does not count', () => {
    const later = [
      said('ada', '/reject because no', { edited: true }),
      said('ada', '/reject'),
      said('ada', '/approve not'),
    ];
    for (const last of later) expect(of([said('ada', '/approve'), last], { required: 1 }).verdict).toBe('waiting');
  });

  it('other words of the same person change nothing', () => {
    expect(of([said('ada', '/approve'), said('ada', 'thanks\n/reject because')], { required: 1 }).verdict).toBe(
      'approved',
    );
  });

  it('one rejection ends it, however many have approved', () => {
    const found = of([said('ada', '/approve'), said('bob', '/approve'), said('cleo', '/reject because it is late')]);
    expect([found.verdict, found.rejection?.login]).toEqual(['rejected', 'cleo']);
  });

  it('a rejection of somebody without the role ends nothing', () => {
    const found = of([said('ada', '/approve'), said('bob', '/approve'), said('rita', '/reject because I can')]);
    expect(found.verdict).toBe('approved');
  });

  it('where authors must not approve, neither do they nor who asked; both may say no', () => {
    const comments = [said('ADA', '/approve'), said('bob', '/approve'), said('cleo', '/approve')];
    const found = of(comments, { notAuthor: true });
    expect([found.verdict, found.approvals.map(({ login }) => login)]).toEqual(['waiting', ['cleo']]);
    expect(reasons(comments, { notAuthor: true })).toEqual(['asked for it', 'wrote a commit of it']);
    expect(of([said('bob', '/reject because wait')], { notAuthor: true }).verdict).toBe('rejected');
  });

  it('asks only about persons who have given a command', () => {
    const comments = [
      said('Ada', '/approve'),
      said('ada', '/reject because no'),
      said('bob', 'nice'),
      said(null, '/approve'),
      said('x', '/approve', { author: { login: 'x', kind: 'Bot' } }),
    ];
    expect(speakers(comments)).toEqual(['ada']);
  });
});
