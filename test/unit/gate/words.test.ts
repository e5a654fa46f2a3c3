import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/gate/evidence.ts';
import type { Verdict } from '../../../src/gate/verdict.ts';
import { failedInMarkdown, nextStep, statusOf, verdictInWords } from '../../../src/gate/words.ts';

const HEAD = '1111111111111111111111111111111111111111';
const PARENT = '2222222222222222222222222222222222222222';

function failed(name: string, more: Partial<Check> = {}): Check {
  const at = '2026-11-20T10:02:03Z';
  return { name, state: 'red', said: 'failure', at, by: 'octocat', url: 'https://github.com/j/1', job: 1, ...more };
}

function verdict(more: Partial<Verdict>): Verdict {
  const base = {
    branch: 'main',
    head: HEAD,
    judged: HEAD,
    distance: 0,
    headIs: 'green',
    by: null,
    since: null,
  } as const;
  return { ...base, state: 'green', open: true, red: [], looked: 1, missing: [], ...more };
}

const red = (...checks: Check[]) =>
  verdict({ state: 'red', open: false, headIs: 'red', red: checks, by: 'octocat', since: '2026-11-20T10:02:03Z' });
const unknown = verdict({ state: 'unknown', open: false, judged: null, headIs: 'absent', looked: 21 });
const pending = verdict({ state: 'pending', open: false, judged: null, headIs: 'pending' });

describe('the status', () => {
  it('names the job, who pushed, and since when, and links the job', () => {
    expect(statusOf(red(failed('build')), false, 'https://fallback')).toEqual({
      state: 'failure',
      description: 'main is red: "build" failed at 1111111, pushed by octocat, since 2026-11-20 10:02 UTC',
      target_url: 'https://github.com/j/1',
    });
  });

  it('says which commit was judged and why not the head', () => {
    const { state, description } = statusOf(verdict({ judged: PARENT, distance: 2, headIs: 'absent' }), false, null);
    expect([state, description]).toEqual([
      'success',
      'main is green at 2222222 (2 commits back; 1111111 has no checks)',
    ]);
  });

  it.each([
    ['open', verdict({}), 'success', 'success'],
    ['red', red(failed('build')), 'failure', 'pending'],
    ['unknown', unknown, 'failure', 'pending'],
    ['pending', pending, 'pending', 'pending'],
  ])('of a gate that is %s never throws a pull request out of the queue', (_, given, alone, queued) => {
    expect([statusOf(given, false, null).state, statusOf(given, true, null).state]).toEqual([alone, queued]);
  });

  it.each([
    ['a long job name', red(failed('e2e / '.repeat(60)))],
    ['a name of emoji', red(failed('🚀'.repeat(100)))],
    ['a long branch', { ...red(failed('b'.repeat(200))), branch: 'release/'.repeat(40) }],
    ['a long branch that is green', verdict({ branch: 'x'.repeat(300) })],
    ['a long branch that is unknown', { ...unknown, branch: 'y'.repeat(300) }],
    ['a long name of who pushed', { ...red(failed('build'), failed('lint')), by: 'z'.repeat(300) }],
    ['line breaks', red(failed('build\n::error::x\r\nlint'))],
  ])('has at most 140 characters on one line: %s', (_, given) => {
    const { description } = statusOf(given, false, null);
    expect(description.length).toBeLessThanOrEqual(140);
    expect(description).not.toMatch(/[\r\n]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
    if (given.state === 'red') expect(description).toContain('1111111');
  });

  it('says what to do where nothing is known', () => {
    expect(statusOf(unknown, false, null).description).toContain('Run CI on push');
    for (const given of [unknown, pending]) {
      expect(statusOf({ ...given, missing: ['e2e'] }, false, null).description).toContain('gate.checks');
    }
  });
});

describe('for people', () => {
  it('always says what to do where the gate is closed', () => {
    for (const closed of [red(failed('build')), unknown, pending, { ...pending, missing: ['e2e'] }]) {
      expect(nextStep(closed)).toBeTruthy();
    }
    expect([nextStep(verdict({})), failedInMarkdown(verdict({}))]).toEqual([null, null]);
  });

  it('never lets a name become markup', () => {
    const name = '<img src=x onerror=1> [a](javascript:x) | @octocat `code` ![p](//evil)';
    const markdown = failedInMarkdown(red(failed(name, { url: 'javascript:alert(1)' })))!;
    expect(markdown).not.toMatch(/<img|[^\\]`|[^\\]\[a\]|@octocat|[^\\]\]\(javascript/);
    expect(markdown.split('\n').find((line) => line.includes('img'))).toBeDefined();
    expect(verdictInWords(red(failed(name)))).toContain('<img');
  });
});
