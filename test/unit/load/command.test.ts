import { describe, expect, it } from 'vitest';
import {
  canRecord,
  inspectArguments,
  refuseArguments,
  runArguments,
  scriptEnvironment,
  withRecording,
} from '../../../src/load/command.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

describe('the command line of a run', () => {
  const line = runArguments({
    script: '/w/load/a b$(x).js',
    summary: '/s/summary.json',
    args: ['--vus=3', '--tag', 'a=b c'],
  });

  it('ends with the script, each argument one entry as it was given', () => {
    expect(line[0]).toBe('run');
    expect(line.slice(-4)).toEqual(['--vus=3', '--tag', 'a=b c', '/w/load/a b$(x).js']);
  });

  it('opens no port, sends no report, waits for nobody', () => {
    expect(line[line.indexOf('--address') + 1]).toBe('');
    expect(line).toContain('--no-usage-report');
    expect(line).toContain('--paused=false');
    expect(line).toContain('--linger=false');
  });

  it.each([
    ['0.48.0', false],
    ['0.49.0', true],
    ['1.0.0', true],
    ['2.2.0', true],
  ])('k6 %s can record: %j', (version, can) => expect(canRecord(version)).toBe(can));

  it('asks for the summary that holds thresholds, with the trends that thresholds use', () => {
    expect(line[line.indexOf('--summary-export') + 1]).toBe('/s/summary.json');
    expect(line[line.indexOf('--summary-trend-stats') + 1]).toContain('p(95)');
    expect(line.join(' ')).not.toContain('machine-readable');
  });
});

describe('a recording', () => {
  const record = { file: '/s/a b&c,d.json', tick: 0.5 };
  const output = 'web-dashboard=host=127.0.0.1&port=0&tag=-&period=500ms&record=%2Fs%2Fa%20b%26c%2Cd.json';

  it.each<[string[], Record<string, string>, string[], Record<string, string>]>([
    [[], {}, [], { K6_OUT: output }],
    [['--vus', '3'], { A: '1' }, ['--vus', '3'], { A: '1', K6_OUT: output }],
    [[], { K6_OUT: 'json=a,csv=b' }, [], { K6_OUT: `json=a,csv=b,${output}` }],
    [['--out', 'json=c'], {}, ['--out', output, '--out', 'json=c'], {}],
    [['-ojson=c'], { K6_OUT: 'json=a' }, ['--out', output, '-ojson=c'], { K6_OUT: 'json=a' }],
    [['--out=json=c'], {}, ['--out', output, '--out=json=c'], {}],
  ])('goes on loopback, to where the outputs of %j and %j stand', (args, env, given, seen) =>
    expect(withRecording(args, env, record)).toEqual({ args: given, env: seen }),
  );
});

describe('the command line of an inspection', () => {
  it.each([
    [
      ['-e', 'A=1', '--vus=3', '--env', 'B=2'],
      ['-e', 'A=1', '--env', 'B=2'],
    ],
    [
      ['--env=A=1', '-eB=2', '--duration', '5s'],
      ['--env=A=1', '-eB=2'],
    ],
    [['--vus', '2'], []],
  ])('takes from %j only variables', (args, kept) => {
    expect(inspectArguments('/x.js', args).slice(-kept.length - 1)).toEqual([...kept, '/x.js']);
    expect(inspectArguments('/x.js', args)).toContain('--include-system-env-vars');
    expect(inspectArguments('/x.js', args).join(' ')).not.toMatch(/vus|duration/);
  });
});

describe('the environment of a script', () => {
  it('holds the URL and the variables as text', () => {
    expect(scriptEnvironment('http://x', { VUS: 5 })).toEqual({
      K6_NO_USAGE_REPORT: 'true',
      BASE_URL: 'http://x',
      VUS: '5',
    });
  });
  it('has no URL where none is given', () => {
    expect(scriptEnvironment(undefined)).not.toHaveProperty('BASE_URL');
  });
  it('lets the environment section name another URL', () => {
    expect(scriptEnvironment('http://x', { BASE_URL: 'http://y' }).BASE_URL).toBe('http://y');
  });
});

describe('arguments that are kept', () => {
  it.each([
    '--summary-export=x',
    '--summary-export',
    '-a',
    '--address=:1',
    '--paused',
    '-p',
    '-l',
    '--linger',
    '--no-thresholds',
    '--log-output=none',
    '--log-format',
  ])('%s is refused', (arg) => {
    const attempt = () => refuseArguments(['--vus=1', arg]);
    expect(attempt).toThrow(Failure);
    expect(attempt).toThrow(/cannot be given/);
  });
  it.each(['--vus=1', '-e', 'A=--paused', '--tag', 'constructor', '-d', '10s'])('%s is not', (arg) => {
    expect(() => refuseArguments([arg])).not.toThrow();
  });
});
