/** One watch of one metric: the looks, the alarm, and the verdict in words. */
import { levels } from './evidence.ts';
import type { Alarm, Estimate, Look, Model, Plan, Prepared, Process, Run, Side, Verdict } from './types.ts';

/** A source that gave nothing in this share of the ticks, or in the last of them, is silent. */
const SILENT_SHARE = 0.5;
const SILENT_END = 0.25;
const SILENT_TICKS = 3;
/** Without an alarm this share of the planned ticks must have been watched for a verdict. */
const ENOUGH = 0.5;

/** See `Run`. Without a model every verdict is inconclusive. */
export class JudgedRun implements Run {
  private readonly prepared: Prepared;
  private readonly process: Process | null;
  private readonly sides: Side[];
  private readonly plan: Plan;
  private ticks = 0;
  private silent = 0;
  private silentAtEnd = 0;
  private alarm: Alarm | null = null;

  constructor(prepared: Prepared, model: Model | null, plan: Plan) {
    this.prepared = prepared;
    this.plan = plan;
    this.process = model?.begin() ?? null;
    const { worse } = prepared.metric;
    this.sides = worse === 'either' ? ['up', 'down'] : [worse];
  }

  look(value: number | null, other: number | null = null): Look {
    const usable = value !== null && Number.isFinite(value) ? value : null;
    this.ticks++;
    this.silent += usable === null ? 1 : 0;
    this.silentAtEnd = usable === null ? this.silentAtEnd + 1 : 0;
    if (this.process === null) return { alarm: null, evidence: 1 };
    this.process.look(usable, other);
    const evidence = this.sides.map((side) => ({ side, value: this.process!.evidence(side) }));
    const strongest = evidence.reduce((most, next) => (next.value > most.value ? next : most));
    const mean = evidence.reduce((sum, { value }) => sum + value, 0) / evidence.length;
    // One side alone raises the alarm: its share of the promise is kept apart (see levels in evidence.ts).
    if (this.alarm === null && this.ticks <= this.plan.ticks && strongest.value >= this.threshold())
      this.alarm = { side: strongest.side, tick: this.ticks };
    return { alarm: this.alarm, evidence: mean };
  }

  private threshold(): number {
    return 1 / levels(this.plan.alpha, this.sides.length).alarm - 1e-9;
  }

  verdict(): Verdict {
    const { metric, visible, level } = this.prepared;
    const estimate = this.process?.estimate() ?? NOTHING;
    const { outcome, code, why } = this.decide(estimate);
    const side = this.alarm?.side ?? null;
    const sentence = `${metric.name}: ${why}`;
    const { scale, effect, interval, missing } = estimate;
    return {
      metric: metric.name,
      critical: metric.critical,
      outcome,
      code,
      side,
      alarm: this.alarm?.tick ?? null,
      scale,
      effect,
      interval,
      level,
      ticks: this.ticks,
      silent: this.silent,
      visible,
      missing,
      sentence,
    };
  }

  private decide(estimate: Estimate): Pick<Verdict, 'outcome' | 'code'> & { why: string } {
    const size = sizeInWords(estimate);
    if (this.alarm)
      return {
        outcome: 'failed',
        code: 'metric-worse',
        why: `${this.alarm.side === 'up' ? 'rose' : 'fell'} to ${size}, proven after ${ticksInWords(this.alarm.tick)}`,
      };
    if (this.isSilent())
      return {
        outcome: 'inconclusive',
        code: 'metric-silent',
        why: `no number in ${this.silent} of ${ticksInWords(this.ticks)}`,
      };
    if (this.process === null)
      return { outcome: 'inconclusive', code: 'metric-unsure', why: this.prepared.refused ?? 'not judged' };
    if (this.ticks < ENOUGH * this.plan.ticks)
      return {
        outcome: 'inconclusive',
        code: 'metric-unsure',
        why: `${size}; only ${this.ticks} of ${ticksInWords(this.plan.ticks)} were watched`,
      };
    const open = this.sides.filter((side) => !estimate.excluded[side]);
    if (open.length === 0)
      return {
        outcome: 'passed',
        code: 'ok',
        why: `${size}; ${this.sides.map((side) => this.toleratedInWords(side)).join(' and ')} excluded`,
      };
    return {
      outcome: 'inconclusive',
      code: 'metric-unsure',
      why: `${size}; ${open.map((side) => this.toleratedInWords(side)).join(' and ')} cannot be excluded`,
    };
  }

  private isSilent(): boolean {
    return (
      this.ticks === 0 ||
      this.silent > SILENT_SHARE * this.ticks ||
      (this.silentAtEnd >= SILENT_TICKS && this.silentAtEnd >= SILENT_END * this.ticks)
    );
  }

  private toleratedInWords(side: Side): string {
    const { up, down, absolute } = this.prepared.metric.tolerate;
    const or = absolute === null ? '' : ' (or the absolute tolerance)';
    return side === 'up' ? `a rise to ×${short(up)}${or}` : `a fall to ×${short(down)}${or}`;
  }
}

const NOTHING: Estimate = {
  scale: 'factor',
  effect: null,
  interval: null,
  excluded: { up: false, down: false },
  missing: null,
};

function sizeInWords({ scale, effect, interval }: Estimate): string {
  const sign = scale === 'factor' ? '×' : '';
  const range = interval === null ? '' : ` (${sign}${short(interval[0])} to ${sign}${short(interval[1])})`;
  if (effect === null)
    return interval === null
      ? 'an unknown part of the reference'
      : `between ${sign}${short(interval[0])} and ${sign}${short(interval[1])} of the reference`;
  return scale === 'factor'
    ? `×${short(effect)} of the reference${range}`
    : `${short(effect)} against the reference${range}`;
}

function ticksInWords(ticks: number): string {
  return `${ticks} tick${ticks === 1 ? '' : 's'}`;
}

/** Two or three digits: 0.31, 1.4, 12, 1200. */
function short(value: number): string {
  return String(Number(value.toPrecision(Math.abs(value) >= 1 ? 3 : 2)));
}
