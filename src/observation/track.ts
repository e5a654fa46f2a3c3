/** One metric in the course of a watch: its ticks, its evidence, and what became of its hosts. */
import type { MetricSection } from '../config/config.ts';
import { type Metric, type Plan, type Prepared, prepare, type Run } from '../judge/judge.ts';
import type { Past, Sample, Source, Span } from '../metrics/metrics.ts';
import { type Code, Failure } from '../outcome/outcome.ts';
import { type Against, againstOf } from './reference.ts';
import { HostValues, isAdditive, type Sides, sumOver } from './summing.ts';

/** All that a track begins with. Times in milliseconds. */
export interface Beginning {
  section: MetricSection;
  source: Source;
  metric: Metric;
  against: Against;
  plan: Plan;
  sides: Sides | null;
  step: number;
  start: number;
  end: number;
  /** What replays of unharmed traffic found; null where there were none. */
  replays: string | null;
  /** What a reader should know besides what the judge says. */
  notes: string[];
}

/** A source's answer that had no number: why, and the code where that was an error of the source. */
export interface Silence {
  why: string;
  code: Code | null;
}

/** One metric in the course of a watch. */
export class Track {
  readonly section: MetricSection;
  readonly source: Source;
  readonly step: number;
  readonly start: number;
  readonly replays: string | null;
  readonly notes: string[];
  readonly plan: Plan;
  readonly points: { at: number; value: number | null }[] = [];
  readonly values = new HostValues();
  /** Hosts that ended during the watch, with their last tick; what is judged leaves them out. */
  readonly gone = new Map<string, number>();
  prepared: Prepared;
  run: Run;
  against: Against;
  alarmed = false;
  /** True where the last moment at which a verdict may be taken brought one. */
  decided = false;
  /** The evidence of the last look. */
  evidence = 1;
  /** What was wrong with the last tick that had no number. */
  silence: Silence | null = null;
  private readonly metric: Metric;
  private readonly sides: Sides | null;
  private readonly left: string[];
  private boundary: number;
  private end: number;
  private share = 1;
  private pending = false;

  constructor({ section, source, metric, against, plan, sides, step, start, end, replays, notes }: Beginning) {
    this.section = section;
    this.source = source;
    this.metric = metric;
    this.against = against;
    this.plan = plan;
    this.sides = sides;
    this.left = against.left;
    this.step = step;
    this.start = start;
    this.end = end;
    this.boundary = start + step;
    this.replays = replays;
    this.notes = [...against.notes, ...notes];
    this.prepared = prepare(metric, against.reference, plan);
    this.run = this.prepared.begin();
  }

  /** When the next tick is over; null where the watch is. */
  get next(): number | null {
    return this.boundary <= this.end + 1 ? this.boundary : null;
  }

  /** The watch goes on until `end`. */
  extend(end: number): void {
    this.end = Math.max(this.end, end);
  }

  /** Looks at the tick that is over. A source that does not answer within `patience` milliseconds gives no number. */
  async look(patience: number): Promise<void> {
    const span = { from: this.boundary - this.step, to: this.boundary };
    this.boundary += this.step;
    const samples = await this.sample(span, patience);
    this.values.add(samples);
    for (const host of this.values.gone(this.counted())) this.leaveOut(host);
    const { value, other } = this.latest();
    this.points.push({ at: span.to, value });
    this.judge(value, other);
  }

  private judge(value: number | null, other: number | null): void {
    const look = this.run.look(value, other);
    this.evidence = look.evidence * this.share;
    this.alarmed = look.alarm !== null;
    if (this.run.checkpoint) this.decided = this.run.verdict().outcome !== 'inconclusive';
  }

  /** Names of the hosts whose numbers are summed. */
  private counted(): (string | null)[] {
    return [...this.against.fresh, ...this.against.old].map(({ host }) => host);
  }

  private latest(): { value: number | null; other: number | null } {
    const { fresh, old } = this.watched();
    return { value: fresh.at(-1) ?? null, other: old.at(-1) ?? null };
  }

  /** The sums of the watch so far. What adds up counts hosts that came later; a level would only seem to rise. */
  private watched(): { fresh: (number | null)[]; old: (number | null)[] } {
    const { fresh, old } = this.against;
    const additive = isAdditive(this.metric.kind);
    const all = this.values.all();
    const of = (hosts: readonly Past[]) => hosts.map(({ host }) => ({ host, values: [...this.values.of(host)] }));
    const isOpen = fresh.length === 0 || (additive && this.sides === null);
    const known = new Set([...this.counted(), ...this.gone.keys(), ...this.left]);
    const late = all.filter(({ host }) => !known.has(host));
    return { fresh: sumOver([...of(fresh), ...(isOpen ? late : [])], additive), old: sumOver(of(old), additive) };
  }

  /**
   * Judges what is left without a host that ended, from the first tick on: half a fleet's sum would look like a fall.
   * The first judgement spends SPENT (0.8) of its promise; this one and all later ones get the other fifth, halved
   * each time (1/8 + 1/16 + … of the promise, of which 0.8 is spent), so that all together keep it (Bonferroni).
   */
  private leaveOut(host: string): void {
    if (this.gone.has(host)) return;
    this.gone.set(host, this.points.length - 2);
    if (this.alarmed) return;
    const left = this.counted().filter((one) => one !== host);
    const pasts = [...this.against.fresh, ...this.against.old];
    const against = againstOf(this.source, pasts, this.step, this.sides, new Set(left));
    if (this.against.how !== against.how || against.fresh.length === 0) return;
    const { earlier } = this.against.reference ?? {};
    const reference = against.reference && { ...against.reference, ...(earlier ? { earlier } : {}) };
    this.against = { ...against, reference };
    this.share = this.share === 1 ? 1 / 8 : this.share / 2;
    this.prepared = prepare(this.metric, reference, { ...this.plan, alpha: this.plan.alpha * this.share });
    this.run = this.prepared.begin();
    const { fresh, old } = this.watched();
    for (const [tick, point] of this.points.entries()) {
      point.value = fresh[tick] ?? null;
      this.judge(point.value, old[tick] ?? null);
    }
  }

  private async sample(span: Span, patience: number): Promise<readonly Sample[]> {
    const nothing = (why: string, code: Code | null = null) => {
      this.silence = { why, code };
      return [{ at: span.to, host: null, value: null, why }];
    };
    if (this.pending) return nothing('the source has not answered yet');
    if (!this.source.keepsHistory && Date.now() - span.to > Math.max(patience, this.step))
      return nothing('this machine was held up, and what the source says now is of another time');
    this.pending = true;
    const answer = this.source.sample(span).then(
      (samples) => {
        const missing = samples.find(({ value }) => value === null);
        if (missing) this.silence = { why: missing.why ?? 'no number', code: null };
        return samples;
      },
      (error: Error) =>
        error instanceof Failure
          ? nothing(error.why ?? error.what, error.code)
          : nothing(error.message, 'metric-error'),
    );
    const settled = answer.finally(() => (this.pending = false));
    return Promise.race([settled, late(patience).then(() => nothing('the source did not answer in time'))]);
  }
}

function late(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
