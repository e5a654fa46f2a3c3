/** The observation that a watch amounts to. Pure. */
import type { MetricSection } from '../config/config.ts';
import { escapeMarkdown } from '../escape/escape.ts';
import type { Verdict } from '../judge/judge.ts';
import type { Failure } from '../outcome/outcome.ts';
import type { Chart } from '../report/report.ts';
import { conclude, impactOf, type Judged, verdictFacts } from './conclusion.ts';
import type { Track } from './track.ts';
import type { Observation, ObserveOptions } from './types.ts';
import { chartInMermaid, notesInMarkdown, verdictTable } from './words.ts';

/** Puts the verdicts of all metrics together, those included whose source could not be read. */
export function summed(
  options: ObserveOptions,
  metrics: readonly { section: MetricSection; source: unknown }[],
  tracks: readonly Track[],
  leading: Track | null,
): Observation {
  const rows = metrics.map(({ section, source }) => {
    const track = tracks.find((one) => one.section === section);
    return track
      ? { section, track, ...judgedTrack(track) }
      : { section, track: null, ...unread(section, source as Failure) };
  });
  const individual = rows.some(({ verdict }) => verdict.critical && verdict.outcome === 'failed');
  const together = leading === null || individual ? null : rows.findIndex(({ track }) => track === leading);
  const conclusion = conclude(options.label, rows, together);
  const verdicts = rows.map(({ verdict }) => verdict);
  const deciding = rows[conclusion.deciding]?.track ?? null;
  const notes = rows.flatMap(({ section, track, silence, verdict }) => [
    ...(track?.prepared.notes ?? []).map((text) => ({ metric: section.name, text })),
    ...(verdict.silent > 0 && silence
      ? [{ metric: section.name, text: `${verdict.silent} of ${verdict.ticks} ticks without a number: ${silence}` }]
      : []),
  ]);
  const markdown = [
    `${escapeMarkdown(conclusion.summary)}\n`,
    deciding ? chartInMermaid(deciding.section.name, deciding.points, deciding.prepared.level) : '',
    verdictTable(verdicts, (name) => metrics.find(({ section }) => section.name === name)!.section.worse),
    notesInMarkdown(notes),
  ];
  return {
    ...conclusion,
    verdicts,
    charts: [...rows.filter((row) => row.track === deciding), ...rows.filter((row) => row.track !== deciding)].flatMap(
      ({ track, verdict }) => (track ? [chartOf(track, verdict)] : []),
    ),
    impact: impactOf(rows),
    facts: { label: options.label, 'for-ms': options.for, verdicts: verdictFacts(rows) },
    markdown: markdown.filter(Boolean).join('\n'),
  };
}

function judgedTrack(track: Track): Judged {
  return { verdict: track.run.verdict(), silence: track.silence, broken: track.broken };
}

/** A metric whose source could not be opened, or whose history could not be read, has no number at all. */
function unread(section: MetricSection, failure: Failure): Judged {
  const why = failure.why ?? failure.what;
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
  return { verdict, silence: why, broken: true };
}

function chartOf(track: Track, verdict: Verdict): Chart {
  const { level } = track.prepared;
  const counted = track.prepared.metric.kind === 'count' || track.prepared.metric.kind === 'money';
  return {
    metric: track.section.name,
    ...(counted ? { unit: `per ${track.step / 1000} s` } : {}),
    points: track.points,
    reference: level === null ? null : { level, low: level, high: level },
    marks: [],
    verdict: verdict.sentence,
  };
}
