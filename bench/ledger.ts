/** How many calls of GitHub's API an event of the ledger costs, counted where they arrive. */
import { randomUUID } from 'node:crypto';
import type { Measured } from '../scripts/bench.ts';
import { openGitHub } from '../src/github/github.ts';
import {
  closeChange,
  commitChange,
  type EnvironmentState,
  event,
  type Ledger,
  openBranchLedger,
  openChange,
} from '../src/ledger/ledger.ts';
import { type StandIn, startStandIn } from '../test/support/github/stand-in.ts';

const CHANGES = 20;
/** Opened, committed, closed. */
const EVENTS = 3;

/** Counts over many changes on a branch that has a history; the first change, which creates the branch, is left out. */
export async function run(): Promise<Measured[]> {
  const standIn = await startStandIn();
  try {
    standIn.repository('acme', 'shop').commit();
    const token = standIn.token({ contents: 'write' });
    const ledger = openBranchLedger({ github: openGitHub({ token, apiUrl: standIn.url, repository: 'acme/shop' }) });
    await oneChange(ledger);
    const before = counted(standIn);
    for (let number = 0; number < CHANGES; number++) await oneChange(ledger);
    const after = counted(standIn);
    const per = (kind: 'reads' | 'writes') => (after[kind] - before[kind]) / (CHANGES * EVENTS);
    return (['reads', 'writes'] as const).map((kind) => ({
      name: `API ${kind} for an event of the ledger`,
      ours: per(kind),
      reference: 1,
      ratio: per(kind),
      unit: 'calls',
      aim: '1',
    }));
  } finally {
    await standIn.close();
  }
}

function counted({ requests }: StandIn): { reads: number; writes: number } {
  const writes = requests.filter(({ request }) =>
    /mutation|^(POST|PUT|PATCH|DELETE) (?!\/graphql)/.test(request),
  ).length;
  return { writes, reads: requests.length - writes };
}

async function oneChange(ledger: Ledger): Promise<void> {
  const holder = { kind: 'shell', machine: 'bench', pid: process.pid, started: randomUUID(), actor: 'bench' } as const;
  const opening = { verb: 'deliver', version: '1.0.0', digest: 'sha256:0', commit: null, config: null, holder };
  const opened = await ledger.write('production', (state) => openChange(state, opening, true));
  const live = {
    version: '1.0.0',
    digest: 'sha256:0',
    commit: null,
    change: opened.change.id,
    since: opened.change.opened,
  };
  const commit = (state: EnvironmentState) => commitChange(state, opened.change, live, event('committed'));
  const committed = await ledger.write('production', commit);
  const close = (state: EnvironmentState) => closeChange(state, committed.change, 'passed', event('closed'));
  await ledger.write('production', close);
}
