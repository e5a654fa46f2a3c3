/** What an entry of the configuration expects, in the form that answers are held against. Pure. */
import { milliseconds } from '../duration/duration.ts';
import type { Patience, Wanted, WantedText } from './check.ts';
import type { CheckRequest, Long } from './read.ts';

/** A service that restarts may miss one question; it gets three within five seconds, and each is reported. */
export const PATIENCE: Patience = { timeout: 10_000, tries: 3, deadline: 5_000, pause: 1_000 };

/** How often it is asked: what sends something only once, unless `tries` or `within` say otherwise. */
export function patienceOf({ tries, within, post, expect }: Long): Patience {
  const timeout = Math.max(PATIENCE.timeout, latencyOf(expect) ?? 0);
  const deadline = within === undefined ? null : milliseconds(within)!;
  if (tries === undefined && deadline === null) return { ...PATIENCE, timeout, ...(post ? { tries: 1 } : {}) };
  return {
    ...PATIENCE,
    timeout,
    tries: tries ?? Number.POSITIVE_INFINITY,
    deadline: deadline ?? Number.POSITIVE_INFINITY,
  };
}

/** Milliseconds that the answer may take; null where that is not asked. */
export function latencyOf({ within }: Long['expect']): number | null {
  return within === undefined ? null : milliseconds(within)!;
}

/** What a text must be: `holds` are the texts that its key of the section asks for. */
export function wantedText(
  { expect }: Long,
  holds: string | string[] | undefined,
  { version, everyVersion }: Pick<CheckRequest, 'version' | 'everyVersion'>,
): WantedText {
  const asksVersion = everyVersion || expect.version === true;
  if (asksVersion && !version) throw new Error('it asks for the version, and none is known here: give expect-version');
  return {
    holds: listed(holds),
    absent: listed(expect.absent),
    matches: expect.matches === undefined ? null : new RegExp(expect.matches),
    version: asksVersion ? version : null,
  };
}

type Written = NonNullable<Long['expect']['json']>[string];

/** What a value must be: a plain one is exactly that. */
export function wantedValue(written: Written): Wanted {
  if (typeof written !== 'object' || written === null) return { is: written };
  return comparisonOf(written);
}

/** The keys of a comparison, without those that are not given. */
export function comparisonOf({ matches, ...others }: Exclude<Written, string | number | boolean | null>): Wanted {
  const keys = ['is', 'not', 'above', 'below', 'at-least', 'at-most', 'exists'] as const;
  const given = keys.flatMap((key) => (others[key] === undefined ? [] : [[key, others[key]] as const]));
  return {
    ...(Object.fromEntries(given) as Wanted),
    ...(matches === undefined ? {} : { matches: new RegExp(matches) }),
  };
}

function listed(texts: string | string[] | undefined): string[] {
  return texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;
}
