/** One watch of one metric: the looks, the alarm, and the verdict. */
import { alarmLevel, type Checkpoint, checkpoints, lastTick } from './evidence.ts';
import { LimitWatch } from './limits.ts';
import { limitLeft, limitOnly, notWithin, openInWords, sizeInWords, ticksInWords, withinLimits } from './sentences.ts';
import type { Alarm, Estimate, Look, Model, Plan, Prepared, Process, Run, Side, Verdict } from './types.ts';

/** A source that gave nothing in this share of the ticks, or in the last of them, is silent. */
const SILENT_SHARE = 0.5;
const SILENT_END = 0.25;
const SILENT_TICKS = 3;
/** Without an alarm this share of the planned ticks must have been watched for a verdict. */
const ENOUGH = 0.5;

const NOTHING: Estimate = {
  scale: 'factor',
  effect: null,
  interval: null,
  excluded: { up: false, down: false },
  missing: null,
};

type Decision = Pick<Verdict, 'outcome' | 'code' | 'side' | 'alarm'> & { why: string };

/** See `Run`. Without a model only an absolute limit is judged; without that every verdict is inconclusive. */
export class JudgedRun implements Run {
  private readonly prepared: Prepared;
  private readonly process: Process | null;
  private readonly limit: LimitWatch | null;
  private readonly sides: Side[];
  private readonly plan: Plan;
  private readonly checkpoints: Checkpoint[];
  private readonly threshold: number;
  private ticks = 0;
  private silent = 0;
  private silentAtEnd = 0;
  /** Against the reference; the limit has its own. */
  private alarm: Alarm | null = null;

  constructor(prepared: Prepared, model: Model | null, plan: Plan) {
    const { worse, limit } = prepared.metric;
    this.prepared = prepared;
    this.plan = plan;
    this.process = model?.begin() ?? null;
    this.limit = limit === null ? null : new LimitWatch(limit);
    this.sides = worse === 'either' ? ['up', 'down'] : [worse];
    this.checkpoints = checkpoints(plan);
    this.threshold = 1 / alarmLevel(plan.alpha, this.sides.length) - 1e-9;
  }

  get checkpoint(): boolean {
    return this.checkpoints.some(({ tick }) => tick === this.ticks);
  }

  look(value: number | null, other: number | null = null): Look {
    const usable = value !== null && Number.isFinite(value) ? value : null;
    this.ticks++;
    this.silent += usable === null ? 1 : 0;
    this.silentAtEnd = usable === null ? this.silentAtEnd + 1 : 0;
    this.limit?.look(usable);
    if (this.process === null) return { alarm: this.firstAlarm(), evidence: 1 };
    this.process.look(usable, other !== null && Number.isFinite(other) ? other : null);
    let [total, most, strongest] = [0, Number.NEGATIVE_INFINITY, this.sides[0]!];
    for (const side of this.sides) {
      const value = this.process.evidence(side);
      total += value;
      if (value > most) [most, strongest] = [value, side];
    }
    // One side alone raises the alarm: its share of the promise is kept apart (see alarmLevel in evidence.ts).
    if (this.alarm === null && this.ticks <= lastTick(this.plan) && most >= this.threshold)
      this.alarm = { side: strongest, tick: this.ticks };
    return { alarm: this.firstAlarm(), evidence: total / this.sides.length };
  }

  private firstAlarm(stands = true): Alarm | null {
    const own = stands ? this.alarm : null;
    const limit = this.limit?.alarm ?? null;
    return own === null || (limit !== null && limit.tick <= own.tick) ? limit : own;
  }

  verdict({ alarm = true }: { alarm?: boolean } = {}): Verdict {
    const { metric, visible, level } = this.prepared;
    const estimate = this.process?.estimate(this.error()) ?? NOTHING;
    const { why, ...decided } = this.decide(estimate, alarm);
    const { scale, effect, interval, missing } = estimate;
    return {
      metric: metric.name,
      critical: metric.critical,
      ...decided,
      scale,
      effect,
      interval,
      level,
      ticks: this.ticks,
      silent: this.silent,
      visible,
      missing,
      sentence: `${metric.name}: ${why}`,
    };
  }

  /** The error with which a harm may be excluded here: that of the checkpoint that is due. */
  private error(): number {
    return (this.checkpoints.find(({ tick }) => tick >= this.ticks) ?? this.checkpoints.at(-1)!).error;
  }

  private decide(estimate: Estimate, stands: boolean): Decision {
    const { metric } = this.prepared;
    const alarm = this.firstAlarm(stands);
    if (alarm !== null) {
      const proven = `${alarm.side === 'up' ? 'rose' : 'fell'} to ${sizeInWords(estimate)}, proven after ${ticksInWords(alarm.tick)}`;
      const why = alarm === this.limit?.alarm ? limitLeft(metric.limit!, alarm) : proven;
      return { outcome: 'failed', code: 'metric-worse', side: alarm.side, alarm: alarm.tick, why };
    }
    const open = (why: string, code: 'metric-unsure' | 'metric-silent' = 'metric-unsure'): Decision => ({
      outcome: 'inconclusive',
      code,
      side: null,
      alarm: null,
      why,
    });
    if (this.isSilent()) return open(`no number in ${this.silent} of ${ticksInWords(this.ticks)}`, 'metric-silent');
    if (this.prepared.refused !== null) return open(this.prepared.refused);
    const size = this.process === null ? limitOnly(this.prepared) : sizeInWords(estimate);
    if (this.ticks < ENOUGH * this.plan.ticks)
      return open(`${size}; only ${this.ticks} of ${ticksInWords(this.plan.ticks)} were watched`);
    if (this.alarm !== null)
      return open(`${size}; a difference was seen, yet no larger than chance brings among so many metrics`);
    const unsure = this.process === null ? [] : this.sides.filter((side) => !estimate.excluded[side]);
    if (unsure.length > 0) return open(`${size}; ${openInWords(metric, unsure)}`);
    const unkept = this.limit?.open ?? null;
    if (unkept !== null) return open(`${size}; ${unkept}`);
    const claims = [
      ...(this.process === null ? [] : [notWithin(metric, this.sides)]),
      ...(this.limit === null ? [] : [withinLimits(metric.limit!)]),
    ];
    return { outcome: 'passed', code: 'ok', side: null, alarm: null, why: `${size}; ${claims.join('; ')}` };
  }

  private isSilent(): boolean {
    return (
      this.ticks === 0 ||
      this.silent > SILENT_SHARE * this.ticks ||
      (this.silentAtEnd >= SILENT_TICKS && this.silentAtEnd >= SILENT_END * this.ticks)
    );
  }
}
