import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../src/load/summary.ts';
import { type Ended, judge } from '../../../src/load/verdict.ts';

const good: Measured = {
  requests: 100,
  rate: 10,
  failed: 0,
  failedShare: 0,
  p95: 12,
  iterations: 50,
  dropped: 0,
  checks: [],
  thresholds: [],
  otherTraffic: false,
};
const crossed = { metric: 'http_req_duration', expression: 'p(95)<5', value: 12.3456, crossed: true };
const held = { ...crossed, expression: 'p(95)<500', crossed: false };

function ended(change: Partial<Ended>): Ended {
  return {
    status: 0,
    signal: null,
    measured: good,
    thrown: 0,
    error: null,
    outOfMemory: false,
    aborted: null,
    ...change,
  };
}

describe('passed', () => {
  it.each<[string, Partial<Ended>]>([
    ['all thresholds held', { measured: { ...good, thresholds: [held] } }],
    ['some requests failed and no threshold minds', { measured: { ...good, failed: 99, failedShare: 0.99 } }],
    ['no HTTP, but gRPC', { measured: { ...good, requests: 0, p95: null, otherTraffic: true } }],
    ['an error was printed', { error: 'something printed' }],
    ['less than a hundredth of the iterations was dropped', { measured: { ...good, iterations: 1000, dropped: 10 } }],
    [
      'a threshold of the script bears what was dropped',
      { measured: { ...good, dropped: 50, thresholds: [{ ...held, metric: 'dropped_iterations{scenario:a}' }] } },
    ],
  ])('%s', (_, change) => expect(judge(ended(change))).toEqual({ outcome: 'passed', code: 'ok', why: null }));
});

describe('failed', () => {
  it.each<[string, Partial<Ended>, string, RegExp]>([
    [
      'thresholds crossed',
      { status: 99, measured: { ...good, thresholds: [crossed, held] } },
      'load-thresholds',
      /^http_req_duration p\(95\)<5 was 12\.35$/,
    ],
    ['thresholds crossed, no summary', { status: 99, measured: null }, 'load-thresholds', /not which/],
    [
      'thresholds crossed, some threw',
      { status: 99, thrown: 3, measured: { ...good, thresholds: [crossed] } },
      'load-thresholds',
      /p\(95\)/,
    ],
    [
      'thresholds crossed, all threw',
      { status: 99, thrown: 50, error: 'boom' },
      'load-script-error',
      /every iteration threw: boom/,
    ],
    [
      'a crossed threshold that k6 ended well with',
      { measured: { ...good, thresholds: [crossed] } },
      'load-thresholds',
      /p\(95\)/,
    ],
    [
      'every iteration threw with status 0',
      { thrown: 50, error: 'boom' },
      'load-script-error',
      /every iteration threw: boom/,
    ],
    ['one iteration threw', { thrown: 1, error: 'odd' }, 'load-script-error', /^1 of 50 iterations threw: odd$/],
    [
      'all threw and nothing was measured',
      { thrown: 3, measured: { ...good, requests: 0, iterations: 3 } },
      'load-script-error',
      /every/,
    ],
    [
      'all threw without a counted iteration',
      { thrown: 3, measured: { ...good, requests: 0, iterations: 0 } },
      'load-script-error',
      /every/,
    ],
    ['no request', { measured: { ...good, requests: 0, p95: null } }, 'load-nothing-measured', /no request/],
    ['no iteration', { measured: { ...good, iterations: 0 } }, 'load-nothing-measured', /no iteration/],
    [
      'all requests failed',
      { measured: { ...good, failed: 100, failedShare: 1 }, error: 'refused' },
      'load-nothing-measured',
      /all 100 requests failed: refused/,
    ],
    [
      'thresholds crossed, all requests failed',
      { status: 99, measured: { ...good, failed: 100, failedShare: 1, thresholds: [crossed] }, error: 'refused' },
      'load-nothing-measured',
      /all 100 requests failed: refused/,
    ],
    [
      'syntax error',
      { status: 107, measured: null, error: 'Unexpected token' },
      'load-script-error',
      /Unexpected token/,
    ],
    ['setup took too long', { status: 100 }, 'load-script-error', /setup/],
    ['refused options', { status: 104, measured: null }, 'load-script-error', /options/],
    ['test.abort()', { status: 108 }, 'load-script-error', /aborted/],
    ['test.fail()', { status: 110 }, 'load-script-error', /marked/],
    ['no summary though status 0', { measured: null }, 'load-crashed', /no summary/],
    [
      'unknown flag',
      { status: 255, measured: null, error: 'unknown flag: --nope' },
      'load-crashed',
      /255: unknown flag/,
    ],
    ['a panic', { status: 2, measured: null, error: 'panic: x' }, 'load-crashed', /panic/],
    [
      'a threshold that ended the run, with dropped iterations',
      { status: 99, aborted: 1234, measured: { ...good, dropped: 50, thresholds: [crossed] } },
      'load-thresholds',
      /^http_req_duration p\(95\)<5 was 12\.35; abortOnFail ended the run after 1\.2 s; 50 of 100 iterations .*\(50 %\)$/,
    ],
    [
      'many crossed thresholds',
      { status: 99, measured: { ...good, thresholds: Array.from({ length: 40 }, () => crossed) } },
      'load-thresholds',
      /, 30 more$/,
    ],
    ['dropped iterations', { measured: { ...good, dropped: 1 } }, 'load-overloaded', /^1 of 51 iterations .*\(2 %\)$/],
    [
      'dropped iterations, with a threshold on something else',
      { measured: { ...good, dropped: 50, thresholds: [held] } },
      'load-overloaded',
      /^50 of 100/,
    ],
    ['interrupted from outside', { status: 105 }, 'load-killed', /told to stop from outside/],
    ['SIGTERM', { status: null, signal: 'SIGTERM', measured: null }, 'load-killed', /told to stop/],
    ['SIGKILL', { status: null, signal: 'SIGKILL', measured: null }, 'load-killed', /SIGKILL.*memory/],
    ['SIGKILL below a shell', { status: 137, measured: null }, 'load-killed', /SIGKILL/],
    ['Go out of memory', { status: 2, outOfMemory: true, measured: null }, 'load-killed', /out of memory/],
    ['another signal, with a good summary', { status: null, signal: 'SIGSEGV' }, 'load-crashed', /SIGSEGV/],
  ])('%s', (_, change, code, why) => {
    const verdict = judge(ended(change));
    expect(verdict).toMatchObject({ outcome: 'failed', code });
    expect(verdict.why).toMatch(why);
  });

  it('for every status but 0', () => {
    for (let status = 1; status < 256; status += 1)
      expect(judge(ended({ status })).outcome, String(status)).toBe('failed');
  });
});
