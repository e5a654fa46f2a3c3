/** What Prometheus answers, told apart. Pure. */

/** One series: its labels, `__name__` among them, and its points as [milliseconds, number]; NaN and infinities stay. */
export interface Series {
  labels: Readonly<Record<string, string>>;
  points: [number, number][];
}

/** Thrown where the answer is an error or not one of Prometheus. */
export class AnswerError extends Error {}

interface Answer {
  status?: unknown;
  error?: unknown;
  warnings?: unknown;
  data?: unknown;
}

/** The `data` of any answer of the HTTP API (v1). Throws AnswerError: an error, also one with HTTP 200, and what is no answer of it. */
export function dataOf(status: number, body: string): unknown {
  let answer: Answer;
  try {
    answer = JSON.parse(body);
  } catch {
    const what = /^\s*</.test(body) ? 'an HTML page' : 'not JSON';
    throw new AnswerError(`HTTP ${status}, ${what}: is this a Prometheus server?`);
  }
  if (answer === null || typeof answer !== 'object' || answer.status !== 'success') {
    throw new AnswerError(typeof answer?.error === 'string' ? answer.error : `HTTP ${status} without success`);
  }
  // "PromQL …" warns of the query; anything else says that a part of the data is not there (remote read, Thanos).
  const partial = Array.isArray(answer.warnings)
    ? answer.warnings.find((warning) => !String(warning).startsWith('PromQL'))
    : undefined;
  if (partial !== undefined) throw new AnswerError(`the answer is not whole: ${partial}`);
  return answer.data;
}

/** The series of an instant or range query. Throws AnswerError. */
export function parseAnswer(status: number, body: string): Series[] {
  const { resultType, result } = (dataOf(status, body) ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType === 'scalar' && Array.isArray(result)) return [{ labels: {}, points: [point(result)] }];
  if (resultType === 'string') throw new AnswerError('the query gives a text, not a number');
  if ((resultType !== 'vector' && resultType !== 'matrix') || !Array.isArray(result))
    throw new AnswerError('an answer of an unknown form');
  return result.map((entry) => seriesOf(entry, resultType));
}

function seriesOf(
  entry: {
    metric?: Record<string, string>;
    value?: unknown;
    values?: unknown;
    histogram?: unknown;
    histograms?: unknown;
  },
  resultType: 'vector' | 'matrix',
): Series {
  if (entry.histogram ?? entry.histograms) throw new AnswerError('the query gives a histogram, not a number');
  const points = resultType === 'vector' ? [entry.value] : entry.values;
  if (!Array.isArray(points)) throw new AnswerError('an answer of an unknown form');
  return { labels: entry.metric ?? {}, points: points.map(point) };
}

function point(entry: unknown): [number, number] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'number' || typeof entry[1] !== 'string')
    throw new AnswerError('an answer of an unknown form');
  const text = entry[1];
  const value = text === '+Inf' || text === 'Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
  return [Math.round(entry[0] * 1000), value];
}

/** Labels as PromQL writes them; equal for equal series, whatever order the labels came in. */
export function labelsInWords(labels: Series['labels']): string {
  const { __name__: name = '', ...rest } = labels;
  return `${name}{${Object.keys(rest)
    .sort()
    .map((key) => `${key}="${rest[key]}"`)
    .join(',')}}`;
}

/** The labels in which some series differ. */
export function differing(series: readonly Series[]): string[] {
  const names = new Set(series.flatMap(({ labels }) => Object.keys(labels)));
  return [...names].filter((name) => new Set(series.map(({ labels }) => labels[name])).size > 1).sort();
}

/** What is wrong with an answer of several series; `of` names the host where they are of one. */
export function severalSeries(series: readonly Series[], of = ''): string {
  const some = series
    .slice(0, 3)
    .map(({ labels }) => labelsInWords(labels))
    .join(', ');
  const labels = differing(series);
  const apart = labels.length > 0 ? `; they differ in ${labels.join(', ')}` : '';
  return `the query gives ${series.length} series${of} (${some}${series.length > 3 ? ', …' : ''}) where one number is needed${apart}`;
}

/** The points of a range query at `from`, `from + step` …, `count + 1` of them; null where there is none or it is no number. */
export function atSteps(series: Series | undefined, from: number, step: number, count: number): (number | null)[] {
  const byStep = new Map((series?.points ?? []).map(([at, value]) => [Math.round((at - from) / step), value]));
  return Array.from({ length: count + 1 }, (_, i) => {
    const value = byStep.get(i);
    return value !== undefined && Number.isFinite(value) ? value : null;
  });
}
