import { describe, expect, it } from 'vitest';
import { readLogLine, readProgress } from '../../../src/load/output.ts';

describe('progress', () => {
  it.each([
    [
      'running (01.0s), 5/5 VUs, 45 complete and 0 interrupted iterations',
      { elapsed: '01.0s', users: 5, iterations: 45 },
    ],
    [
      'running (1m05.0s), 12/50 VUs, 120345 complete and 2 interrupted iterations',
      { elapsed: '1m05.0s', users: 12, iterations: 120_345 },
    ],
  ])('%s', (line, progress) => expect(readProgress(line)).toEqual(progress));

  it.each([
    '',
    'default   [  50% ] 5 VUs  1.0s/2s',
    'running',
    '   running (1s), 1/1 VUs, 1 complete and 0 interrupted iterations',
  ])('none in %j', (line) => expect(readProgress(line)).toBeNull());
});

describe('the log', () => {
  const thrown =
    '{"executor":"shared-iterations","hint":"script exception","level":"error","msg":"Error: boom\\n\\tat default (file:///t.js:3:36(3))\\n","scenario":"default","source":"stacktrace","time":"2026-11-21T10:25:19Z"}';

  it('counts an exception of an iteration', () => {
    expect(readLogLine(thrown)).toEqual({
      level: 'error',
      text: 'Error: boom at default (file:///t.js:3:36(3))',
      thrown: true,
      telling: null,
    });
  });
  it('does not count an exception of setup: no iteration began', () => {
    expect(
      readLogLine('{"hint":"script exception","level":"error","msg":"Error: x","source":"stacktrace"}')?.thrown,
    ).toBe(false);
  });
  it('is not deceived by what a script prints', () => {
    const said = JSON.stringify({ level: 'error', msg: thrown, source: 'console' });
    expect(readLogLine(said)?.thrown).toBe(false);
  });
  it('adds why a request failed', () => {
    expect(readLogLine('{"error":"refused","level":"warning","msg":"Request Failed"}')).toEqual({
      level: 'warning',
      text: 'Request Failed: refused',
      thrown: false,
      telling: null,
    });
  });
  it('takes a line that is no JSON as an error: a panic of Go', () => {
    expect(readLogLine('panic: runtime error')).toEqual({
      level: 'error',
      text: 'panic: runtime error',
      thrown: false,
      telling: null,
    });
    expect(readLogLine('[1]')?.level).toBe('error');
  });
  it.each([
    ['runtime: out of memory: cannot allocate 67108864-byte block (1152942080 in use)', 'out of memory'],
    ['fatal error: out of memory', 'out of memory'],
    ['fatal error: runtime: cannot allocate memory', 'out of memory'],
    ['fatal error: all goroutines are asleep - deadlock!', null],
    ['{"level":"error","msg":"fatal error: out of memory"}', null],
    [
      `{"level":"error","msg":"thresholds on metrics 'a' were crossed; at least one has abortOnFail enabled, stopping test prematurely"}`,
      'aborted',
    ],
    [
      `{"level":"error","source":"console","msg":"thresholds on metrics 'a' were crossed; at least one has abortOnFail enabled"}`,
      null,
    ],
  ])('%s tells %j', (line, telling) => expect(readLogLine(line)?.telling).toBe(telling));
  it('ends a long message', () => expect(readLogLine('x'.repeat(5000))?.text).toHaveLength(300));
  it('skips an empty line', () => expect(readLogLine('  ')).toBeNull());
});
