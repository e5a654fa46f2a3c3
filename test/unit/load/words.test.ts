import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../src/load/summary.ts';
import type { ScriptResult } from '../../../src/load/verdict.ts';
import { factsOf, remarksOn, resultInMarkdown, resultInWords } from '../../../src/load/words.ts';

const measured: Measured = {
  requests: 602,
  rate: 60.2,
  failed: 0,
  failedShare: 0,
  p95: 11.6,
  iterations: 602,
  dropped: 0,
  checks: [],
  thresholds: [{ metric: 'http_req_duration', expression: 'p(95)<500', value: 11.6, crossed: false }],
  otherTraffic: false,
};
const passed: ScriptResult = {
  script: 'load/a.js',
  outcome: 'passed',
  code: 'ok',
  why: null,
  took: 10_012.4,
  thrown: 0,
  measured,
  series: null,
  busy: 0.5,
};
const failed: ScriptResult = {
  ...passed,
  script: 'load/b.js',
  outcome: 'failed',
  code: 'load-crashed',
  why: 'k6 ended with status 2',
  measured: null,
};

describe('in one line', () => {
  it.each<[string, ScriptResult[], string]>([
    [
      'two scripts',
      [passed, { ...passed, measured: { ...measured, p95: 4.24 } }],
      '2 scripts, 1,204 requests, p95 12 ms, 0 failed',
    ],
    [
      'small numbers',
      [{ ...passed, measured: { ...measured, requests: 1, p95: 0.345 } }],
      '1 script, 1 request, p95 0.3 ms, 0 failed',
    ],
    ['no HTTP', [{ ...passed, measured: { ...measured, requests: 0, p95: null } }], '1 script, 0 requests, 0 failed'],
    [
      'dropped',
      [{ ...passed, measured: { ...measured, dropped: 3 } }],
      '1 script, 602 requests, p95 12 ms, 0 failed, 3 iterations dropped',
    ],
    ['a failure', [passed, failed], 'load/b.js: k6 ended with status 2'],
  ])('%s', (_, results, words) => expect(resultInWords(results)).toBe(words));
});

describe('remarks', () => {
  it('none on a good run', () => expect(remarksOn([passed])).toEqual([]));
  it('none on a failed one, which has its reason', () =>
    expect(remarksOn([{ ...failed, measured: { ...measured, thresholds: [] } }])).toEqual([]));
  it('on unjudged checks, dropped iterations, and a machine that had no time to spare', () => {
    const odd = { ...measured, thresholds: [], dropped: 5, checks: [{ name: 'x', passes: 1, fails: 2 }] };
    expect(remarksOn([{ ...passed, measured: odd, busy: 0.987 }]).join('\n')).toMatch(
      /^load\/a\.js: 2 checks failed[\s\S]*5 iterations were dropped[\s\S]*processors were 98\.7 % busy/,
    );
  });
  it('none on checks that a threshold judges', () => {
    const thresholds = [{ metric: 'checks{a:b}', expression: 'rate>0.5', value: 0.9, crossed: false }];
    expect(
      remarksOn([{ ...passed, measured: { ...measured, thresholds, checks: [{ name: 'x', passes: 9, fails: 1 }] } }]),
    ).toEqual([]);
  });
});

describe('in Markdown', () => {
  it('escapes names from outside', () => {
    const evil = { ...passed, script: 'a|b<img src=x>@team`[x](http://y)' };
    const table = resultInMarkdown([evil]);
    expect(table).toContain('a\\|b\\<img src=x\\>@\u200bteam\\`\\[x\\]');
    expect(table).not.toMatch(/(?<!\\)<img/);
    expect(table.split('\n')[2]!.replaceAll('\\|', '').match(/\|/g)).toHaveLength(8);
  });
  it('has a row for each threshold', () =>
    expect(resultInMarkdown([passed])).toContain('http\\_req\\_duration p(95)\\<500 | 11.6 | held'));
  it('shows the failing of 40,000 checks first, and counts the rest', () => {
    const checks = Array.from({ length: 40_000 }, (_, i) => ({
      name: `check ${i}`,
      passes: 1,
      fails: i % 100 === 7 ? i : 0,
    }));
    const all = { ...passed, measured: { ...measured, checks } };
    const table = resultInMarkdown([all]);
    expect(table).toContain('| load/a.js | check 39907 | 39,907 | 1 |');
    expect(table).toContain('\nand 350 more\n');
    expect(table.length).toBeLessThan(5000);
    const facts = factsOf(all);
    expect(facts).toMatchObject({ checks: { length: 20, 0: { name: 'check 39907' } }, checksLeftOut: 39_980 });
    expect(JSON.stringify(facts).length).toBeLessThan(5000);
  });
  it('has an empty row for what was not measured', () =>
    expect(resultInMarkdown([failed])).toContain('| load/b.js | load-crashed |  |  |  |  |  |'));
});

describe('as facts', () => {
  it('is JSON with whole milliseconds', () => {
    expect(factsOf(passed)).toMatchObject({
      script: 'load/a.js',
      took: 10_012,
      requests: 602,
      p95: 11.6,
      thresholds: [{ crossed: false }],
    });
    expect(JSON.parse(JSON.stringify(factsOf(failed)))).toEqual(factsOf(failed));
  });
});
