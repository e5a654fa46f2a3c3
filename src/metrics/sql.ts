/** Numbers from a database of the environment: the user's query, once for each span of time. */
import type { MetricSection } from '../config/config.ts';
import { blameOf, type Database, type Parameter, queryReadOnly, type Row, type Session } from '../database/database.ts';
import type { Kind } from '../judge/judge.ts';
import { Failure } from '../outcome/outcome.ts';
import { checkClock, metricError, metricInvalid, metricMissing, metricUnreachable } from './failures.ts';
import { meaningInWords, unitOfName } from './meaning.ts';
import { bindSpan, bindSpans, CLOCK, daysUntil, hasSpan, numberOf, OTHER_TIMES, oneValue } from './sql-query.ts';
import { PATIENCE_MS, type Past, type Sample, type Source, type SourceContext, type Span } from './types.ts';

/** History is read as far back as this allows: without an index each span reads the whole table. */
const HISTORY_BUDGET_MS = 10_000;
/** How many spans one statement reads at most, and how long it should take. */
const BATCH = 40;
const BATCH_MS = 1000;
/** A batch that is as quick as this brings the 720 ticks of an hour in a moment. */
const QUICK_MS = 100;

/**
 * Opens the source on the database that the metric names, and tries the query. Throws `config-invalid`, and as `sample`
 * does: what cannot be read is known before a watch.
 */
export async function openSql(metric: MetricSection, context: SourceContext): Promise<Source> {
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
  const source = new SqlSource(metric, database, context.patience ?? PATIENCE_MS);
  try {
    await source.open();
  } catch (error) {
    await source.close();
    throw error;
  }
  return source;
}

class SqlSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly unit: string | null;
  readonly notes: string[];
  readonly keepsHistory: boolean;
  readonly cadence = 0;
  readonly window = null;
  /** Known once the query was tried: see `open`. */
  replays = false;
  private readonly database: Database;
  private readonly query: string;
  /** A statement that takes longer is ended, on the server too. */
  private readonly patience: number;
  private session: Promise<Session> | null = null;
  /** What was counted from `from` until `to`: rows that are written late are found by counting from the start again. */
  private counted: { from: number; to: number; total: number } | null = null;

  constructor(metric: MetricSection, database: Database, patience: number) {
    this.patience = patience;
    this.metric = metric;
    this.database = database;
    this.query = metric.sql!;
    this.keepsHistory = hasSpan(this.query);
    this.kind = metric.kind ?? (this.keepsHistory ? 'count' : 'gauge');
    this.unit = metric.unit ?? unitOfName(metric.name);
    const from = this.keepsHistory ? 'the query has {from} and {to}' : 'the query has no {from} and {to}';
    const meaning = meaningInWords(metric, { value: this.kind, from }, this.unit);
    this.notes = [`the database ${database.name}`, ...meaning];
  }

  /** Holds the server's clock against ours, and times the query over a few spans. */
  async open(): Promise<void> {
    await this.checkClock();
    const spans = Array.from({ length: BATCH }, (_, i) => spanOf(Date.now(), 5000, BATCH, i));
    const one = await timed(() => this.one(spans.at(-1)!));
    if (this.keepsHistory && one.took <= BATCH_MS) await this.checkForm();
    if (!this.keepsHistory || one.took > QUICK_MS) return;
    // Twice: the first time, tables may have to be read from disk.
    for (let i = 0; i < 2 && !this.replays; i++) this.replays = (await timed(() => this.many(spans))).took <= QUICK_MS;
  }

  private async checkClock(): Promise<void> {
    const { engine, where } = this.database;
    if (engine === 'sqlite') return; // it has no clock of its own
    const asked = Date.now();
    const { ms, zone } = (await this.ask(CLOCK[engine], []))[0] ?? {};
    checkClock(this.metric, where, Number(ms), { asked, answered: Date.now() });
    if (Number(zone) !== 0 && /\{(from|to)\}/.test(this.query))
      this.notes.push(
        `its local time is ${Number(zone) / 60} h ahead of UTC; {from} and {to} are UTC, so a column of local time needs {from:s}`,
      );
  }

  /** SQLite compares texts: times that a table holds in another form make every span look empty. */
  private async checkForm(): Promise<void> {
    if (this.database.engine !== 'sqlite' || !/\{(from|to)\}/.test(this.query)) return;
    const days = daysUntil(Date.now());
    const found = async (query: string) =>
      (await this.many(days, query)).some((value) => value !== null && value !== 0);
    if (await found(this.query)) return;
    for (const { held, as, write } of OTHER_TIMES) {
      if (!(await found(as(this.query)))) continue;
      throw metricInvalid(
        this.metric,
        `it would always count nothing: its table holds times ${held}, and {from} is like 2026-01-31T12:00:00.000Z`,
        `write ${write} in the query`,
      );
    }
  }

  async history(span: Span, step: number): Promise<Past[]> {
    if (!this.keepsHistory) {
      const why = 'the query has no {from} and {to}, so it cannot be asked about the past';
      throw metricError(this.metric, this.database.where, why);
    }
    const count = Math.floor((span.to - span.from) / step);
    const values = new Array<number | null>(count).fill(null);
    const begun = performance.now();
    let size = 1;
    for (let end = count; end > 0 && performance.now() - begun < HISTORY_BUDGET_MS; ) {
      const first = Math.max(0, end - size);
      const spans = Array.from({ length: end - first }, (_, i) => spanOf(span.to, step, count, first + i));
      const { value, took } = await timed(() => this.many(spans));
      for (const [i, number] of value.entries()) values[first + i] = number;
      end = first;
      size = Math.max(1, Math.min(BATCH, Math.floor((BATCH_MS * spans.length) / took)));
    }
    return [{ host: null, values }];
  }

  async sample(span: Span): Promise<Sample[]> {
    const additive = this.keepsHistory && (this.kind === 'count' || this.kind === 'money');
    if (!additive) return [this.sampleOf(span.to, await this.one(span))];
    const from = this.counted?.to === span.from ? this.counted.from : span.from;
    const before = this.counted?.to === span.from ? this.counted.total : 0;
    this.counted = null;
    const total = (await this.one({ from, to: span.to })) ?? 0;
    this.counted = { from, to: span.to, total };
    if (this.kind === 'count' && total < before)
      return [{ at: span.to, host: null, value: null, why: 'rows that were counted in earlier ticks are gone' }];
    return [this.sampleOf(span.to, total - before)];
  }

  private sampleOf(at: number, value: number | null): Sample {
    return { at, host: null, value, why: value === null ? 'the query gives NULL' : null };
  }

  private async one(span: Span): Promise<number | null> {
    const { engine } = this.database;
    const bound = bindSpan(this.query, span, engine, (position) => this.database.placeholder(position));
    return this.known(numberOf(await this.ask(bound.sql, bound.parameters), this.kind));
  }

  private async many(spans: readonly Span[], query = this.query): Promise<(number | null)[]> {
    const { engine } = this.database;
    const bound = bindSpans(query, spans, engine, (position) => this.database.placeholder(position));
    const row = (await this.ask(bound.sql, bound.parameters))[0] ?? {};
    return spans.map((_, i) => this.known(oneValue(row[`v${i}`], this.kind)));
  }

  private known(number: { value: number | null } | { why: string }): number | null {
    if ('why' in number) throw metricError(this.metric, this.database.where, number.why);
    return number.value;
  }

  /** Asks on a connection of this metric's own, so that ending a slow statement harms no other. */
  private async ask(sql: string, parameters: Parameter[]): Promise<Row[]> {
    const late = new AbortController();
    try {
      this.session ??= this.database.session();
      const answer = this.session.then((session) => queryReadOnly(this.database, session, sql, parameters));
      return await Promise.race([answer, after(this.patience, late.signal)]);
    } catch (error) {
      await this.close();
      throw this.failure(error);
    } finally {
      late.abort();
    }
  }

  private failure(error: unknown): Error {
    const { where } = this.database;
    const failed = error instanceof Failure ? error : null;
    const why = failed?.why ?? (error as Error).message;
    const blame = failed?.code === 'database-error' ? blameOf(String(failed.facts.native ?? ''), why) : 'lost';
    if (blame === 'missing')
      return metricMissing(this.metric, where, why, 'correct the name in the query, or see which migration brings it');
    if (blame !== 'lost') return metricError(this.metric, where, why);
    return metricUnreachable(
      this.metric,
      where,
      why,
      'see that the database can be reached, and that the query has an index for its times',
    );
  }

  async close(): Promise<void> {
    const session = this.session;
    this.session = null;
    await session?.then(
      (open) => open.close(),
      () => {},
    );
  }
}

/** Rejects after so many milliseconds, unless `over` fires. */
function after(ms: number, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1000} s: the statement was ended`)), ms);
    over.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

async function timed<T>(read: () => Promise<T>): Promise<{ value: T; took: number }> {
  const begun = performance.now();
  const value = await read();
  return { value, took: performance.now() - begun };
}

/** The i-th of `count` spans that end at `to`. */
function spanOf(to: number, step: number, count: number, i: number): Span {
  return { from: to - (count - i) * step, to: to - (count - i - 1) * step };
}
