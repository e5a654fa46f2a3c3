/** Numbers from a database of the environment: the user's query, once for each span of time. */
import type { MetricSection } from '../config/config.ts';
import type { Database, Parameter, Row } from '../database/database.ts';
import type { Kind } from '../judge/judge.ts';
import { metricError, metricInvalid } from './failures.ts';
import type { Sample, Source, SourceContext, Span } from './types.ts';

/** History is read as far back as this allows: without an index each span reads the whole table. */
const HISTORY_BUDGET_MS = 10_000;
/** How many spans one statement reads. */
const BATCH = 40;

/** The user's query as a statement with bound times. */
export interface Bound {
  sql: string;
  parameters: Parameter[];
}

/**
 * Fills {from} and {to} (a time), {from:s} and {to:s} (seconds since 1970), {from:ms} and {to:ms} with bound
 * parameters, numbered from `first`. Pure.
 */
export function bindSpan(
  query: string,
  span: Span,
  engine: Database['engine'],
  placeholder: (position: number) => string,
  first = 1,
): Bound {
  const parameters: Parameter[] = [];
  const sql = query
    .trim()
    .replace(/;\s*$/, '')
    .replaceAll(/\{(from|to)(:s|:ms)?\}/g, (_, end: 'from' | 'to', unit: string | undefined) => {
      parameters.push(unit === ':s' ? span[end] / 1000 : unit === ':ms' ? span[end] : timeOf(span[end], engine));
      return placeholder(first + parameters.length - 1);
    });
  return { sql, parameters };
}

/** A time as the engine compares it: UTC. SQLite compares texts, so it must be the ISO form that the table holds. */
function timeOf(ms: number, engine: Database['engine']): string {
  const iso = new Date(ms).toISOString();
  return engine === 'mysql' || engine === 'mariadb' ? iso.replace('T', ' ').replace('Z', '') : iso;
}

/** True where a query asks for a span of time. */
export function hasSpan(query: string): boolean {
  return /\{from(:m?s)?\}/.test(query) && /\{to(:m?s)?\}/.test(query);
}

/** The one number of a query's answer, or why it is none. NULL is nothing counted: 0 for counts and money. Pure. */
export function numberOf(rows: readonly Row[], kind: Kind): { value: number | null } | { why: string } {
  if (rows.length !== 1) return { why: `the query gives ${rows.length} rows where one number is needed` };
  const values = Object.values(rows[0]!);
  if (values.length !== 1) return { why: `the query gives ${values.length} columns where one number is needed` };
  return oneValue(values[0], kind);
}

function oneValue(value: unknown, kind: Kind): { value: number | null } | { why: string } {
  if (value === null || value === undefined) return { value: kind === 'count' || kind === 'money' ? 0 : null };
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) && typeof value !== 'boolean'
    ? { value: number }
    : { why: 'the query gives something that is no number' };
}

/** Opens the source on the database that the metric names. Throws `config-invalid`. */
export function openSql(metric: MetricSection, context: SourceContext): Source {
  const wanted = metric.database;
  const database = wanted === undefined ? context.databases[0] : context.databases.find(({ name }) => name === wanted);
  if (!database || (wanted === undefined && context.databases.length > 1)) {
    const names = context.databases.map(({ name }) => name).join(', ') || 'none';
    throw metricInvalid(
      metric,
      'it is not clear which database is to be asked',
      `name one with \`database:\`; there are: ${names}`,
    );
  }
  return new SqlSource(metric, database);
}

class SqlSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly notes: string[];
  readonly keepsHistory: boolean;
  readonly cadence = 0;
  readonly window = null;
  private readonly database: Database;
  private readonly query: string;
  /** What was counted from `from` until `to`: rows that are written late are found by counting from the start again. */
  private counted: { from: number; to: number; total: number } | null = null;

  constructor(metric: MetricSection, database: Database) {
    this.metric = metric;
    this.database = database;
    this.query = metric.sql!;
    this.keepsHistory = hasSpan(this.query);
    this.kind = metric.kind ?? (this.keepsHistory ? 'count' : 'gauge');
    this.notes = [`the database ${database.name}`, ...(metric.kind ? [] : [`taken as a ${this.kind}`])];
  }

  async history(span: Span, step: number): Promise<(number | null)[]> {
    if (!this.keepsHistory)
      throw metricError(
        this.metric,
        this.database.where,
        'the query has no {from} and {to}, so it cannot be asked about the past',
      );
    const count = Math.floor((span.to - span.from) / step);
    const values = new Array<number | null>(count).fill(null);
    const begun = performance.now();
    for (let end = count; end > 0; ) {
      const size = Math.min(end, end === count ? 1 : BATCH);
      const spans = Array.from({ length: size }, (_, i) => spanOf(span.to, step, count, end - size + i));
      for (const [i, value] of (await this.many(spans)).entries()) values[end - size + i] = value;
      end -= size;
      if (performance.now() - begun > HISTORY_BUDGET_MS) break;
    }
    return values;
  }

  async sample(span: Span): Promise<Sample[]> {
    const additive = this.keepsHistory && (this.kind === 'count' || this.kind === 'money');
    if (!additive) return [this.sampleOf(span.to, await this.one(span))];
    const from = this.counted?.to === span.from ? this.counted.from : span.from;
    const before = this.counted?.to === span.from ? this.counted.total : 0;
    this.counted = null;
    const total = (await this.one({ from, to: span.to })) ?? 0;
    this.counted = { from, to: span.to, total };
    return [this.sampleOf(span.to, total - before)];
  }

  private sampleOf(at: number, value: number | null): Sample {
    return { at, host: null, value, why: value === null ? 'the query gives NULL' : null };
  }

  private async one(span: Span): Promise<number | null> {
    const { sql, parameters } = bindSpan(this.query, span, this.database.engine, (position) =>
      this.database.placeholder(position),
    );
    return this.valueOf(numberOf(await this.ask(sql, parameters), this.kind));
  }

  private async many(spans: readonly Span[]): Promise<(number | null)[]> {
    const parameters: Parameter[] = [];
    const columns = spans.map((span, i) => {
      const bound = bindSpan(
        this.query,
        span,
        this.database.engine,
        (position) => this.database.placeholder(position),
        parameters.length + 1,
      );
      parameters.push(...bound.parameters);
      return `(${bound.sql}) AS v${i}`;
    });
    const row = (await this.ask(`SELECT ${columns.join(', ')}`, parameters))[0] ?? {};
    return spans.map((_, i) => this.valueOf(oneValue(row[`v${i}`], this.kind)));
  }

  private valueOf(number: { value: number | null } | { why: string }): number | null {
    if ('why' in number) throw metricError(this.metric, this.database.where, number.why);
    return number.value;
  }

  private async ask(sql: string, parameters: Parameter[]): Promise<Row[]> {
    try {
      return await this.database.query(sql, parameters);
    } catch (error) {
      throw metricError(this.metric, this.database.where, (error as { why?: string }).why ?? (error as Error).message);
    }
  }

  async close(): Promise<void> {}
}

/** The i-th of `count` spans that end at `to`. */
function spanOf(to: number, step: number, count: number, i: number): Span {
  return { from: to - (count - i) * step, to: to - (count - i - 1) * step };
}
