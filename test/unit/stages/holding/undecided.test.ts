import { describe, expect, it } from 'vitest';
import { type Code, Failure } from '../../../../src/outcome/outcome.ts';
import { lasts } from '../../../../src/stages/holding/undecided.ts';

const failure = (code: Code, more: Partial<ConstructorParameters<typeof Failure>[0]> = {}) =>
  new Failure({ code, what: 'x', next: 'y', ...more });

describe('a failure is told on pull requests', () => {
  it.each([
    ['a broken changeline.yml', failure('config-invalid'), true],
    ['a branch that was renamed', failure('gate-unknown'), true],
    ['checks that changed while they were read', failure('gate-unknown', { facts: { passes: true } }), false],
    ['a damaged ledger', failure('ledger-damaged'), true],
    ['a ledger that is not there', failure('ledger-unreachable', { cause: failure('github-not-found') }), true],
    ['a ledger whose GitHub is away', failure('ledger-unreachable', { cause: failure('github-unreachable') }), false],
    ['a token that may not read', failure('github-denied'), true],
    ['one that may not write', failure('github-denied', { facts: { permissions: 'statuses: write' } }), false],
    ['GitHub that does not answer', failure('github-unreachable'), false],
    ['a cancelled run', failure('cancelled'), false],
  ])('where it lasts: %s', (_, given, expected) => {
    expect(lasts(given)).toBe(expected);
  });
});
