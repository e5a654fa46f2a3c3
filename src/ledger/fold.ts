/** What the ledger's writes make of a state: pure folds, the same for every adapter. */
import { randomUUID } from 'node:crypto';
import { Failure, type Outcome } from '../outcome/outcome.ts';
import type { Change, EnvironmentState, Freeze, Holder, Incident, LedgerEvent, Live, Write } from './model.ts';

const KEPT_BEFORE = 50;
const KEPT_PASSED = 200;
const KEPT_WRITES = 20;

/** The state of an environment that nothing has happened to. */
export function emptyState(environment: string): EnvironmentState {
  return {
    schema: 1,
    environment,
    fence: 0,
    open: null,
    live: null,
    before: [],
    passed: [],
    incidents: [],
    freezes: [],
    overrides: [],
    requests: [],
    backups: [],
    migrations: [],
    held: [],
    loads: [],
    writes: [],
  };
}

/** A state as it was written, by whatever version of Changeline: what that one did not know is empty. */
export function wholeState(
  written: Pick<EnvironmentState, 'environment'> & Partial<EnvironmentState>,
): EnvironmentState {
  return { ...emptyState(written.environment), ...written };
}

/** An event of now. */
export function event(kind: LedgerEvent['kind'], parts: Omit<LedgerEvent, 'id' | 'at' | 'kind'> = {}): LedgerEvent {
  return { id: randomUUID(), at: new Date().toISOString(), kind, ...parts };
}

/**
 * A change id that sorts by time and is safe in paths: `20261121-101501-3f9a1c07`. Eight digits of chance: of 80 changes
 * in one second, four digits give two the same name once in twenty times.
 */
export function changeId(at: Date, random: string): string {
  return `${at.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${random.slice(0, 8)}`;
}

/** What opening a change needs to know. */
export interface Opening {
  verb: string;
  version: string | null;
  digest: string | null;
  commit: string | null;
  config: string | null;
  holder: Holder;
}

/** Opens a change. `exclusive` takes the environment's one open place; without it the change runs beside. */
export function openChange(state: EnvironmentState, opening: Opening, exclusive: boolean): Write {
  const opened = event('opened');
  const fence = state.fence + 1;
  const change: Change = {
    schema: 1,
    id: changeId(new Date(opened.at), opened.id),
    environment: state.environment,
    ...opening,
    fence,
    opened: opened.at,
    closed: null,
    outcome: null,
    events: [opened],
  };
  const open = exclusive
    ? { change: change.id, version: change.version, holder: change.holder, since: change.opened, committed: false }
    : state.open;
  return { state: { ...state, fence, open }, change };
}

/** Appends events; an event that is already there is not added again, so a write may be repeated. */
export function append(change: Change, events: readonly LedgerEvent[]): Change {
  const known = new Set(change.events.map((each) => each.id));
  return { ...change, events: [...change.events, ...events.filter((each) => !known.has(each.id))] };
}

/**
 * Takes the environment's open place for a change that ran beside until now, or renews the fence of the one that holds
 * it: a run of the same change that was thought dead is then refused by every host that has seen the new fence.
 */
export function takePlace(state: EnvironmentState, change: Change): Write {
  const fence = state.fence + 1;
  const { id, version, holder, opened } = change;
  const own = { change: id, version, holder, since: opened, committed: false };
  return {
    state: { ...state, fence, open: state.open?.change === id ? state.open : own },
    change: { ...change, fence },
  };
}

/**
 * The commit point: from here on every run brings every host forward to this version. Throws `change-ended` where
 * another run has ended the change meanwhile.
 */
export function commitChange(state: EnvironmentState, change: Change, live: Live, committed: LedgerEvent): Write {
  if (state.open?.change !== change.id) {
    throw new Failure({
      code: 'change-ended',
      what: 'the change was ended by another run',
      where: `${state.environment}, change ${change.id}`,
      why: 'the run was thought dead, or a person unlocked the environment',
      untouched: `the ledger still says that ${state.live?.version ?? 'nothing'} is live`,
      next: 'look at `changeline status`, then deliver again',
    });
  }
  const write = makeLive(state, change, live, committed);
  return { ...write, state: { ...write.state, open: { ...state.open, version: live.version, committed: true } } };
}

/** Makes a version live, whoever holds the environment. */
export function makeLive(state: EnvironmentState, change: Change, live: Live, committed: LedgerEvent): Write {
  const before = change.verb === 'rollback' ? olderThan(state, live.version) : withReplaced(state, live.version);
  return {
    change: append({ ...change, version: live.version, digest: live.digest }, [committed]),
    state: { ...state, live, before: before.slice(0, KEPT_BEFORE) },
  };
}

