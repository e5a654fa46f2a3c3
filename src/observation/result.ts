/** The observation that a watch amounts to. Pure. */
import type { MetricSection } from '../config/config.ts';
import { inWords } from '../duration/duration.ts';
import { escapeMarkdown } from '../escape/escape.ts';
import { diagnose, type Verdict } from '../judge/judge.ts';
import type { Failure } from '../outcome/outcome.ts';
import type { Chart } from '../report/report.ts';
import { conclude, impactOf, type Judged, verdictFacts } from './conclusion.ts';
import { isAdditive } from './summing.ts';
import type { Track } from './track.ts';
import type { Observation, ObserveOptions } from './types.ts';
import { chartInMermaid, expectedRange, notesInMarkdown, verdictTable } from './words.ts';

/** One metric of a watch: its course, or why it has none. */
export interface Watched {
  section: MetricSection;
  course: Track | Failure;
}

/** What besides the metrics' own courses the verdict rests on. */
export interface Ended {
  /** The metric that leads where the critical ones were proven worse. */
  leading: Track | null;
  /** Tells whether the alarm of a metric that is not critical stands among all of these. */
  stands(track: Track): boolean;
  /** True for a host of the environment. */
  isDeclared(host: string): boolean;
  /** When the watch was extended, in milliseconds since 1970. */
  extended: number | null;
}

/** Puts the verdicts of all metrics together, those included whose source could not be read. */
export function summed(options: ObserveOptions, metrics: readonly Watched[], ended: Ended): Observation {
  const rows = metrics.map(({ section, course }) =>
    'look' in course
      ? { section, track: course, ...judgedTrack(course, ended) }
      : { section, track: null, ...unread(section, course) },
  );
  const individual = rows.some(({ verdict }) => verdict.critical && verdict.outcome === 'failed');
  const together = ended.leading === null || individual ? null : rows.findIndex(({ track }) => track === ended.leading);
  const conclusion = conclude(options.label, rows, together);
  const verdicts = rows.map(({ verdict }) => verdict);
  const deciding = rows[conclusion.deciding]?.track ?? null;
  const markdown = [
    `${escapeMarkdown(conclusion.summary)}\n`,
    deciding ? pictureOf(deciding, rows[conclusion.deciding]!.verdict, ended) : '',
    verdictTable(verdicts, (name) => metrics.find(({ section }) => section.name === name)!.section.worse),
    notesInMarkdown(rows.flatMap(notesOf)),
  ];
  return {
    ...conclusion,
    verdicts,
    charts: [...rows.filter((row) => row.track === deciding), ...rows.filter((row) => row.track !== deciding)].flatMap(
      ({ track, verdict }) => (track ? [chartOf(track, verdict, ended)] : []),
    ),
    impact: impactOf(rows),
    facts: {
      label: options.label,
      'for-ms': options.for.min,
      'extended-to-ms': ended.extended === null ? null : options.for.max,
      verdicts: verdictFacts(rows),
    },
    markdown: markdown.filter(Boolean).join('\n'),
  };
}

interface Row extends Judged {
  section: MetricSection;
  track: Track | null;
}

function notesOf({ section, track, silence, verdict, hosts }: Row): { metric: string; text: string }[] {
  const texts = [
    ...hosts.map(({ sentence }) => sentence),
    ...goneInWords(track),
    ...(track?.replays ? [track.replays] : []),
    ...(track?.notes ?? []),
    ...(track?.prepared.notes ?? []),
    ...(verdict.silent > 0 && silence
      ? [`${verdict.silent} of ${verdict.ticks} ticks without a number: ${silence.why}`]
      : []),
  ];
  return [...new Set(texts)].map((text) => ({ metric: section.name, text }));
}

function goneInWords(track: Track | null): string[] {
  return [...(track?.gone ?? [])].map(
    ([host, tick]) =>
      `${host} gave no number any more after ${inWords(Math.max(0, tick) * track!.step)}: judged without it, then and before`,
  );
}

/** A verdict with what a person needs to look for the cause. Only hosts of the environment must not end unseen. */
function judgedTrack(track: Track, { stands, isDeclared }: Ended): Judged {
  const verdict = track.section.critical ? track.run.verdict() : track.run.verdict({ alarm: stands(track) });
  const series = [...track.against.fresh, ...track.against.old].flatMap(({ host, values }) =>
    host === null ? [] : [{ host, reference: values, watch: track.values.of(host) }],
  );
  return {
    verdict,
    silence: track.silence,
    gone: [...track.gone.keys()].filter(isDeclared),
    hosts: series.length > 0 ? diagnose(track.prepared.metric, series) : [],
  };
}

/** A metric whose source could not be opened, or whose history could not be read, has no number at all. */
function unread(section: MetricSection, failure: Failure): Judged {
  const verdict: Verdict = {
    metric: section.name,
    critical: section.critical,
    outcome: 'inconclusive',
    code: 'metric-silent',
    side: null,
    alarm: null,
    scale: 'factor',
    effect: null,
    interval: null,
    level: null,
    ticks: 0,
    silent: 0,
    visible: { up: null, down: null },
    missing: null,
    sentence: `${section.name}: cannot be read`,
  };
  return { verdict, silence: { why: failure.why ?? failure.what, code: failure.code }, gone: [], hosts: [] };
}

function rangeOf(track: Track): { low: number; high: number } | null {
  return expectedRange(track.against.reference?.values ?? []);
}

/** What its numbers count in: of what adds up, how much in a tick. */
function unitOf({ section: { unit }, prepared, step }: Track): { unit?: string } {
  const { kind } = prepared.metric;
  if (isAdditive(kind)) return { unit: `${unit ?? (kind === 'count' ? 'events' : 'amount')} per ${step / 1000} s` };
  return unit === undefined ? {} : { unit };
}

/** The tick of the alarm. All critical metrics together may be worse where none is alone: then it is at the end. */
function alarmOf(track: Track, verdict: Verdict, { leading }: Ended): number | null {
  return verdict.alarm ?? (track === leading ? verdict.ticks : null);
}

function pictureOf(track: Track, verdict: Verdict, ended: Ended): string {
  const { section, points, prepared } = track;
  const alarm = alarmOf(track, verdict, ended);
  const range = rangeOf(track);
  return chartInMermaid({ name: section.name, ...unitOf(track), points, level: prepared.level, range, alarm });
}

function chartOf(track: Track, verdict: Verdict, ended: Ended): Chart {
  const { level } = track.prepared;
  const range = rangeOf(track);
  const { extended } = ended;
  const proven = alarmOf(track, verdict, ended);
  const alarm = proven === null ? [] : [{ at: track.start + proven * track.step, label: 'alarm' }];
  return {
    metric: track.section.name,
    ...unitOf(track),
    points: track.points,
    reference: level === null ? null : { level, low: range?.low ?? level, high: range?.high ?? level },
    marks: [
      { at: track.start, label: 'watch begins' },
      ...(extended === null ? [] : [{ at: extended, label: 'extended' }]),
      ...alarm,
    ],
    verdict: verdict.sentence,
  };
}
