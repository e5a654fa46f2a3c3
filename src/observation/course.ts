/** One watch from its first tick to its last: looks, alarms, the extension where it cannot tell yet. */
import { inWords } from '../duration/duration.ts';
import { Family } from '../judge/judge.ts';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Teller } from './events.ts';
import type { Times } from './preparing.ts';
import type { Track } from './track.ts';
import { figure, sparkline } from './words.ts';

/** How long a tick waits for a source, at least. */
const PATIENCE_MS = 2000;

/** What a watch runs with. */
export interface Course {
  label: string;
  times: Times;
  tracks: readonly Track[];
  /** False where a critical metric has no track: then no length of time lets the watch pass. */
  complete: boolean;
  /** The promise of all critical metrics together. */
  alpha: number;
  log: Log;
  teller: Teller;
  signal: AbortSignal;
}

/** What the live line shows of a watch. */
export interface LiveCourse {
  label: string;
  times: Pick<Times, 'start' | 'end' | 'max'>;
  tracks: readonly Pick<Track, 'section' | 'alarmed' | 'points'>[];
}

/** How it ended: the metric that leads where the critical ones are worse, and when it was extended. */
export interface CourseEnd {
  leading: Track | null;
  extended: number | null;
}

/** Watches until the end, or until a critical metric, or all of them together, are proven worse. Throws `cancelled`. */
export async function follow(course: Course): Promise<CourseEnd> {
  const { tracks, log, teller, signal, alpha, times } = course;
  const critical = tracks.filter((track) => track.section.critical);
  const family =
    critical.length > 0
      ? new Family(
          alpha,
          critical.map(() => 1),
        )
      : null;
  let extended: number | null = null;
  try {
    for (;;) {
      const next = nextTick(tracks);
      if (next === null) {
        const why = extended === null ? openQuestion(course, critical) : '';
        if (why === '') return { leading: null, extended };
        extended = Date.now();
        for (const track of tracks) track.extend(times.max);
        await teller.extended(`goes on for ${inWords(times.max - times.end)} at most: ${why}`);
        continue;
      }
      await until(next, signal);
      const due = tracks.filter((track) => track.next !== null && track.next <= next);
      await Promise.all(due.map((track) => track.look(Math.max(PATIENCE_MS, track.step))));
      log.progress(liveLine(course, extended));
      await teller.tick(due);
      const look = family?.look(critical.map((track) => track.evidence));
      if (look && (look.alarm || critical.some((track) => track.alarmed)))
        return { leading: critical[look.leading]!, extended };
      if (extended !== null && critical.every(({ decided }) => decided)) return { leading: null, extended };
    }
  } finally {
    log.progress(null);
  }
}

/** Why the watch should go on; empty where more time would not help, or is not needed. */
function openQuestion({ times, complete }: Course, critical: readonly Track[]): string {
  if (times.max <= times.end || !complete || critical.some(({ prepared }) => prepared.refused !== null)) return '';
  return critical.flatMap(({ decided, run }) => (decided ? [] : [run.verdict().sentence])).join('; ');
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

/** How wide a live line should be, for a terminal and a runner's log. */
const LINE_WIDTH = 118;
const FEWEST_BARS = 4;

/** One line a tick: how far, and of each metric its course and last number; critical ones first, an alarm has a "!". */
export function liveLine({ label, times, tracks }: LiveCourse, extended: number | null): string {
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const end = extended === null ? times.end : times.max;
  const done = Math.min(end, Date.now()) - times.start;
  const head = `${label} ${seconds(done)} of ${seconds(end - times.start)}${extended === null ? '' : ' (extended)'}`;
  const told = [...tracks]
    .sort((a, b) => Number(b.section.critical) - Number(a.section.critical))
    .map(({ section, alarmed, points }) => {
      const last = points.at(-1)?.value;
      const values = points.map(({ value }) => value);
      return { name: `${section.name}${alarmed ? '!' : ''}`, values, last: last == null ? '–' : figure(last) };
    });
  const words = told.reduce((sum, { name, last }) => sum + name.length + last.length + 4, head.length);
  const bars = Math.max(FEWEST_BARS, Math.floor((LINE_WIDTH - words) / Math.max(1, told.length)));
  return [
    head,
    ...told.map(({ name, values, last }) => `${name} ${sparkline(values, Math.min(20, bars))} ${last}`),
  ].join('  ');
}