/** The versions before, the replaced one first, each once. */
function withReplaced({ live, before }: EnvironmentState, version: string): Live[] {
  const all = live ? [live, ...before] : before;
  const others = all.filter((each) => each.version !== version);
  return others.filter((each, index) => index === others.findIndex((other) => other.version === each.version));
}

/** After a rollback: only what was live before the version gone back to. What was left is not gone back to again. */
function olderThan({ before }: EnvironmentState, version: string): Live[] {
  return before.slice(before.findIndex((each) => each.version === version) + 1);
}

/**
 * Closes a change. A version that was deployed here and passed may go on to the environments that come after, and ends
 * the freezes that changes have left. `duringChange`, as it stands in the freeze section: a change that users met and
 * that ended badly leaves a freeze behind.
 */
export function closeChange(
  state: EnvironmentState,
  change: Change,
  outcome: Outcome,
  closed: LedgerEvent,
  duringChange = false,
): Write {
  const done: Change = append({ ...change, closed: closed.at, outcome }, [closed]);
  const isLive = state.live?.change === change.id;
  const good = outcome === 'passed' && isLive;
  const passed =
    good && state.live!.digest !== null
      ? [{ version: state.live!.version, digest: state.live!.digest, at: closed.at }, ...state.passed].slice(
          0,
          KEPT_PASSED,
        )
      : state.passed;
  const open = state.open?.change === change.id ? null : state.open;
  return { change: done, state: freezesAfter({ ...state, passed, open }, done, closed.at, { good, duringChange }) };
}

/** A rollback neither leaves a freeze nor ends one: it says nothing of the version that comes next. */
function freezesAfter(
  state: EnvironmentState,
  change: Change,
  at: string,
  { good, duringChange }: { good: boolean; duringChange: boolean },
): EnvironmentState {
  if (change.verb === 'rollback') return state;
  const now = new Date(at);
  if (good) return endFreezes(state, now, 'of changes');
  const incident = state.incidents.find((each) => each.change === change.id);
  if (!duringChange || !incident || state.freezes.some((each) => each.change === change.id)) return state;
  return addFreeze(
    state,
    {
      id: `freeze-${change.id}`,
      since: at,
      until: null,
      why: takenBack(change.version, incident.why),
      owner: change.holder.actor,
      change: change.id,
    },
    now,
  );
}

/** Why a change leaves a freeze behind, in words. */
export function takenBack(version: string | null, why: string): string {
  return `${version ?? 'a change'} was taken back: ${why}`;
}

/**
 * Opens a freeze and drops those that are over. One of a person with the same `why` that is still on gets the new end
 * instead, so that asking twice opens one.
 */
export function addFreeze(state: EnvironmentState, freeze: Freeze, now: Date): EnvironmentState {
  const on = state.freezes.filter((each) => !isOver(each, now));
  const same = on.find((each) => each.why === freeze.why && each.change === freeze.change);
  const freezes = same ? on.map((each) => (each === same ? { ...same, until: freeze.until } : each)) : [...on, freeze];
  return { ...state, freezes };
}

/** Ends the freezes that changes have left, or also those of persons; what is over by its own end is dropped too. */
export function endFreezes(state: EnvironmentState, now: Date, which: 'all' | 'of changes'): EnvironmentState {
  const freezes = which === 'all' ? [] : state.freezes.filter((each) => each.change === null && !isOver(each, now));
  return { ...state, freezes };
}

/** True for a freeze whose own end has come. */
export function isOver({ until }: Pick<Freeze, 'until'>, now: Date): boolean {
  return until !== null && Date.parse(until) <= now.getTime();
}

/** Opens an incident, once for a change. */
export function openIncident(state: EnvironmentState, incident: Incident): EnvironmentState {
  const others = state.incidents.filter((each) => each.id !== incident.id);
  return { ...state, incidents: [incident, ...others] };
}

/** Names a write, so that one whose answer was lost can be recognised. */
export function stamp(write: Write, id: string): Write {
  return { ...write, state: { ...write.state, writes: [id, ...write.state.writes].slice(0, KEPT_WRITES) } };
}

/** True where both name the same run. */
export function sameHolder(a: Holder, b: Holder): boolean {
  if (a.kind === 'actions' && b.kind === 'actions')
    return a.repository === b.repository && a.run === b.run && a.attempt === b.attempt && a.job === b.job;
  if (a.kind === 'shell' && b.kind === 'shell')
    return a.machine === b.machine && a.pid === b.pid && a.started === b.started;
  return false;
}

/** A holder for people: who, and where to look. */
export function holderInWords(holder: Holder): string {
  return holder.kind === 'actions'
    ? `${holder.actor}, ${holder.url}`
    : `${holder.actor} on ${holder.machine}, process ${holder.pid}`;
}
