/** When something was going on in an environment: what was measured then is no picture of unharmed traffic. */
import type { Change, EnvironmentState, Ledger } from '../ledger/ledger.ts';

/** Milliseconds since 1970, `to` not included. */
interface Span {
  from: number;
  to: number;
}

/** So many changes of the past are looked at. */
const CHANGES = 60;
/** Verbs that users notice while they run. */
const NOTICED: readonly string[] = ['deliver', 'deploy', 'migrate', 'rollback', 'load-test'];

/** The spans in which a change or an incident was going on, by the ledger. Throws what reading it throws. */
export async function disturbedSpans(ledger: Ledger | null, environment: string): Promise<Span[]> {
  if (ledger === null) return [];
  const state = await ledger.state(environment);
  return disturbances(await ledger.recent(environment, CHANGES), state, Date.now());
}

/** Pure. An incident lasts from when its version went live until it was opened: what took it back is a change itself. */
export function disturbances(changes: readonly Change[], state: EnvironmentState, now: number): Span[] {
  const changed = changes
    .filter(({ verb }) => NOTICED.includes(verb))
    .map(({ opened, closed }) => ({ from: Date.parse(opened), to: closed === null ? now : Date.parse(closed) }));
  const lived = [...(state.live ? [state.live] : []), ...state.before];
  const harmed = state.incidents.map(({ change, from, opened }) => {
    const live = lived.find(({ version, since }) => version === from && since < opened)?.since;
    const began = changes.find(({ id }) => id === change)?.opened;
    const first = [live, began, opened].filter((moment) => moment !== undefined).sort()[0]!;
    return { from: Date.parse(first), to: Date.parse(opened) };
  });
  return [...changed, ...harmed];
}
