/** What the ledger of a public repository holds: that something happened and how it ended, not on what. Pure. */
import { takenBack } from './fold.ts';
import type { Change, Incident, LedgerEvent, Write } from './model.ts';

const ELSEWHERE = 'see the report of its run';

/** The write without hosts, money, measurements and row counts: events keep their codes and times, and what a person gave as why. */
export function brief({ state, change }: Write): Write {
  const byPerson = change.verb === 'rollback';
  const incidents = state.incidents.map((each) => (each.change === change.id && !byPerson ? withoutWhy(each) : each));
  const freezes = state.freezes.map((each) =>
    each.change === change.id ? { ...each, why: takenBack(change.version, ELSEWHERE) } : each,
  );
  // Why a migration has no way down may quote what the database said.
  const migrations = state.migrations.map((step) => (step.noDown === null ? step : { ...step, noDown: ELSEWHERE }));
  return { state: { ...state, incidents, freezes, migrations, loads: [] }, change: briefChange(change, byPerson) };
}

function briefChange(change: Change, byPerson: boolean): Change {
  return { ...change, events: change.events.map((event) => briefEvent(event, byPerson)) };
}

/** Only a person's own words stay, and who gave an override: the others' are made of what stages found. */
function briefEvent({ summary: _, facts, why, ...event }: LedgerEvent, byPerson: boolean): LedgerEvent {
  const said = ['override', 'freeze', 'recovered'].includes(event.kind) || byPerson;
  return {
    ...event,
    ...(why !== undefined && said ? { why } : {}),
    ...(event.kind === 'override' && facts ? { facts } : {}),
  };
}

function withoutWhy(incident: Incident): Incident {
  return { ...incident, why: ELSEWHERE };
}
