/** One metric on several hosts: which of them count, and their sum. What is decided is decided on the sum. Pure. */
import type { Past, Sample } from '../metrics/metrics.ts';

/** A host that gave no number in so many ticks in a row, while others did, is gone. */
export const GONE_TICKS = 3;

type Series = readonly (number | null)[];

/** Which hosts are compared with which, where both kinds run at the same time; their names as in `hosts:`. */
export interface Sides {
  fresh: readonly string[];
  old: readonly string[];
}

/** True for what adds up over time: a host that is not there yet has had none of it. */
export function isAdditive(kind: string): boolean {
  return kind === 'count' || kind === 'money';
}

/** The hosts that still give numbers at the end: half a fleet's sum would look like a fall, so the others are left out. */
export function stillThere(pasts: readonly Past[]): { there: Past[]; gone: string[] } {
  const last = pasts.map(({ values }) => values.findLastIndex((value) => value !== null));
  const end = Math.max(...last);
  const there = pasts.filter((_, i) => last[i]! >= 0 && end - last[i]! < GONE_TICKS);
  const gone = pasts.filter((past) => past.host !== null && !there.includes(past)).map(({ host }) => host!);
  return { there, gone };
}

/**
 * The sum over hosts, tick by tick: null where one of them gave nothing. Of what adds up over time, a host had none
 * before its first number. No host at all gives an empty list.
 */
export function sumOver(pasts: readonly Past[], additive: boolean): (number | null)[] {
  const begun = pasts.map(({ values }) => (additive ? values.findIndex((value) => value !== null) : 0));
  return (pasts[0]?.values ?? []).map((_, tick) => {
    const counting = pasts.filter((_, i) => begun[i]! >= 0 && begun[i]! <= tick);
    return sumOrNull(counting.map(({ values }) => values[tick] ?? null));
  });
}

/** The sum, or null where one is null or there is none. */
export function sumOrNull(values: Series): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return values.length === 0 ? null : sum;
}

/** What all hosts gave, as one entry a tick. */
export class HostValues {
  private readonly values = new Map<string | null, (number | null)[]>();
  private ticks = 0;

  /** One tick. A host that gave nothing has null there. */
  add(samples: readonly Sample[]): void {
    this.ticks++;
    for (const { host, value } of samples) {
      if (value === null && !this.values.has(host)) continue;
      const own = this.values.get(host) ?? [];
      while (own.length < this.ticks - 1) own.push(null);
      own[this.ticks - 1] = value;
      this.values.set(host, own);
    }
    for (const own of this.values.values()) while (own.length < this.ticks) own.push(null);
  }

  /** All hosts, in the order in which they came. */
  all(): Past[] {
    return [...this.values].map(([host, values]) => ({ host, values }));
  }

  of(host: string | null): Series {
    return this.values.get(host) ?? new Array<number | null>(this.ticks).fill(null);
  }

  /** The hosts of `expected` that have just gone: nothing in the last ticks, in each of which another one answered. */
  gone(expected: readonly (string | null)[]): string[] {
    if (this.ticks < GONE_TICKS) return [];
    const lately = (host: string | null) => this.of(host).slice(-GONE_TICKS);
    const isGone = (host: string | null) => lately(host).every((value) => value === null);
    const others = expected.filter((host) => !isGone(host)).map(lately);
    const answered = Array.from({ length: GONE_TICKS }, (_, i) => others.some((values) => values[i] !== null));
    return answered.every(Boolean) ? expected.filter((host): host is string => host !== null && isGone(host)) : [];
  }
}
