import { expect, it } from 'vitest';
import type { Probed } from '../../../src/probe/probe.ts';
import { resultOf } from '../../../src/stages/smoke-test.ts';

const probed = (change: Partial<Probed> = {}): Probed => ({
  url: 'https://shop.example/health',
  passed: true,
  status: 200,
  took: 12,
  tries: 1,
  why: [],
  before: [],
  ...change,
});

it('passes where all passed, and says which needed another try', () => {
  expect(resultOf([probed(), probed()])).toMatchObject({
    outcome: 'passed',
    code: 'ok',
    summary: '2 of 2 checks passed',
    outputs: { checks: '2/2' },
  });
  const again = resultOf([probed({ tries: 2, before: ['status 500 instead of 200'] })]);
  expect(again.summary).toBe('1 of 1 checks passed (https://shop.example/health at the 2nd try)');
  expect(again.markdown).toContain('passed at the 2nd try; before: status 500 instead of 200');
  expect(again.facts).toMatchObject({ checks: [{ tries: 2, before: 'status 500 instead of 200' }] });
});

it('fails where one failed, and names all that did', () => {
  const result = resultOf([
    probed(),
    probed({
      url: 'https://a/',
      passed: false,
      status: 500,
      tries: 3,
      why: ['status 500 instead of 200', 'it took 9 ms instead of at most 5 ms'],
    }),
    probed({ url: 'https://b/', passed: false, status: null, why: ['the connection was refused (ECONNREFUSED)'] }),
  ]);
  expect(result).toMatchObject({ outcome: 'failed', code: 'smoke-failed', outputs: { checks: '1/3' } });
  expect(result.summary).toBe(
    '1 of 3 checks passed; https://a/: status 500 instead of 200, it took 9 ms instead of at most 5 ms; https://b/: the connection was refused (ECONNREFUSED)',
  );
  expect(result.next).toContain('https://a/');
});

it('lets no answer of a server become markup', () => {
  const { markdown } = resultOf([
    probed({ passed: false, why: ['header x is "| <script>alert(1)</script> [a](javascript:b)" instead of "y"'] }),
  ]);
  expect(markdown).not.toMatch(/[^\\]</);
  expect(markdown).toContain('\\| \\<script\\>');
});
