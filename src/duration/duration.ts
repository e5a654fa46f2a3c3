/** Lengths of time as people write them (`90s`, `5m`, `24h`, `7d`) and read them. */

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `500ms`, `30s`, `5m`, `1h30m`, `7d`; null where the text is none of these. */
export function milliseconds(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) sum += Number(amount) * UNITS[unit!]!;
  return sum;
}

/** A length of time for people: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function inWords(ms: number): string {
  const s = ms / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 119.5) return `${Math.round(s)} s`;
  const [small, per, bigName, smallName] =
    s < 7200
      ? ([1, 60, 'min', 's'] as const)
      : s < 172_800
        ? ([60, 60, 'h', 'min'] as const)
        : ([3600, 24, 'd', 'h'] as const);
  const whole = Math.round(s / small);
  const rest = whole % per;
  return `${Math.floor(whole / per)} ${bigName}${rest ? ` ${rest} ${smallName}` : ''}`;
}
