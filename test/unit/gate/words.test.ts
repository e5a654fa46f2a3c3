import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/gate/evidence.ts';
import type { Verdict } from '../../../src/gate/verdict.ts';
import { failedInMarkdown, mainInBrief, nextStep, verdictInWords } from '../../../src/gate/words.ts';
import { verdict } from './verdicts.ts';

const PARENT = '2222222222222222222222222222222222222222';

function failed(name: string, more: Partial<Check> = {}): Check {
  const at = '2026-11-20T10:02:03Z';
  return { name, state: 'red', said: 'failure', at, by: 'octocat', url: 'https://github.com/j/1', job: 1, ...more };
}

function closed(more: Partial<Verdict>): Verdict {
  return verdict({ state: 'unknown', open: false, judged: null, headIs: 'absent', ...more });
}

const red = (...checks: Check[]) =>
  verdict({ state: 'red', open: false, headIs: 'red', red: checks, by: 'octocat', since: '2026-11-20T10:02:03Z' });
const ended = (name: string, said: string) => closed({ headIs: 'void', void: [failed(name, { state: 'void', said })] });
const UNKNOWN = closed({ looked: 21 });
const WAITING = closed({ waits: true });
const PENDING = closed({ state: 'pending', headIs: 'pending' });
const MISSING = closed({ headIs: 'green', missing: ['e2e'] });
const CLOSED: [string, Verdict][] = [
  ['red', red(failed('build'))],
  ['not started', red(failed('CI', { said: 'startup_failure' }))],
  ['cancelled', ended('build', 'cancelled')],
  ['in want of approval', ended('build', 'action_required')],
  ['never judged', UNKNOWN],
  ['not judged yet', WAITING],
  ['running', PENDING],
  ['in want of a check', MISSING],
];

describe('in brief', () => {
  it.each([
    [red(failed('build')), 'main is red: "build" failed at 1111111, pushed by octocat, since 2026-11-20 10:02 UTC'],
    [
      red(failed('a'), failed('b')),
      'main is red: "a" and 1 more failed at 1111111, pushed by octocat, since 2026-11-20 10:02 UTC',
    ],
    [verdict({}), 'main is green at 1111111'],
    [
      verdict({ judged: PARENT, distance: 2, headIs: 'absent' }),
      'main is green at 2222222 (2 commits back; 1111111 has no checks)',
    ],
    [ended('build', 'cancelled'), 'main not judged: "build" cancelled. Run it again.'],
    [ended('build', 'action_required'), 'main not judged: "build" action_required. Approve it.'],
    [PENDING, 'Waiting: no check has finished yet on the newest commit of main'],
    [WAITING, 'Waiting for the first check on main'],
    [UNKNOWN, 'Not known whether main is green: no finished check. Run CI on push to it.'],
    [MISSING, 'main not judged: "e2e" never ran. See gate.checks.'],
  ])('%#', (given, words) => {
    expect(mainInBrief(given, 140)).toBe(words);
  });

  const long = 'e2e / '.repeat(60);
  it.each([
    ['a long job name', red(failed(long)), '1111111'],
    ['a name of emoji', red(failed('🚀'.repeat(100))), '1111111'],
    ['a family of emoji', red(failed('👨‍👩‍👧‍👦'.repeat(40))), '1111111'],
    ['half a character', red(failed(`${'a'.repeat(30)}\ud83d`)), '1111111'],
    ['a long branch', { ...red(failed(long)), branch: 'release/'.repeat(40) }, '1111111'],
    ['a long branch that is green', verdict({ branch: 'x'.repeat(300) }), '1111111'],
    ['a long branch that is unknown', { ...UNKNOWN, branch: 'y'.repeat(300) }, 'Run CI on push to it.'],
    ['a long name of who pushed', { ...red(failed(long), failed('lint')), by: 'z'.repeat(300) }, 'since 2026'],
    ['a long cancelled job', { ...ended(long, 'cancelled'), branch: 'y'.repeat(300) }, 'Run it again.'],
    ['a long missing check', { ...MISSING, missing: [long] }, 'See gate.checks.'],
    ['a word of GitHub that is long', ended('build', 'w'.repeat(300)), 'Run it again.'],
    ['line breaks', red(failed('build\n::error::x\r\nlint')), '1111111'],
    ['a right-to-left mark', red(failed('\u202egnp.x\u2066build\u0007')), '1111111'],
  ])('has at most 140 characters on one line, and the end stands: %s', (_, given, must) => {
    const words = mainInBrief(given, 140);
    expect(words.length).toBeLessThanOrEqual(140);
    expect(words).toBe(words.toWellFormed());
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(words).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    expect(words).toContain(must);
  });

  it.each([10, 20, 40, 80])('keeps to %i', (longest) => {
    for (const [, given] of CLOSED) expect(mainInBrief(given, longest).length).toBeLessThanOrEqual(longest);
  });
});

