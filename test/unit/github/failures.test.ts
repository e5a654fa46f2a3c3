import { describe, expect, it } from 'vitest';
import { graphqlFailure, permissionsIn, requestFailure } from '../../../src/github/failures.ts';
import { waitBefore } from '../../../src/github/retry.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const READ = { what: 'GET /x', read: true };
const WRITE = { what: 'POST /x', read: false };

function answer(status: number, headers: Record<string, string> = {}, data: unknown = { message: 'said' }) {
  return { status, response: { headers, data } };
}

describe('permissions that GitHub accepts', () => {
  it.each([
    ['statuses=write', 'statuses: write'],
    ['pull_requests=read,contents=read; issues=read', 'pull-requests: read, contents: read'],
    ['', null],
    [undefined, null],
    ['nonsense', null],
  ])('%s', (header, words) => {
    expect(permissionsIn(header)).toBe(words);
  });
});

describe('a refusal', () => {
  it.each([
    [401, {}, 'github-denied'],
    [403, { 'x-accepted-github-permissions': 'statuses=write' }, 'github-denied'],
    [403, {}, 'github-denied'],
    [403, { 'retry-after': '3' }, 'github-unreachable'],
    [403, { 'x-ratelimit-remaining': '0' }, 'github-unreachable'],
    [429, {}, 'github-unreachable'],
    [404, {}, 'github-not-found'],
    [410, {}, 'github-not-found'],
    [409, {}, 'github-refused'],
    [422, {}, 'github-refused'],
    [500, {}, 'github-unreachable'],
    [503, {}, 'github-unreachable'],
  ])('%i with %j is %s', (status, headers: Record<string, string>, code) => {
    const failure = requestFailure(answer(status, headers), READ);
    expect([failure.code, failure.where]).toEqual([code, 'GET /x']);
    expect(failure.why).toContain('said');
  });

  it('is unsure only for a write that may have been done', () => {
    const unsure = (thrown: unknown, asked: typeof READ) => requestFailure(thrown, asked).facts.unsure;
    expect(unsure(new Error('reset'), WRITE)).toBe(true);
    expect(unsure(answer(502), WRITE)).toBe(true);
    expect(unsure(answer(422), WRITE)).toBeUndefined();
    expect(unsure(answer(429), WRITE)).toBeUndefined();
    expect(unsure(new Error('reset'), READ)).toBeUndefined();
  });

  it('tells what lay under a failed fetch', () => {
    const thrown = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    expect(requestFailure(thrown, READ).why).toBe('ECONNREFUSED');
  });

  it.each([
    [[{ type: 'STALE_DATA', message: 'm' }], 'github-refused'],
    [[{ type: 'FORBIDDEN', message: 'm' }], 'github-denied'],
    [[{ type: 'NOT_FOUND', message: 'm' }], 'github-not-found'],
    [[{ type: 'RATE_LIMITED', message: 'm' }], 'github-unreachable'],
    [[{ message: 'm' }], 'github-refused'],
    [[{ message: 'Something went wrong while executing your query' }], 'github-unreachable'],
  ])('of GraphQL %j is %s', (errors, code) => {
    expect(graphqlFailure({ errors }, { repository: 'acme/shop', isMutation: false, needs: null }).code).toBe(code);
  });
});

describe('another try', () => {
  const unreachable = (facts: Failure['facts']) =>
    new Failure({ code: 'github-unreachable', what: 'w', next: 'n', facts });

  it.each([
    ['a read without an answer', unreachable({}), READ, true],
    ['a write without an answer', unreachable({ unsure: true }), WRITE, false],
    ['a write that a limit refused, with a time', unreachable({ limited: true, retryAfter: 5 }), WRITE, true],
    ['a limit without a time', unreachable({ limited: true }), READ, false],
    ['a limit of an hour', unreachable({ limited: true, retryAfter: 3600 }), READ, false],
    ['a refusal', new Failure({ code: 'github-denied', what: 'w', next: 'n' }), READ, false],
    ['a defect', new Error('x'), READ, false],
  ])('%s', (_, thrown, asked, again) => {
    expect(waitBefore(thrown, asked, 1, 100) !== null).toBe(again);
  });
});
