import { describe, expect, it } from 'vitest';
import { type Runner, runnerFrom } from '../../../../src/github/github.ts';
import { questionIn } from '../../../../src/stages/approving/answering.ts';
import { workflowOf } from '../../../../src/stages/approving/repeating.ts';

const RUNNER: Runner = {
  ...runnerFrom({
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_EVENT_NAME: 'workflow_dispatch',
    GITHUB_REF: 'refs/heads/release/1.x',
    GITHUB_WORKFLOW_REF: 'acme/shop/.github/workflows/deliver.yml@refs/heads/release/1.x',
  })!,
  payload: { inputs: { version: '1.1.0', plan: false, note: null } },
};

describe('a run that is started again', () => {
  it('has its file, its ref and its inputs as they were', () => {
    expect(workflowOf(RUNNER)).toEqual({
      file: 'deliver.yml',
      ref: 'release/1.x',
      inputs: { version: '1.1.0', plan: 'false', note: '' },
    });
    expect(workflowOf({ ...RUNNER, ref: 'refs/tags/v1' })?.ref).toBe('v1');
    expect(workflowOf({ ...RUNNER, payload: {} })?.inputs).toEqual({});
    expect(workflowOf({ ...RUNNER, payload: { inputs: { override: '' } } })).not.toBeNull();
  });

  it.each<[string, Runner | null]>([
    ['a shell', null],
    ['a push', { ...RUNNER, event: 'push' }],
    ['a workflow whose file is not told', { ...RUNNER, workflowRef: '' }],
    ['a pull request', { ...RUNNER, ref: 'refs/pull/7/merge' }],
    ['an override', { ...RUNNER, payload: { inputs: { override: 'the fix' } } }],
  ])('is not there for %s', (_, runner) => {
    expect(workflowOf(runner)).toBeNull();
  });
});

describe('a comment', () => {
  const MARK = '<!-- changeline:approval {"environment":"production","request":"r1","by":"ada"} -->';
  const comment = (more: object = {}, issue: object = {}): Runner => ({
    ...RUNNER,
    event: 'issue_comment',
    payload: {
      action: 'created',
      issue: { number: 7, body: `${MARK}\nMay it?`, ...issue },
      comment: { body: '/approve', user: { type: 'User' } },
      ...more,
    },
  });

  it('on a question with a command is looked at', () => {
    expect(questionIn(comment())).toEqual({ issue: 7, environment: 'production', request: 'r1' });
  });

  it.each<[string, Runner | null]>([
    ['no runner', null],
    ['no payload', { ...RUNNER, payload: {} }],
    ['an edited comment', comment({ action: 'edited' })],
    ['an app', comment({ comment: { body: '/approve', user: { type: 'Bot' } } })],
    ['no command', comment({ comment: { body: 'well', user: { type: 'User' } } })],
    ['a comment without text', comment({ comment: { body: null } })],
    ['a pull request', comment({}, { pull_request: {} })],
    ['another issue', comment({}, { body: 'A bug' })],
    ['an issue without text', comment({}, { body: null })],
    ['a marker in the middle of a line', comment({}, { body: `see ${MARK}` })],
  ])('is left alone: %s', (_, runner) => {
    expect(questionIn(runner)).toBeNull();
  });
});
