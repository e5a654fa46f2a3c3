import { describe, expect, it } from 'vitest';
import type { BranchFacts, RepositoryFacts } from '../../../src/doors/doctor/facts.ts';
import { findings } from '../../../src/doors/doctor/findings.ts';
import {
  type Case,
  classic,
  example,
  files,
  judged,
  MAIN,
  PROTECTION,
  REFUSED,
  repository,
  rule,
  ruled,
} from './doctor-facts.ts';

const ledger = (branch: BranchFacts, more: Partial<RepositoryFacts> = {}) =>
  repository({ ledger: { repository: 'acme/shop', facts: branch }, ...more });
const kept = [rule('deletion'), rule('non_fast_forward')];
const ownToken = {
  files: {
    value: files({
      deliver: example('deliver').replaceAll('ssh-key:', 'token: ${{ secrets.APP }}\n          ssh-key:'),
    }),
  },
};

describe('the ledger', () => {
  it.each<Case>([
    [
      'updates restricted',
      ledger(ruled('changeline', [...kept, rule('update')])),
      'ledger-writable',
      'missing',
      'Restrict updates',
    ],
    [
      'updates restricted, own token',
      ledger(ruled('changeline', [...kept, rule('update')]), ownToken),
      'ledger-writable',
      'unknown',
      'Bypass list',
    ],
    [
      'rules for all branches',
      ledger(ruled('changeline', MAIN)),
      'ledger-writable',
      'missing',
      'Require a pull request before merging',
    ],
    [
      'creation, not there yet',
      ledger({ ...ruled('changeline', [rule('creation')]), branch: { value: null } }),
      'ledger-writable',
      'missing',
      'Restrict creations',
    ],
    ['creation, there', ledger(ruled('changeline', [...kept, rule('creation')])), 'ledger-writable', 'ok', ''],
    [
      'classic',
      ledger({ ...classic(PROTECTION), name: 'changeline' }),
      'ledger-writable',
      'missing',
      'branch protection',
    ],
    [
      'classic unseen',
      ledger({ ...classic(null), name: 'changeline' }),
      'ledger-writable',
      'unknown',
      'Administration: read',
    ],
    [
      'a pattern',
      ledger(ruled('changeline', [...kept, rule('commit_message_pattern')])),
      'ledger-writable',
      'advice',
      'commit messages',
    ],
    ['rules unseen', ledger({ ...ruled('changeline', kept), rules: REFUSED }), 'ledger-writable', 'unknown', ''],
    ['deletion open', ledger(ruled('changeline', [])), 'ledger-history', 'missing', 'deleted or rewritten'],
    ['open', repository(), 'ledger-writers', 'advice', 'github-actions[bot] cannot be in a Bypass list'],
    ['closed', ledger(ruled('changeline', [...kept, rule('update')]), ownToken), 'ledger-writers', 'ok', ''],
  ])('%s', judged);

  it('in a directory has no rows', () => {
    expect(findings(repository({ ledger: null })).filter((row) => row.row.startsWith('ledger'))).toEqual([]);
  });
});
