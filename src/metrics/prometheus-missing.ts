/** What a Prometheus server does not know, told apart from what is only not there now. */
import { closest, type MetricSection } from '../config/config.ts';
import { metricMissing } from './failures.ts';
import type { PrometheusServer } from './prometheus-server.ts';
import { takenApart } from './promql.ts';

/**
 * Why a selector has never answered: its metric's name is unknown, or a label has never had the value. null where the
 * server knows both, so that the series is only not there now. Throws as the server's questions do.
 */
export async function neverKnown(server: PrometheusServer, selector: string): Promise<string | null> {
  const { name, equal } = takenApart(selector);
  if (name !== null) {
    const names = await server.labelValues('__name__', null);
    if (!names.includes(name)) return `the server does not know ${name}${meant(name, names)}`;
  }
  for (const [label, value] of equal) {
    const values = await server.labelValues(label, name === null ? null : `{__name__=${JSON.stringify(name)}}`);
    if (!values.includes(value)) {
      const where = name === null ? 'no series' : name;
      return `${where} has never had ${label}="${value}"${meant(value, values)}`;
    }
  }
  return null;
}

/** The end of a sentence that names what may have been meant: a near name, or one of the same family (`orders` of orders_total). */
function meant(word: string, known: readonly string[]): string {
  const near = closest(
    word,
    known.filter(({ length }) => Math.abs(length - word.length) <= 3),
  );
  const family = known.find((one) => one.startsWith(`${word}_`) || word.startsWith(`${one}_`));
  const candidate = near ?? family;
  return candidate === undefined ? '' : `; did you mean ${candidate}?`;
}

/** The failure for a query that answers nothing because of what the server has never known. */
export function missing(metric: MetricSection, where: string, why: string): Error {
  return metricMissing(
    metric,
    where,
    why,
    'correct the name; where it appears only with its first event or under load, add "or vector(0)" to the query',
  );
}
