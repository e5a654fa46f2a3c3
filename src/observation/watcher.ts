/** Watches the metrics of one environment: opens their sources, samples, plans, watches, sums up. */
import type { Environment, MetricSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { discoveries } from '../judge/judge.ts';
import { hostOfLabel, openSource, type Source, type SourceContext, type Span } from '../metrics/metrics.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { follow } from './course.ts';
import { type Drill, type Drilled, drilled, type Undrilled } from './drilling.ts';
import { Teller } from './events.ts';
import { watchLength } from './length.ts';
import { judgedMetric, stepOf } from './metric.ts';
import { type Foreseen, foreseen, numberless, tableLines, unreadable } from './planning.ts';
import { type Common, drillPart, type Part, prepareTrack, readAhead, type Times } from './preparing.ts';
import { Recording, startRecording } from './recording.ts';
import { Rehearsal } from './replaying.ts';
import { summed, type Watched } from './result.ts';
import type { Sides } from './summing.ts';
import { Track } from './track.ts';
import type {
  DrillOptions,
  Length,
  Observation,
  ObserveOptions,
  PlanLine,
  TwoVersions,
  Watcher,
  WatcherOptions,
} from './types.ts';

/** The promised share of false alarms of all critical metrics and waves of a change; of the others together, as discoveries. */
const ALPHA = 0.05;

/**
 * Opens the sources of a watch section; for a first version those with an absolute limit. A source that cannot be
 * opened is a fact of its metric, not an error here.
 */
export async function openWatcher(options: WatcherOptions): Promise<Watcher> {
  const { section, hosts, databases, workspace, signal, first = false } = options;
  const { prometheus, 'prometheus-token': prometheusToken } = section;
  const context: SourceContext = { hosts, databases, prometheus, prometheusToken, workspace, signal };
  const wanted = section.metrics.filter(({ limit }) => !first || limit !== undefined);
  const every = milliseconds(section.every)!;
  const metrics = await Promise.all(wanted.map((metric) => opened(metric, context, every)));
  return new MetricWatcher(options, context, metrics);
}

interface Opened {
  section: MetricSection;
  source: Source | Failure;
}

interface Readable extends Opened {
  source: Source;
}

async function opened(section: MetricSection, context: SourceContext, every: number): Promise<Opened> {
  let source: Source | null = null;
  try {
    source = await openSource(section, context);
    judgedMetric(section, source, stepOf(every, source.cadence));
    return { section, source };
  } catch (error) {
    await source?.close();
    return { section, source: failureFrom(error) };
  }
}

class MetricWatcher implements Watcher {
  private readonly options: WatcherOptions;
  private readonly context: SourceContext;
  private readonly common: Common;
  private metrics: Opened[];
  private recorders: { stop(): Promise<void> }[] = [];

  constructor(options: WatcherOptions, context: SourceContext, metrics: Opened[]) {
    this.options = options;
    this.context = context;
    this.metrics = metrics;
    const { section, handover, signal, first = false } = options;
    let disturbed: Promise<readonly Span[]> | null = null;
    this.common = {
      every: milliseconds(section.every)!,
      reach: milliseconds(section.reference)!,
      back: milliseconds(section.replay)!,
      longest: watchLength(section).max,
      first,
      rehearsal: new Rehearsal(handover),
      disturbed: () => (disturbed ??= options.disturbed?.() ?? Promise.resolve([])),
      signal,
    };
  }

  async plan(length: Length, versions: TwoVersions = {}): Promise<PlanLine[]> {
    const parts = await Promise.all(this.metrics.map((metric) => this.planOne(metric, length, versions)));
    const rows = parts.flatMap(({ row }) => (row === null ? [] : [row]));
    const critical = this.metrics.some(({ section }) => section.critical);
    return [
      ...parts.flatMap(({ lines }) => lines),
      ...tableLines(rows, length),
      ...(this.common.first ? [{ kind: 'blind' as const, text: FIRST }] : []),
      ...(critical ? [] : [{ kind: 'blind' as const, text: UNCRITICAL }]),
    ];
  }

  private async planOne({ section, source }: Opened, length: Length, versions: TwoVersions): Promise<Foreseen> {
    const one = (line: PlanLine): Foreseen => ({ lines: [line], row: null });
    if (source instanceof Failure) return one(unreadable(section.critical, section.name, source));
    try {
      const now = Date.now();
      const step = stepOf(this.common.every, source.cadence);
      const silent = (await source.sample({ from: now - step, to: now })).find(({ value }) => value === null);
      if (silent) return one(numberless(section.critical, section.name, silent.why ?? 'no number'));
      const times = { start: now, end: now + length.min, max: now + length.max, referenceEnd: now, length };
      const track = await this.track({ section, source }, times, versions);
      const key = versions.newHosts === undefined ? 'for' : 'between-waves';
      return foreseen(track, length, key);
    } catch (error) {
      return one(unreadable(section.critical, section.name, failureFrom(error)));
    }
  }

  startReference(): void {
    if (this.recorders.length > 0 || this.common.first) return;
    for (const { section, source } of this.metrics) {
      if (source instanceof Failure || source.keepsHistory) continue;
      const step = stepOf(this.common.every, source.cadence);
      this.recorders.push(startRecording(source, this.recordingOf(section), step));
    }
  }

  async endReference(): Promise<void> {
    if (this.recorders.length === 0) return;
    await this.stopReference();
    const recorded = this.metrics.filter(({ source }) => !(source instanceof Failure) && !source.keepsHistory);
    await Promise.all(recorded.map(({ section }) => this.recordingOf(section).seal()));
  }

  async observe(options: ObserveOptions): Promise<Observation> {
    await this.stopReference();
    this.metrics = await Promise.all(
      this.metrics.map((metric) =>
        metric.source instanceof Failure ? opened(metric.section, this.context, this.common.every) : metric,
      ),
    );
    const sources = this.metrics.flatMap(({ source }) => (source instanceof Failure ? [] : [source]));
    await Promise.all(sources.map((source) => readAhead(this.common, source, options.for.max)));
    const start = options.since?.getTime() ?? Date.now();
    const end = Math.max(start, Date.now()) + options.for.min;
    const referenceEnd = Math.min(start, options.referenceEnd?.getTime() ?? start);
    const times = { start, end, max: end + options.for.max - options.for.min, referenceEnd, length: options.for };
    const watched = await this.courses(times, options);
    const tracks = watched.flatMap(({ course }) => (course instanceof Track ? [course] : []));
    const { label } = options;
    const { log, signal, environment } = this.options;
    const teller = new Teller(log, label, options.onEvent);
    const ended = await follow({
      label,
      times,
      tracks,
      complete: watched.every(({ section, course }) => !section.critical || course instanceof Track),
      alpha: ALPHA * (options.share ?? 1),
      log,
      teller,
      signal,
    });
    const isDeclared = (host: string) => declared(host, environment);
    const seen = summed(options, watched, { ...ended, stands: standing(tracks), isDeclared });
    await teller.verdict(seen.summary);
    return seen;
  }

  /** Those with history first: the others are asked from the moment on at which all are ready. */
  private async courses(times: Times, versions: TwoVersions): Promise<Watched[]> {
    const ready = new Map<Opened, Watched>();
    for (const keepsHistory of [true, false]) {
      const now = this.metrics.filter(
        ({ source }) => (source instanceof Failure || source.keepsHistory) === keepsHistory,
      );
      await Promise.all(now.map(async (metric) => ready.set(metric, await this.course(metric, times, versions))));
    }
    return this.metrics.map((metric) => ready.get(metric)!);
  }

  private async course(metric: Opened, times: Times, versions: TwoVersions): Promise<Watched> {
    const { section, source } = metric;
    if (source instanceof Failure) return { section, course: source };
    try {
      return { section, course: await this.track({ section, source }, times, versions) };
    } catch (error) {
      return { section, course: failureFrom(error) };
    }
  }

  async drill({ for: length, share, harm }: DrillOptions): Promise<Drill> {
    const parts = await Promise.all(
      this.metrics.map(async ({ section, source }): Promise<Drilled[] | Undrilled> => {
        const { name: metric, critical } = section;
        if (source instanceof Failure) return { metric, critical, why: source.why ?? source.what };
        return drillPart(this.common, this.partOf({ section, source }, { share }), length, harm);
      }),
    );
    const left = parts.filter((part): part is Undrilled => !Array.isArray(part));
    return drilled(parts.filter((part) => Array.isArray(part)).flat(), left, length);
  }

  private track(metric: Readable, times: Times, versions: TwoVersions): Promise<Track> {
    return prepareTrack(this.common, this.partOf(metric, versions), times);
  }

  private partOf({ section, source }: Readable, versions: TwoVersions): Part {
    const recording = this.recordingOf(section);
    const alpha = this.alphaOf(section, versions.share ?? 1);
    return { section, source, recording, alpha, sides: sidesOf(versions) };
  }

  /** Critical metrics share the promise; the others share one of their own, as discoveries want it (e-BH). */
  private alphaOf({ critical }: MetricSection, share: number): number {
    const alike = this.metrics.filter((metric) => metric.section.critical === critical).length;
    return (critical ? ALPHA * share : ALPHA) / alike;
  }

  private recordingOf(section: MetricSection): Recording {
    return new Recording(this.options.handover, this.options.environment.name, section);
  }

  private async stopReference(): Promise<void> {
    await Promise.all(this.recorders.splice(0).map((recorder) => recorder.stop()));
  }

  async close(): Promise<void> {
    await this.stopReference();
    await Promise.all(this.metrics.map(({ source }) => (source instanceof Failure ? undefined : source.close())));
  }
}

const FIRST = 'the first version here: there is nothing to compare with yet, so only absolute limits are watched';
const UNCRITICAL = 'no metric that can be watched is critical: the watch reports, and cannot stop a change';

function sidesOf({ newHosts, oldHosts }: TwoVersions): Sides | null {
  return newHosts?.length && oldHosts?.length ? { fresh: newHosts, old: oldHosts } : null;
}

/** True for a host of `hosts:`, however its source names it. */
function declared(host: string, { hosts }: Environment): boolean {
  const known = hosts.map(({ at, with: values }) => {
    const kind = /^\.{0,2}\//.test(at) ? ('local' as const) : ('ssh' as const);
    return { name: at, kind, with: values };
  });
  const named = hostOfLabel(host, known);
  return known.some(({ name }) => name === named);
}

/** Which alarms of metrics that are not critical stand, with at most ALPHA of them false (e-BH). */
function standing(tracks: readonly Track[]): (track: Track) => boolean {
  const others = tracks.filter((track) => !track.section.critical);
  const found = discoveries(
    others.map(({ evidence }) => evidence),
    ALPHA,
  );
  return (track) => found[others.indexOf(track)] ?? false;
}