describe('in a sentence', () => {
  it.each([
    [verdict({ judged: PARENT, distance: 1, headIs: 'pending' }), '1111111 is not finished'],
    [verdict({ judged: PARENT, distance: 1, headIs: 'absent' }), '1 commit back; 1111111 has no checks'],
    [verdict({ judged: PARENT, distance: 1, headIs: 'absent', waits: true }), '1111111 waits for its checks'],
    [{ ...red(failed('e2e')), judged: PARENT, distance: 1, headIs: 'green' as const }, '1111111 did not run it'],
    [verdict({ older: [{ name: 'e2e', sha: PARENT, distance: 3 }] }), '"e2e" as of 2222222, 3 commits back'],
    [red(failed('build', { said: 'failure, runs again' })), '"build" (failure, runs again)'],
    [closed({ headIs: 'absent', void: [failed('build', { said: 'cancelled' })] }), '1111111 has no checks'],
    [ended('build', 'cancelled'), '"build" (cancelled) at 1111111'],
    [WAITING, '1111111 may still get one'],
  ])('%#: says which commit decides, and why', (given, words) => {
    expect(verdictInWords(given)).toContain(words);
  });

  it('counts what it does not name', () => {
    const many = Array.from({ length: 1000 }, (_, index) => failed(`job ${index}`));
    expect(verdictInWords(red(...many))).toMatch(/"job 4" \(failure\) and 995 more, pushed by octocat/);
  });
});

describe('the next thing to do', () => {
  it.each(CLOSED)('is always said where main is %s', (_, given) => {
    expect(nextStep(given)).toBeTruthy();
  });

  it('is nothing where the gate is open', () => {
    expect([nextStep(verdict({})), failedInMarkdown(verdict({}))]).toEqual([null, null]);
  });

  it.each([
    [red(failed('build')), 'push a fix or a revert'],
    [red(failed('CI', { said: 'startup_failure' })), 'correct the workflow file'],
    [{ ...red(failed('build')), distance: 1, judged: PARENT, headIs: 'absent' as const }, 'let its checks run'],
    [{ ...red(failed('e2e')), distance: 1, judged: PARENT, headIs: 'green' as const }, 'if 1111111 repairs it'],
    [ended('build', 'cancelled'), 'run again'],
    [ended('build', 'action_required'), 'approve what waits for it: "build"'],
    [UNKNOWN, 'on: push'],
    [WAITING, 'wait for the checks of 1111111'],
    [MISSING, 'gate.checks'],
  ])('%#: fits what is wrong', (given, words) => {
    expect(nextStep(given)).toContain(words);
  });
});

describe('in Markdown', () => {
  it('never lets a name become markup', () => {
    const name = '<img src=x onerror=1> [a](javascript:x) | @octocat `code` ![p](//evil)';
    const markdown = failedInMarkdown(red(failed(name, { url: 'javascript:alert(1)' })))!;
    expect(markdown).not.toMatch(/(?<!\\)<img|[^\\]`|[^\\]\[a\]|@octocat|[^\\]\]\(javascript/);
    expect(markdown.split('\n').find((line) => line.includes('img'))).toBeDefined();
    expect(verdictInWords(red(failed(name)))).toContain('<img');
  });
});
