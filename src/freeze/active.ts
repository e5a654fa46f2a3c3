/** Which freezes are on in an environment at a moment, and which comes next. Pure. */
import { DateTime } from 'luxon';
import type { FreezeSection } from '../config/config.ts';
import { oneLine } from '../escape/escape.ts';
import { type EnvironmentState, isOver } from '../ledger/ledger.ts';
import { periodAfter, periodAt } from './windows.ts';

/** A freeze that is on. Times are ISO 8601, UTC; `until` is null where somebody, or a change, has to end it. */
export interface ActiveFreeze {
  environment: string;
  why: string;
  /** Whom to ask; null where a window names nobody. */
  owner: string | null;
  since: string | null;
  until: string | null;
  /** A window of changeline.yml, a person, or a change: one in flight, or one that ended badly. */
  source: 'window' | 'person' | 'change';
  /** `production is frozen until Mon 23 Nov 08:00 Europe/Lisbon: no weekend releases (octocat)`: one line. */
  inWords: string;
}

/**
 * The freezes that are on, the one that lasts longest first. What stops deliveries stops merges too; a change in flight
 * stops merges alone, where the section says so: another delivery is refused because of the change itself.
 */
export function activeFreezes(
  environment: string,
  section: FreezeSection | undefined,
  state: EnvironmentState,
  now: Date,
  stops: 'merges' | 'deliveries',
): ActiveFreeze[] {
  const flight = stops === 'merges' && section?.['during-change'] ? inFlight(environment, state) : [];
  const all = [...flight, ...opened(environment, state, now), ...calendar(environment, section, now)];
  return all.sort((a, b) => lasting(b) - lasting(a));
}

/** The next freeze of the calendar that begins after `now`; null where there is none. */
export function nextWindow(
  section: FreezeSection | undefined,
  now: Date,
): { begins: string; ends: string; inWords: string } | null {
  const coming = (section?.windows ?? []).flatMap((window) => {
    const period = periodAfter(window, now);
    return period ? [{ window, ...period }] : [];
  });
  const [first] = coming.sort((a, b) => a.begins - b.begins);
  if (!first) return null;
  const { why, timezone } = first.window;
  const inWords = oneLine(`next freeze: ${momentInWords(first.begins, timezone, now)}: ${why}`);
  return { begins: iso(first.begins), ends: iso(first.ends), inWords };
}

/** A moment for people in a time zone, with the year where it is not that of `now`: `Mon 23 Nov 08:00 Europe/Lisbon`. */
function momentInWords(at: number, timezone: string, now: Date): string {
  const local = DateTime.fromMillis(at, { zone: timezone, locale: 'en' });
  const sameYear = local.year === DateTime.fromJSDate(now, { zone: timezone }).year;
  return `${local.toFormat(sameYear ? 'ccc d LLL HH:mm' : 'ccc d LLL yyyy HH:mm')} ${timezone}`;
}

function calendar(environment: string, section: FreezeSection | undefined, now: Date): ActiveFreeze[] {
  return (section?.windows ?? []).flatMap((window) => {
    const period = periodAt(window, now);
    if (!period) return [];
    const { why, owner = null, timezone } = window;
    const how = `until ${momentInWords(period.ends, timezone, now)}`;
    const [since, until] = [iso(period.begins), iso(period.ends)];
    return [active({ environment, why, owner, since, until, source: 'window' }, how)];
  });
}

function opened(environment: string, state: EnvironmentState, now: Date): ActiveFreeze[] {
  return state.freezes
    .filter((freeze) => !isOver(freeze, now))
    .map(({ why, owner, since, until, change }) => {
      const how = until === null ? 'until it is ended' : `until ${momentInWords(Date.parse(until), 'UTC', now)}`;
      return active({ environment, why, owner, since, until, source: change === null ? 'person' : 'change' }, how);
    });
}

function inFlight(environment: string, { open }: EnvironmentState): ActiveFreeze[] {
  if (!open) return [];
  const why = `${open.version ?? 'a change'} is on its way`;
  const { since } = open;
  const parts = { environment, why, owner: open.holder.actor, since, until: null, source: 'change' } as const;
  return [active(parts, 'while a change is in flight')];
}

function active(parts: Omit<ActiveFreeze, 'inWords'>, how: string): ActiveFreeze {
  const owner = parts.owner ? ` (${parts.owner})` : '';
  return { ...parts, inWords: oneLine(`${parts.environment} is frozen ${how}: ${parts.why}${owner}`) };
}

function lasting({ until }: ActiveFreeze): number {
  return until === null ? Number.MAX_SAFE_INTEGER : Date.parse(until);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
