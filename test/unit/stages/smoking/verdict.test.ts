import { expect, it } from 'vitest';
import type { Probed } from '../../../../src/probe/probe.ts';
import { resultOf } from '../../../../src/stages/smoking/verdict.ts';

const probed = (change: Partial<Probed> = {}): Probed => ({
  ...{ entry: 1, name: 'https://shop.example/health', host: null, there: false, passed: true, status: 200 },
  ...{ took: 12, tries: 1, why: [], before: [], mismatch: false },
  ...change,
});
const failed = (why: string, change: Partial<Probed> = {}) =>
  probed({ passed: false, tries: 3, why: [why], ...change });
/** The answers of `count` hosts. */
const onHosts = (count: number, one: (host: string, index: number) => Probed) =>
  Array.from({ length: count }, (_, index) => one(`web${index + 1}`, index));

it('passes where all passed, and says which needed another try', () => {
  expect(resultOf([probed(), probed({ entry: 2 })])).toMatchObject({
    outcome: 'passed',
    code: 'ok',
    summary: '2 of 2 checks passed',
    outputs: { checks: '2/2' },
  });
  const again = resultOf([probed({ tries: 2, before: ['status 500 instead of 200'] })]);
  expect(again.summary).toBe('1 of 1 checks passed (https://shop.example/health at the 2nd try)');
  expect(again.markdown).toContain('passed at the 2nd try; before: status 500 instead of 200');
  expect(again.facts).toMatchObject({ checks: [{ tries: 2, asked: 1, passed: 1 }] });
});

it('fails where one failed, and names all that did, with the tries before', () => {
  const result = resultOf([
    probed(),
    failed('status 500 instead of 200, it took 9 ms', { entry: 2, name: 'https://a/', before: ['refused', 'refused'] }),
    failed('the connection was refused (ECONNREFUSED)', { entry: 3, name: 'tcp b:1', status: null }),
  ]);
  expect(result).toMatchObject({ outcome: 'failed', code: 'smoke-failed', outputs: { checks: '1/3' } });
  expect(result.summary).toBe(
    '1 of 3 checks passed; https://a/: status 500 instead of 200, it took 9 ms; tcp b:1: the connection was refused (ECONNREFUSED)',
  );
  expect(result.facts.failures).toMatchObject([
    { check: 'https://a/', before: 'refused (2 times)' },
    { check: 'tcp b:1' },
  ]);
  expect(result.markdown).toContain('it took 9 ms; before: refused (2 times)');
  expect(result.next).toContain('https://a/');
});

it.each([
  [
    'version-mismatch',
    [
      failed('other', { mismatch: true }),
      probed({ entry: 2 }),
      failed('other', { entry: 3, mismatch: true, host: 'web1' }),
    ],
  ],
  ['smoke-failed', [failed('other', { mismatch: true }), failed('status 500 instead of 200', { entry: 2 })]],
])('is %s by what is wrong in every failure', (code, all) => expect(resultOf(all).code).toBe(code));

it('names the hosts that failed, by what was wrong, and how many more there are', () => {
  const all = onHosts(200, (host, index) => {
    const there = { host, there: true, name: 'http://127.0.0.1:{port}/health' };
    return index < 150 ? failed(index < 149 ? 'status 500 instead of 200' : 'late', there) : probed(there);
  });
  const { summary, markdown, facts, next } = resultOf(all);
  expect(summary).toBe(
    '50 of 200 checks passed; http://127.0.0.1:{port}/health on 149 of 200 hosts (web1, web2, web3, web4, web5 and 144 more): status 500 instead of 200; http://127.0.0.1:{port}/health on web150: late',
  );
  expect(next).toContain('on web1');
  expect(markdown!.split('<details>')[0]).toMatch(/on 200 hosts \| 200 \| 0\.0 s \| 3 \| 50 of 200 passed/);
  expect(markdown).toContain('<details><summary>150 answers of hosts that failed or needed another try</summary>');
  expect(markdown!.match(/\| web\d+ \|/g)).toHaveLength(150);
  expect(facts).toMatchObject({ 'failures-left-out': 50, checks: [{ asked: 200, passed: 50 }] });
  expect(facts.failures).toHaveLength(100);
});

it('lets no answer of a server become markup', () => {
  const { markdown } = resultOf([failed('header x is "| <script>alert(1)</script> [a](javascript:b)" instead of "y"')]);
  expect(markdown).not.toMatch(/[^\\]</);
  expect(markdown).toContain('\\| \\<script\\>');
});
