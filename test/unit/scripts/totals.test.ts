import { expect, test } from 'vitest';
import { totals, totalsOf } from '../../../scripts/totals.ts';

const green = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};
const unloaded = { status: 'failed', assertionResults: [] };

test.each([
  ['all passed', green, '3 passed, 0 failed', 0],
  ['some skipped', { ...green, numPendingTests: 1, numTodoTests: 1 }, '3 passed, 0 failed, 2 skipped', 0],
  ['some failed', { ...green, success: false, numFailedTests: 2 }, '3 passed, 2 failed', 2],
  ['a file that could not be loaded', { ...green, success: false, testResults: [unloaded] }, '3 passed, 1 failed', 1],
  ['an error outside any test', { ...green, success: false }, '3 passed, 1 failed', 1],
])('%s', (_, report, line, failed) => {
  expect(totals(report)).toEqual({ line, failed });
});

test('no report is a failure', () => {
  expect(totalsOf('/nowhere/report.json')).toEqual({ line: '0 passed, 1 failed', failed: 1 });
});
