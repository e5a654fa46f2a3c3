/** What the ledger keeps of a stage that ended. */
import { event, type LedgerEvent } from '../../ledger/ledger.ts';
import type { Result } from '../../outcome/outcome.ts';

/** The entry for a stage; `took` in milliseconds. */
export function stageEvent(verb: string, result: Result, took: number, kind: 'stage' | 'turned-back'): LedgerEvent {
  const { outcome, code, summary, facts } = result;
  return event(kind, { stage: verb, outcome, code, summary, facts, took });
}
