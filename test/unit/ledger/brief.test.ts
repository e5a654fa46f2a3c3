import { describe, expect, it } from 'vitest';
import { brief } from '../../../src/ledger/brief.ts';
import { append, emptyState, event, type Holder, openChange, type SchemaStep } from '../../../src/ledger/ledger.ts';

const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };

describe('what the ledger of a public repository keeps of a restore', () => {
  const step: SchemaStep = {
    ...{ change: 'c', version: '2', at: '', database: 'main', before: '', after: '', applied: [] },
    ...{ down: null, noDown: 'column "salary" of people holds data', backup: null, ratio: null, undone: 'r' },
  };
  const opened = openChange(
    { ...emptyState('production'), migrations: [step] },
    { verb: 'rollback', version: '1', digest: null, commit: null, config: null, holder },
    true,
  );
  const facts = { data: 'restored', lost: [{ database: 'main', table: 'salaries', now: 12, backup: 7 }] };
  const told = event('stage', { stage: 'rollback', code: 'rolled-back', summary: 'salaries: 12 rows now', facts });
  const incident = event('incident', { why: 'wrong sums' });
  const kept = brief({ ...opened, change: append(opened.change, [told, incident]) });

  it('no table, no number of rows, nothing that the database said', () =>
    expect(JSON.stringify(kept)).not.toMatch(/salar|"now"|"backup":7/));
  it('that it happened, what was undone, and what the person gave as why', () => {
    expect(kept.change.events.slice(1)).toMatchObject([{ code: 'rolled-back' }, { why: 'wrong sums' }]);
    expect(kept.state.migrations).toMatchObject([{ undone: 'r', noDown: 'see the report of its run' }]);
  });
});

describe('what the ledger of a public repository keeps of a load test', () => {
  const series = { script: 'a.js', load: 'sha256:a', step: 1, requests: [98765], failed: [0], p50: [1], p95: [2] };
  const loads = [{ version: '1', digest: null, at: '', change: 'c', scripts: [series] }];
  const opening = { verb: 'load-test', version: '1', digest: null, commit: null, config: null, holder } as const;

  it('no latency and no number of requests', () => {
    const opened = openChange({ ...emptyState('uat'), loads }, opening, false);
    expect(opened.state.loads).toHaveLength(1);
    expect(JSON.stringify(brief(opened))).not.toContain('98765');
  });
});
