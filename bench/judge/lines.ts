/**
 * Judges simulated watches: one JSON line in, one verdict line out, for a checker that knows the harm.
 * A line has history, watch, kind, step, worse, tolerate {up, down} and, where it applies, other_history, other,
 * earlier, window, raw (a counter's increments).
 */
import { createInterface } from 'node:readline';
import { type Kind, prepare } from '../../src/judge/judge.ts';

interface Line {
  id: number;
  kind: Kind;
  step: number;
  worse: 'up' | 'down' | 'either';
  tolerate: { up: number; down: number };
  history: (number | null)[];
  watch: (number | null)[];
  window?: number;
  raw?: number[];
  other_history?: (number | null)[];
  other?: (number | null)[];
  earlier?: (number | null)[][];
}

function judged(line: Line): string {
  const counter = line.raw !== undefined;
  const values = line.raw?.slice(0, line.history.length) ?? line.history;
  const watch = line.raw?.slice(line.history.length) ?? line.watch;
  const metric = {
    name: String(line.id),
    kind: counter ? ('count' as const) : line.kind,
    worse: line.worse,
    critical: true,
    tolerate: { ...line.tolerate, absolute: null, per: 'second' as const },
    limit: null,
  };
  const reference = { step: line.step, values, other: line.other_history, earlier: line.earlier, window: line.window };
  const prepared = prepare(metric, reference, { ticks: watch.length, alpha: 0.05 });
  const run = prepared.begin();
  for (const [t, value] of watch.entries()) if (run.look(value, line.other?.[t] ?? null).alarm) break;
  const { outcome, side, alarm } = run.verdict();
  return JSON.stringify({
    id: line.id,
    alarm: alarm === null ? null : { tick: alarm, side },
    outcome,
    mde: prepared.visible,
  });
}

for await (const line of createInterface({ input: process.stdin }))
  if (line.trim()) process.stdout.write(`${judged(JSON.parse(line) as Line)}\n`);
