/** One metric on watch: its source, its reference, its ticks. */
import type { MetricSection } from '../config/config.ts';
import type { Metric, Prepared, Reference, Run } from '../judge/judge.ts';
import { parseTolerance, prepare, withoutBeginning } from '../judge/judge.ts';
import type { Sample, Source, Span } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Recording, recordedTicks, sumOrNull } from './recording.ts';

/** The judge wants at least this many ticks of reference, and as many watches. */
const REFERENCE_TICKS = 720;
const REFERENCE_WATCHES = 6;

/** The metric as the judge knows it. Throws `config-invalid` for a tolerance that bears nothing or everything. */
export function judgedMetric(section: MetricSection, source: Source): Metric {
  const tolerate = parseTolerance(section.tolerate);
  if (tolerate === null) {
    throw new Failure({
      code: 'config-invalid',
      what: `tolerate ${section.tolerate} bears nothing or everything`,
      where: `watch.metrics: ${section.name}`,
      next: 'write a factor (x2, -50%, +20%), an absolute (3, 0.5/s), or one "or" the other',
    });
  }
  return { name: section.name, kind: source.kind, worse: section.worse, critical: section.critical, tolerate };
}

/** The length of a metric's tick: the watch's, or the next multiple that holds a new number of its source. */
export function stepOf(every: number, cadence: number): number {
  return every * Math.max(1, Math.ceil(cadence / every - 1e-6));
}

/** Which hosts are compared with which, where both kinds run at the same time. */
export interface Sides {
  fresh: ReadonlySet<string>;
  old: ReadonlySet<string>;
}

/**
 * The reference of a metric for a watch of `ticks`, ending at `end`: from the source's history or from what was
 * recorded. `reach` is how far back it may go, in milliseconds. Throws `metric-error`.
 */
export async function referenceOf(
  source: Source,
  recording: Recording,
  end: number,
  reach: number,
  step: number,
  ticks: number,
  sides: Sides | null,
): Promise<Reference | null> {
  const count = Math.min(Math.floor(reach / step), Math.max(REFERENCE_TICKS, REFERENCE_WATCHES * ticks));
  const span = { from: end - count * step, to: end };
  const common = { step: step / 1000, window: source.window === null ? undefined : source.window / 1000 };
  if (source.keepsHistory) {
    const values = await source.history(span, step);
    const counted = source.kind === 'count' || source.kind === 'money';
    return { ...common, values: counted ? withoutBeginning(values) : values };
  }
  const { kept, sealed } = await recording.read();
  if (kept.length === 0) return null;
  const recorded = sealed ? endingAt(kept.at(-1)!.at + 1, span) : span;
  if (sides === null || kept.every(({ host }) => host === null))
    return { ...common, values: recordedTicks(kept, recorded, step) };
  return {
    ...common,
    values: recordedTicks(kept, recorded, step, (host) => host !== null && sides.fresh.has(host)),
    other: recordedTicks(kept, recorded, step, (host) => host !== null && sides.old.has(host)),
  };
}

/** A span of the same length that ends earlier. */
function endingAt(to: number, span: Span): Span {
  return { from: span.from - span.to + to, to };
}

/** One metric in the course of a watch. */
export class Track {
  readonly section: MetricSection;
  readonly source: Source;
  readonly prepared: Prepared;
  readonly run: Run;
  readonly step: number;
  readonly points: { at: number; value: number | null }[] = [];
  alarmed = false;
  /** The evidence of the last look. */
  evidence = 1;
  /** Why the last tick without a number had none. */
  silence: string | null = null;
  /** True where that was an error of the source. */
  broken = false;
  private readonly sides: Sides | null;
  private boundary: number;
  private readonly end: number;
  private pending = false;

  constructor(
    section: MetricSection,
    source: Source,
    prepared: Prepared,
    step: number,
    start: number,
    end: number,
    sides: Sides | null,
  ) {
    this.section = section;
    this.source = source;
    this.prepared = prepared;
    this.run = prepared.begin();
    this.step = step;
    this.sides = sides;
    this.boundary = start + step;
    this.end = end;
  }

  /** When the next tick is over; null where the watch is. */
  get next(): number | null {
    return this.boundary <= this.end + 1 ? this.boundary : null;
  }

  /** Looks at the tick that is over. A source that does not answer within `patience` milliseconds gives no number. */
  async look(patience: number): Promise<void> {
    const span = { from: this.boundary - this.step, to: this.boundary };
    this.boundary += this.step;
    const samples = await this.sample(span, patience);
    const { value, other } = this.split(samples);
    const missing = samples.find((sample) => sample.value === null);
    if (missing) this.silence = missing.why;
    this.points.push({ at: span.to, value });
    const look = this.run.look(value, other);
    this.evidence = look.evidence;
    this.alarmed = look.alarm !== null;
  }

  private async sample(span: Span, patience: number): Promise<readonly Sample[]> {
    const nothing = (why: string) => [{ at: span.to, host: null, value: null, why }];
    if (this.pending) return nothing('the source has not answered yet');
    const answer = this.source.sample(span).then(
      (samples) => ({ samples, broken: false }),
      (error: Error) => ({
        samples: nothing(error instanceof Failure ? (error.why ?? error.what) : error.message),
        broken: true,
      }),
    );
    this.pending = true;
    const settled = answer.then(({ samples, broken }) => {
      this.broken = broken;
      this.pending = false;
      return samples;
    });
    return Promise.race([settled, late(patience).then(() => nothing('the source did not answer in time'))]);
  }

  private split(samples: readonly Sample[]): { value: number | null; other: number | null } {
    const { sides } = this;
    if (sides === null || samples.some(({ host }) => host === null))
      return { value: sumOrNull(samples.map(({ value }) => value)), other: null };
    const of = (hosts: ReadonlySet<string>) =>
      sumOrNull(samples.filter(({ host }) => hosts.has(host!)).map(({ value }) => value));
    return { value: of(sides.fresh), other: of(sides.old) };
  }
}

function late(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** Makes a track ready: reference, preparation, first tick. Throws `metric-error` and `config-invalid`. */
export async function prepareTrack(
  section: MetricSection,
  source: Source,
  recording: Recording,
  times: { start: number; end: number; referenceEnd: number; reach: number; every: number; alpha: number },
  sides: Sides | null,
): Promise<Track> {
  const step = stepOf(times.every, source.cadence);
  const start = source.keepsHistory ? times.start : Math.max(times.start, Date.now());
  const ticks = Math.max(1, Math.floor((times.end - start + 1) / step));
  const reference = await referenceOf(source, recording, times.referenceEnd, times.reach, step, ticks, sides);
  const prepared = prepare(judgedMetric(section, source), reference, { ticks, alpha: times.alpha });
  return new Track(section, source, prepared, step, start, times.end, reference?.other ? sides : null);
}
