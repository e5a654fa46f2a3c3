/** What a change went through, folded from its events: the stations of the line, the verdict, the timeline. Pure. */
import type { Change, Holder, LedgerEvent } from '../ledger/ledger.ts';
import { goesOn, type Outcome } from '../outcome/outcome.ts';

/** One stage on the picture of the line. `outcome` is null where the change did not get there. */
export interface Station {
  verb: string;
  outcome: Outcome | null;
  event: LedgerEvent | null;
}

/** The verdict on a whole change. */
export interface Verdict {
  /** One of the outcomes, or how it stands: open, turned back. */
  word: string;
  outcome: Outcome | null;
  /** The event that decided it; null where nothing stopped it. */
  decidedBy: LedgerEvent | null;
  turnedBack: LedgerEvent | null;
}

/** One line of a timeline. */
export interface Moment {
  /** ISO 8601, UTC. */
  at: string;
  text: string;
  outcome: Outcome | null;
  /** Milliseconds that it took. */
  took: number | null;
}

/** These pass through stages; on a picture of the line they are the line itself. */
const LINES: readonly string[] = ['deliver', 'rollback'];

/** The stages in the order of `line`, then those that the line does not name; the last event of each counts. */
export function stationsOf(change: Change, line: readonly string[]): Station[] {
  const last = new Map<string, LedgerEvent>();
  for (const event of change.events)
    if (event.kind === 'stage' && event.stage && !LINES.includes(event.stage)) last.set(event.stage, event);
  return [...new Set([...line, ...last.keys()])].map((verb) => {
    const event = last.get(verb) ?? null;
    return { verb, outcome: event?.outcome ?? null, event };
  });
}

/** What became of a change. */
export function verdictOf(change: Change): Verdict {
  const turnedBack = change.events.findLast((event) => event.kind === 'turned-back') ?? null;
  const decidedBy =
    change.events.find((event) => event.kind === 'stage' && event.outcome && !goesOn(event.outcome)) ?? null;
  const outcome = change.outcome;
  const goneBack = turnedBack !== null && (turnedBack.outcome === undefined || turnedBack.outcome === 'passed');
  if (goneBack) return { word: 'turned back', outcome, decidedBy, turnedBack };
  return { word: outcome ?? 'open', outcome, decidedBy, turnedBack };
}

/** The events as sentences, in the order of time; equal ids, as a repeated write leaves them, count once. */
export function timelineOf(...changes: readonly Change[]): Moment[] {
  const seen = new Set<string>();
  const events = changes.flatMap((change) => change.events.map((event) => ({ event, change })));
  return events
    .filter(({ event }) => !seen.has(event.id) && seen.add(event.id))
    .sort((a, b) => between(b.event.at, a.event.at) ?? 0)
    .map(({ event, change }) => ({
      at: event.at,
      text: sentence(event, change),
      outcome: event.outcome ?? null,
      took: event.took ?? null,
    }));
}

/** Milliseconds from one moment to another; null where one is not known. */
export function between(from: string | null | undefined, to: string | null | undefined): number | null {
  const span = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isNaN(span) ? null : span;
}

/** Who holds or held a change, in words. */
export function holderInWords(holder: Holder): string {
  return holder.kind === 'actions'
    ? `${holder.actor}, run ${holder.run} of ${holder.repository}`
    : `${holder.actor} on ${holder.machine}`;
}

const BEGINNINGS: Record<LedgerEvent['kind'], string> = {
  opened: 'The change was opened',
  stage: '',
  watched: 'Seen by the watch',
  committed: 'The commit point: from here every host is brought forward',
  'turned-back': 'The change was turned back',
  incident: 'An incident was opened',
  override: 'A rule was overridden',
  freeze: 'Freezes were opened or ended',
  recovered: 'What an earlier run had left was put in order',
  closed: 'The change was closed',
};

function sentence(event: LedgerEvent, change: Change): string {
  const beginning =
    event.kind === 'stage' ? `${event.stage ?? 'stage'} ${event.outcome ?? ''}`.trim() : BEGINNINGS[event.kind];
  const of =
    event.kind === 'opened'
      ? ` by ${holderInWords(change.holder)}${change.version ? ` for ${change.version}` : ''}`
      : '';
  const rest = [event.summary, event.why && `why: ${event.why}`].filter(Boolean).join('; ');
  return `${beginning}${of}${rest ? `: ${rest}` : ''}`;
}
