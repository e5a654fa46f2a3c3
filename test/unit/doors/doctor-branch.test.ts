import { describe, expect, it } from 'vitest';
import type { BranchFacts, Ruleset } from '../../../src/doors/doctor/facts.ts';
import {
  type Case,
  classic,
  judged,
  MAIN,
  PROTECTION,
  REFUSED,
  repository,
  requires,
  rowsOf,
  rule,
  ruled,
} from './doctor-facts.ts';

const gated = (branch: Partial<BranchFacts>) => repository({ gated: { ...ruled('main', MAIN), ...branch } });
const ruleset = (changed: Partial<Ruleset>) =>
  gated({ rulesets: new Map([[1, { value: { id: 1, name: 'main', bypass: [], own: null, ...changed } }]]) });
const main = (...rules: Parameters<typeof ruled>[1]) => repository({ gated: ruled('main', rules) });
const partly = (enforcement: string | null) =>
  repository({
    gated: {
      ...classic(null),
      branch: { value: { protected: true, classic: true, checks: PROTECTION.checks, enforcement } },
    },
  });

describe('the gated branch', () => {
  it.each<Case>([
    ['not there', gated({ branch: { value: null } }), 'branch', 'missing', 'gate.branch'],
    ['by a ruleset', repository(), 'context-required', 'ok', 'the ruleset "main"'],
    ['no rule', main(), 'context-required', 'missing', 'only informs'],
    [
      'another context',
      main(rule('required_status_checks', { required_status_checks: [{ context: 'changeline/gate2' }] })),
      'context-required',
      'missing',
      'Require status checks to pass',
    ],
    [
      'damaged parameters',
      main(rule('required_status_checks', { required_status_checks: [null, 7] })),
      'context-required',
      'missing',
      '',
    ],
    ['classic, whole', repository({ gated: classic(PROTECTION) }), 'context-required', 'ok', 'branch protection'],
    ['classic, seen in part', partly('everyone'), 'context-required', 'ok', 'branch protection'],
    [
      'classic, without it',
      repository({ gated: classic({ ...PROTECTION, checks: [] }) }),
      'context-required',
      'missing',
      '',
    ],
    ['classic switched off', partly('off'), 'context-required', 'missing', ''],
    ['rules hold, classic unseen', gated({ branch: REFUSED, protection: REFUSED }), 'context-required', 'ok', ''],
    [
      'rules do not, classic unseen',
      repository({ gated: { ...ruled('main', []), branch: REFUSED, protection: REFUSED } }),
      'context-required',
      'unknown',
      'Administration: read',
    ],
    ['rules unseen', gated({ rules: REFUSED }), 'context-required', 'unknown', 'Settings > Rules > Rulesets'],
    ['from Actions', repository(), 'context-app', 'ok', 'GitHub Actions'],
    ['from any app', main(requires(null)), 'context-app', 'missing', 'any source'],
    ['from any in one, Actions in another', main(requires(null), requires(15368)), 'context-app', 'ok', ''],
    ['from another app', main(requires(4711)), 'context-app', 'unknown', 'the app 4711'],
    [
      'classic from any',
      repository({ gated: classic({ ...PROTECTION, checks: [{ context: 'changeline/gate', app: null }] }) }),
      'context-app',
      'missing',
      '',
    ],
    ['up to date', repository(), 'up-to-date', 'ok', ''],
    ['neither', main(requires(15368, false)), 'up-to-date', 'advice', 'Require merge queue'],
    ['a queue by rule', main(requires(15368, false), rule('merge_queue')), 'up-to-date', 'ok', 'merge queue'],
    [
      'a queue by GraphQL',
      { ...main(requires(15368, false)), queue: { value: true } },
      'up-to-date',
      'ok',
      'merge queue',
    ],
    ['queue unseen', { ...main(requires(15368, false)), queue: REFUSED }, 'up-to-date', 'unknown', ''],
    ['strict unseen', partly('everyone'), 'up-to-date', 'unknown', 'Administration: read'],
    ['pull requests by a ruleset', repository(), 'pull-request', 'ok', ''],
    ['pushes', main(requires(15368)), 'pull-request', 'missing', 'Require a pull request before merging'],
    ['pull requests unseen', partly('everyone'), 'pull-request', 'unknown', 'Administration: read'],
    [
      'pull requests, classic',
      repository({ gated: classic({ ...PROTECTION, pullRequest: false }) }),
      'pull-request',
      'missing',
      '',
    ],
    ['history by classic', repository({ gated: classic(PROTECTION) }), 'branch-history', 'ok', 'branch protection'],
    [
      'force pushes',
      repository({ gated: classic({ ...PROTECTION, forcePushes: true }) }),
      'branch-history',
      'missing',
      'Block force pushes',
    ],
    [
      'deletions, classic',
      repository({ gated: classic({ ...PROTECTION, deletions: true }) }),
      'branch-history',
      'missing',
      'deleted',
    ],
    ['deletion alone open', main(rule('non_fast_forward')), 'branch-history', 'missing', 'being deleted'],
    ['rules unseen, no classic', gated({ rules: REFUSED }), 'branch-history', 'unknown', ''],
  ])('%s', judged);

  it.each<Case>([
    ['nobody', repository(), 'bypass', 'ok', 'lets nobody by'],
    ['not shown', ruleset({ bypass: null }), 'bypass', 'unknown', 'Administration: write'],
    [
      'not shown, but this token may',
      ruleset({ bypass: null, own: 'pull_requests_only' }),
      'bypass',
      'missing',
      'the owner of this token',
    ],
    [
      'administrators',
      ruleset({ bypass: [{ type: 'RepositoryRole', id: 5, mode: 'always' }] }),
      'bypass',
      'missing',
      'repository administrators',
    ],
    [
      'a team, for pull requests',
      ruleset({ bypass: [{ type: 'Team', id: 9, mode: 'pull_request' }] }),
      'bypass',
      'missing',
      'the team 9 (for pull requests)',
    ],
    [
      'an unheard-of actor',
      ruleset({ bypass: [{ type: 'Robot', id: null, mode: 'exempt' }] }),
      'bypass',
      'missing',
      'Robot',
    ],
    ['ruleset refused', gated({ rulesets: new Map([[1, REFUSED]]) }), 'bypass', 'unknown', 'Bypass list'],
    [
      'ruleset not named',
      gated({ rules: { value: [{ ...requires(15368), ruleset: null }] } }),
      'bypass',
      'unknown',
      '',
    ],
    [
      'classic exempts',
      repository({ gated: classic({ ...PROTECTION, admins: false }) }),
      'bypass',
      'missing',
      'Do not allow bypassing the above settings',
    ],
    ['classic in part, everyone', partly('everyone'), 'bypass', 'ok', ''],
    ['classic in part, not admins', partly('non_admins'), 'bypass', 'missing', 'administrators'],
    ['classic in part, not said', partly(null), 'bypass', 'unknown', 'Administration: read'],
  ])('bypass: %s', judged);

  it('an open ruleset beside closed branch protection lets nobody by', () => {
    const open = ruleset({ bypass: [{ type: 'OrganizationAdmin', id: null, mode: 'always' }] }).gated;
    expect(rowsOf(repository({ gated: { ...open, protection: { value: PROTECTION } } }), 'bypass')[0]?.state).toBe(
      'ok',
    );
  });
});
