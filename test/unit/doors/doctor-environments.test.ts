import { describe, expect, it } from 'vitest';
import type { GitHubEnvironment, RepositoryFacts } from '../../../src/doors/doctor/facts.ts';
import { findings } from '../../../src/doors/doctor/findings.ts';
import {
  type Case,
  CONFIG,
  classic,
  configFrom,
  example,
  files,
  judged,
  PROTECTION,
  REFUSED,
  repository,
} from './doctor-facts.ts';

const on = (changed: Partial<GitHubEnvironment>, more: Partial<RepositoryFacts> = {}) =>
  repository({
    asked: ['production'],
    environments: {
      value: [
        {
          name: 'Production',
          reviewers: 0,
          branches: 'chosen',
          policies: { value: [{ name: 'main', type: 'branch' }] },
          ...changed,
        },
      ],
    },
    ...more,
  });
const policies = (...list: [string, string?][]) =>
  on({ policies: { value: list.map(([name, type = 'branch']) => ({ name, type })) } });
const teams = configFrom(CONFIG.replace('octocat', 'team:acme/ops'));
const plain = configFrom(CONFIG.replace('    approve: { from: [octocat] }\n', ''));

describe('an environment', () => {
  it.each<Case>([
    ['there, however it is written', on({}), 'environment', 'ok', ''],
    [
      'not there',
      repository({ asked: ['production'], environments: { value: [] } }),
      'environment',
      'missing',
      'New environment',
    ],
    ['unseen', repository({ asked: ['production'], environments: REFUSED }), 'environment', 'unknown', ''],
    ['any branch', on({ branches: 'all' }), 'environment-branches', 'missing', 'Selected branches and tags'],
    [
      'protected, classic',
      on({ branches: 'protected' }, { gated: classic(PROTECTION) }),
      'environment-branches',
      'ok',
      '',
    ],
    [
      'protected, by a ruleset',
      on({ branches: 'protected' }),
      'environment-branches',
      'unknown',
      'Settings > Branches',
    ],
    ['main alone', policies(['main']), 'environment-branches', 'ok', ''],
    ['a wildcard', policies(['main'], ['*']), 'environment-branches', 'missing', 'every branch'],
    ['all tags', policies(['main'], ['*', 'tag']), 'environment-branches', 'missing', '* (tag)'],
    ['a tag of that name', policies(['main'], ['main', 'tag']), 'environment-branches', 'advice', 'main'],
    ['releases too', policies(['main'], ['release/*']), 'environment-branches', 'advice', 'release/*'],
    ['main not', policies(['prod']), 'environment-branches', 'missing', 'main cannot'],
    ['none', policies(), 'environment-branches', 'missing', 'main cannot'],
    ['policies unseen', on({ policies: REFUSED }), 'environment-branches', 'unknown', ''],
    ['approve', on({}), 'environment-people', 'ok', 'approve in changeline.yml'],
    ['reviewers', on({ reviewers: 2 }, { config: plain }), 'environment-people', 'ok', '2 required reviewers'],
    ['nobody', on({}, { config: plain }), 'environment-people', 'advice', 'Required reviewers'],
    [
      'delivered outside',
      on(
        {},
        {
          files: {
            value: files({
              deliver: example('deliver').replace('environment: production\n    concurrency', 'concurrency'),
            }),
          },
        },
      ),
      'environment-used',
      'missing',
      'job production',
    ],
    ['delivered by nobody', on({}, { files: { value: files({ deliver: null }) } }), 'environment-used', 'unknown', ''],
  ])('%s', judged);

  it('without hosts has no rows', () => {
    const config = configFrom(CONFIG.replace('uat: { hosts: [./uat] }', 'uat: {}'));
    expect(findings(repository({ config, asked: ['uat'] })).filter((row) => row.about.includes('uat'))).toEqual([]);
  });
});

describe('the approvals', () => {
  it.each<Case>([
    [
      'no workflow',
      repository({ files: { value: files({ approve: null }) } }),
      'approve-workflow',
      'missing',
      'approve.yml',
    ],
    [
      'on something else',
      repository({ files: { value: files({ approve: example('approve').replace('issue_comment', 'issues') }) } }),
      'approve-workflow',
      'missing',
      '',
    ],
    [
      'cannot start it',
      repository({
        files: { value: files({ approve: example('approve').replace('actions: write', 'actions: read') }) },
      }),
      'approve-permissions',
      'missing',
      'lacks actions: write',
    ],
    [
      'ledger in the branch',
      repository({
        files: { value: files({ approve: example('approve').replace('contents: write', 'contents: read') }) },
      }),
      'approve-permissions',
      'missing',
      'lacks contents: write',
    ],
    [
      'ledger in a directory',
      repository({
        ledger: null,
        files: { value: files({ approve: example('approve').replace('contents: write', 'contents: read') }) },
      }),
      'approve-permissions',
      'ok',
      '',
    ],
    [
      'no dispatch',
      repository({ files: { value: files({ deliver: example('deploy-every-commit') }) } }),
      'approve-dispatch',
      'missing',
      'workflow_dispatch',
    ],
    ['no delivery', repository({ files: { value: files({ deliver: null }) } }), 'approve-dispatch', 'unknown', ''],
    ["a team, the job's token", repository({ config: teams }), 'approve-teams', 'missing', 'can never read teams'],
    [
      'a team, own tokens',
      repository({
        config: teams,
        files: {
          value: files({
            approve: `${example('approve')}        with: { token: "\${{ steps.app.outputs.token }}" }`,
            ...Object.fromEntries([
              ['deliver', example('deliver').replaceAll('ssh-key:', 'token: x\n          ssh-key:')],
            ]),
          }),
        },
      }),
      'approve-teams',
      'unknown',
      'Members: read',
    ],
  ])('%s', judged);

  it('no environment asks for any: no rows', () => {
    expect(findings(repository({ config: plain })).filter((row) => row.about === 'The approvals')).toEqual([]);
  });
});
