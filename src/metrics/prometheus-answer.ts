/** What Prometheus answers, told apart. Pure. */

/** One series: its labels as text, and its points as [milliseconds, number]; NaN and infinities stay. */
export interface Series {
  labels: string;
  points: [number, number][];
}

/** Thrown where the answer is an error or not one of Prometheus. */
export class AnswerError extends Error {}

/** The series of an instant or range query. Throws AnswerError. */
export function parseAnswer(status: number, body: string): Series[] {
  let answer: { status?: unknown; error?: unknown; data?: { resultType?: unknown; result?: unknown } };
  try {
    answer = JSON.parse(body);
  } catch {
    throw new AnswerError(`HTTP ${status}, not JSON: is this a Prometheus server?`);
  }
  if (answer === null || typeof answer !== 'object' || answer.status !== 'success') {
    throw new AnswerError(typeof answer?.error === 'string' ? answer.error : `HTTP ${status} without success`);
  }
  const { resultType, result } = answer.data ?? {};
  if (resultType === 'scalar' && Array.isArray(result)) return [{ labels: '', points: [point(result)] }];
  if (resultType === 'string') throw new AnswerError('the query gives a text, not a number');
  if ((resultType !== 'vector' && resultType !== 'matrix') || !Array.isArray(result))
    throw new AnswerError('an answer of an unknown form');
  return result.map(
    (entry: {
      metric?: Record<string, string>;
      value?: unknown;
      values?: unknown;
      histogram?: unknown;
      histograms?: unknown;
    }) => {
      if (entry.histogram ?? entry.histograms) throw new AnswerError('the query gives a histogram, not a number');
      const points = resultType === 'vector' ? [entry.value] : entry.values;
      if (!Array.isArray(points)) throw new AnswerError('an answer of an unknown form');
      return { labels: labelsInWords(entry.metric ?? {}), points: points.map(point) };
    },
  );
}

function point(entry: unknown): [number, number] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'number' || typeof entry[1] !== 'string')
    throw new AnswerError('an answer of an unknown form');
  const text = entry[1];
  const value = text === '+Inf' || text === 'Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
  return [Math.round(entry[0] * 1000), value];
}

function labelsInWords(labels: Record<string, string>): string {
  const { __name__: name = '', ...rest } = labels;
  return `${name}{${Object.entries(rest)
    .map(([key, value]) => `${key}="${value}"`)
    .join(',')}}`;
}

/** One number of an instant query, or why there is none. Throws AnswerError where several series answer. */
export function oneNumber(series: readonly Series[]): { value: number; at: number } | { why: string } {
  if (series.length === 0)
    return {
      why: 'no series answers: a misspelt metric, or one that appears only with its first event (then add "or vector(0)")',
    };
  if (series.length > 1) throw new AnswerError(severalSeries(series));
  const [at, value] = series[0]!.points.at(-1)!;
  return Number.isFinite(value) ? { value, at } : { why: `the query gives ${value}: a division by zero or a gap` };
}

/** What is wrong with an answer of several series. */
export function severalSeries(series: readonly Series[]): string {
  const some = series
    .slice(0, 3)
    .map(({ labels }) => labels)
    .join(', ');
  return `the query gives ${series.length} series (${some}${series.length > 3 ? ', …' : ''}) where one number is needed: aggregate it, for example with sum(…)`;
}

/** The points of a range query at `from + step`, `from + 2 step` …; null where there is none or it is no number. */
export function atSteps(series: Series | undefined, from: number, step: number, count: number): (number | null)[] {
  const byStep = new Map((series?.points ?? []).map(([at, value]) => [Math.round((at - from) / step), value]));
  return Array.from({ length: count }, (_, i) => {
    const value = byStep.get(i + 1);
    return value !== undefined && Number.isFinite(value) ? value : null;
  });
}

/**
 * How much the counters of all series grew between neighbouring points. A counter that fell was reset and counts from
 * zero; a series that was not there before counts from zero; one that is missing for a while goes on from where it was.
 */
export class Growth {
  private last: Map<string, number> | null = null;

  /** The growth since the last call; null for the first call, and where no series answers. */
  next(values: ReadonlyMap<string, number>): number | null {
    const before = this.last;
    this.last = new Map([...(before ?? []), ...values]);
    if (before === null || values.size === 0) return null;
    let grown = 0;
    for (const [labels, value] of values) {
      const previous = before.get(labels) ?? 0;
      grown += value >= previous ? value - previous : value;
    }
    return grown;
  }
}
