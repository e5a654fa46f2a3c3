/** Watches the metrics of one environment: reference, ticks, verdicts. */
import type { MetricSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { Family } from '../judge/judge.ts';
import { openSource, type Source, type SourceContext } from '../metrics/metrics.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { foreseen, numberless, unreadable } from './planning.ts';
import { Recording, startRecording } from './recording.ts';
import { summed } from './result.ts';
import { judgedMetric, prepareTrack, type Sides, stepOf, type Track } from './track.ts';
import type { Observation, ObserveOptions, PlanLine, Watcher, WatcherOptions } from './types.ts';
import { figure, sparkline } from './words.ts';

/** The promised share of false alarms of all critical metrics and waves of a change. */
const ALPHA = 0.05;
/** How long a tick waits for a source, at least. */
const PATIENCE_MS = 2000;

/** Opens the sources of a watch section. A source that cannot be opened is a fact of its metric, not an error here. */
export async function openWatcher(options: WatcherOptions): Promise<Watcher> {
  const { section, hosts, databases, workspace, signal } = options;
  const context: SourceContext = { hosts, databases, prometheus: section.prometheus, workspace, signal };
  const metrics = await Promise.all(section.metrics.map((metric) => opened(metric, context)));
  return new MetricWatcher(options, context, metrics);
}

interface Opened {
  section: MetricSection;
  source: Source | Failure;
}

async function opened(section: MetricSection, context: SourceContext): Promise<Opened> {
  let source: Source | null = null;
  try {
    source = await openSource(section, context);
    judgedMetric(section, source);
    return { section, source };
  } catch (error) {
    await source?.close();
    return { section, source: failureFrom(error) };
  }
}

class MetricWatcher implements Watcher {
  private readonly options: WatcherOptions;
  private readonly context: SourceContext;
  private readonly every: number;
  private readonly reach: number;
  private metrics: Opened[];
  private recorders: { stop(): Promise<void> }[] = [];

  constructor(options: WatcherOptions, context: SourceContext, metrics: Opened[]) {
    this.options = options;
    this.context = context;
    this.metrics = metrics;
    this.every = milliseconds(options.section.every)!;
    this.reach = milliseconds(options.section.reference)!;
  }

  async plan(forMs: number): Promise<PlanLine[]> {
    const lines = await Promise.all(this.metrics.map((metric) => this.planOne(metric, forMs)));
    const critical = this.metrics.some(({ section }) => section.critical);
    return [
      ...lines.flat(),
      ...(critical
        ? []
        : [{ kind: 'blind' as const, text: 'no metric is critical: the watch reports, and cannot stop a change' }]),
    ];
  }

  private async planOne({ section, source }: Opened, forMs: number): Promise<PlanLine[]> {
    if (source instanceof Failure) return [unreadable(section.critical, section.name, source)];
    try {
      const now = Date.now();
      const silent = (await source.sample({ from: now - stepOf(this.every, source.cadence), to: now })).find(
        ({ value }) => value === null,
      );
      if (silent) return [numberless(section.critical, section.name, silent.why ?? 'no number')];
      const track = await this.track(
        { section, source },
        { start: now, end: now + forMs, referenceEnd: now, alpha: this.shareOf(section, 1) },
        null,
      );
      return foreseen(track.prepared, source, track.step, forMs);
    } catch (error) {
      return [unreadable(section.critical, section.name, failureFrom(error))];
    }
  }

  startReference(): void {
    if (this.recorders.length > 0) return;
    for (const { section, source } of this.metrics) {
      if (source instanceof Failure || source.keepsHistory) continue;
      this.recorders.push(startRecording(source, this.recordingOf(section), stepOf(this.every, source.cadence)));
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
      this.metrics.map((metric) => (metric.source instanceof Failure ? opened(metric.section, this.context) : metric)),
    );
    const start = options.since?.getTime() ?? Date.now();
    const times = {
      start,
      end: Math.max(start, Date.now()) + options.for,
      referenceEnd: Math.min(start, options.referenceEnd?.getTime() ?? start),
    };
    const tracks = await this.tracks(times, sidesOf(options), options.share ?? 1);
    const critical = tracks.filter((track) => track.section.critical);
    const family = new Family(
      ALPHA * (options.share ?? 1),
      critical.map(() => 1),
    );
    let together: Track | null = null;
    while (together === null) {
      const next = nextTick(tracks);
      if (next === null) break;
      await until(next, this.options.signal);
      await Promise.all(
        tracks
          .filter((track) => track.next !== null && track.next <= next)
          .map((track) => track.look(Math.max(PATIENCE_MS, track.step))),
      );
      this.options.log.progress(liveLine(options, times, tracks));
      if (critical.length === 0) continue;
      const look = family.look(critical.map((track) => track.evidence));
      if (look.alarm || critical.some((track) => track.alarmed)) together = critical[look.leading]!;
    }
    this.options.log.progress(null);
    return summed(options, this.metrics, tracks, together);
  }

  private async tracks(times: Times, sides: Sides | null, share: number): Promise<Track[]> {
    const ready = await Promise.all(
      this.metrics.map(async (metric, i) => {
        const { section, source } = metric;
        if (source instanceof Failure) return null;
        try {
          return await this.track({ section, source }, { ...times, alpha: this.shareOf(section, share) }, sides);
        } catch (error) {
          await source.close();
          this.metrics[i] = { section, source: failureFrom(error) };
          return null;
        }
      }),
    );
    return ready.filter((track) => track !== null);
  }

  private track(
    { section, source }: { section: MetricSection; source: Source },
    times: Times & { alpha: number },
    sides: Sides | null,
  ): Promise<Track> {
    return prepareTrack(
      section,
      source,
      this.recordingOf(section),
      { ...times, reach: this.reach, every: this.every },
      sides,
    );
  }

  /** Critical metrics share the promise; the others stop nothing and each keep their own. */
  private shareOf(section: MetricSection, share: number): number {
    if (!section.critical) return ALPHA;
    return (ALPHA * share) / this.metrics.filter((metric) => metric.section.critical).length;
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

interface Times {
  start: number;
  end: number;
  referenceEnd: number;
}

function sidesOf({ newHosts, oldHosts }: ObserveOptions): Sides | null {
  return newHosts?.length && oldHosts?.length ? { fresh: new Set(newHosts), old: new Set(oldHosts) } : null;
}

function nextTick(tracks: readonly Track[]): number | null {
  const ticks = tracks.flatMap((track) => track.next ?? []);
  return ticks.length > 0 ? Math.min(...ticks) : null;
}

/** Waits for a moment. Throws `cancelled` where the run is. */
function until(moment: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelled = () => {
      clearTimeout(timer);
      reject(
        new Failure({
          code: 'cancelled',
          what: 'the watch was ended because the run was cancelled',
          next: 'watch again, or take the version back',
        }),
      );
    };
    const over = () => {
      signal.removeEventListener('abort', cancelled);
      resolve();
    };
    const timer = setTimeout(over, Math.max(0, moment - Date.now()));
    if (signal.aborted) cancelled();
    else signal.addEventListener('abort', cancelled, { once: true });
  });
}

function liveLine(options: ObserveOptions, times: Times, tracks: readonly Track[]): string {
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const graphs = tracks.map((track) => {
    const last = track.points.at(-1)?.value;
    return `${track.section.name} ${sparkline(track.points.map(({ value }) => value))} ${last == null ? '–' : figure(last)}`;
  });
  const done = Math.min(times.end, Date.now()) - times.start;
  return `${options.label} ${seconds(done)} of ${seconds(times.end - times.start)}  ${graphs.join('  ')}`;
}
