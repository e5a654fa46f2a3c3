/** Changes and events for the tests of the report. */
import type { Change, LedgerEvent } from '../../../src/ledger/ledger.ts';
import type { Outcome } from '../../../src/outcome/outcome.ts';

let events = 0;

export function event(stage: string, outcome: Outcome, rest: Partial<LedgerEvent> = {}): LedgerEvent {
  return { id: `event-${events++}`, at: '2026-11-21T10:00:00Z', kind: 'stage', stage, outcome, ...rest };
}

export function change(rest: Partial<Change> = {}): Change {
  return {
    schema: 1,
    id: '2026-11-21-0007',
    environment: 'production',
    verb: 'deliver',
    version: '1.2.0',
    digest: `sha256:${'ab'.repeat(32)}`,
    commit: '0123456789abcdef',
    config: null,
    holder: {
      kind: 'actions',
      repository: 'acme/shop',
      run: '8812',
      attempt: '1',
      job: 'deliver',
      url: 'https://github.com/acme/shop/actions/runs/8812',
      actor: 'octocat',
    },
    fence: 7,
    opened: '2026-11-21T10:00:00Z',
    closed: '2026-11-21T10:06:42Z',
    outcome: 'passed',
    events: [],
    ...rest,
  };
}
