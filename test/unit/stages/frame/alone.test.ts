import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runner } from '../../../../src/github/github.ts';
import { RecordingLog } from '../../../../src/log/log.ts';
import { type Doorway, prepare, standsAlone } from '../../../../src/stages/frame/context.ts';

const CONFIG = `
name: shop
artifact: release:shop-{version}.tar.gz
ledger: ./ledger
environments:
  uat:
    database: \${UAT_DATABASE_URL}
  production:
    database: \${SHOP_DATABASE_URL}
`;
let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'changeline-'));
  writeFileSync(join(workspace, 'changeline.yml'), CONFIG);
});

afterEach(() => rmSync(workspace, { recursive: true }));

function door(event: string | null, given: Record<string, string> = {}): Doorway {
  const runner = event === null ? null : ({ repository: 'acme/shop', event, payload: {} } as Runner);
  return {
    given: { config: 'changeline.yml', token: 'none', ...given },
    style: (name) => name,
    env: {},
    log: new RecordingLog(),
    signal: new AbortController().signal,
    runner,
    holder: { kind: 'shell', machine: 'm', pid: 1, started: '', actor: 'octocat' },
    step: 'step',
    place: { workspace, scratch: workspace, handover: workspace, cache: workspace, reports: workspace },
  };
}

describe('a run without an environment of its own', () => {
  it.each([
    ['a gate that names no environment', 'gate', 'push', {}, true],
    ['a gate that names one', 'gate', 'push', { environment: 'production' }, false],
    ['an approval that a comment answers', 'approve', 'issue_comment', {}, true],
    ['an approval of a delivery', 'approve', 'workflow_dispatch', { environment: 'production' }, false],
    ['an approval in a shell', 'approve', null, { environment: 'production' }, false],
    ['a deploy', 'deploy', 'issue_comment', {}, false],
  ] as const)('%s', (_, verb, event, given, alone) => {
    expect(standsAlone(verb, door(event, { ...given }))).toBe(alone);
  });

  it.each([
    ['gate', null],
    ['approve', 'issue_comment'],
  ] as const)('has the ledger of all environments and needs no variable: %s', async (verb, event) => {
    const { ledger, loaded } = await prepare(verb, door(event));
    expect(loaded?.environment).toBe(null);
    const states = await ledger!.states(['.gate', 'uat', 'production']);
    expect(states.map(({ environment }) => environment)).toEqual(['.gate', 'uat', 'production']);
  });
});
