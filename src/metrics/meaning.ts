/** What a metric's numbers mean: declared, else inferred, and said either way. Pure. */
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';

/** The units that names of metrics end with (Prometheus, "Metric and label naming": base units), and others in use. */
const UNITS: Record<string, string> = {
  seconds: 's',
  milliseconds: 'ms',
  ms: 'ms',
  microseconds: 'µs',
  bytes: 'bytes',
  celsius: '°C',
  percent: '%',
  meters: 'm',
  volts: 'V',
  amperes: 'A',
  joules: 'J',
  grams: 'g',
  eur: 'EUR',
  usd: 'USD',
};

/** The unit that a name ends with: `s` of http_duration_seconds_sum, `bytes` of sent_bytes_total; null where it names none. */
export function unitOfName(name: string): string | null {
  if (/_count$/.test(name)) return null;
  const last = /(?:^|_)([a-z]+)$/.exec(name.toLowerCase().replace(/_(?:total|sum|bucket)$/, ''))?.[1];
  return last !== undefined && Object.hasOwn(UNITS, last) ? UNITS[last]! : null;
}

/** The unit of what is read from these names: of one name, or of a histogram's or summary's sum over its count. */
export function unitOfNames(names: readonly string[]): string | null {
  const stems = new Set(names.map((name) => name.replace(/_(?:sum|count|bucket)$/, '')));
  if (stems.size !== 1) return null;
  return names.map(unitOfName).find((unit) => unit !== null) ?? null;
}

const DIRECTIONS = { up: 'a rise harms', down: 'a fall harms', either: 'a rise and a fall harm' } as const;

/** Kind, direction and unit as notes for people; what was not declared is said to be inferred, and from what. */
export function meaningInWords(
  metric: MetricSection,
  kind: { value: Kind; from: string },
  unit: string | null,
): string[] {
  const words = [
    metric.kind === undefined ? `taken as a ${kind.value}: ${kind.from}` : null,
    DIRECTIONS[metric.worse],
    unit === null ? null : `in ${unit}${metric.unit === undefined ? ', as its name says' : ''}`,
  ];
  return words.filter((word) => word !== null);
}
