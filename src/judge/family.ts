/**
 * Several critical metrics in one watch. Each gets its share of the promised false alarms; together an alarm is raised
 * on the weighted mean of the evidence of the same look (an e-value again; Vovk & Wang 2021), never on running maxima.
 */
import { alarmLevel } from './evidence.ts';

/** One look at all critical metrics. */
export interface FamilyLook {
  alarm: boolean;
  /** The index of the metric with the strongest evidence. */
  leading: number;
}

/** The critical metrics of one watch, with their weights. */
export class Family {
  private readonly weights: number[];
  private readonly alpha: number;

  /** `alpha` is the promise for all together; weights are relative. */
  constructor(alpha: number, weights: readonly number[]) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.weights = weights.map((weight) => weight / total);
    this.alpha = alpha;
  }

  /** The alpha with which metric `i` is to be prepared. */
  share(i: number): number {
    return this.alpha * this.weights[i]!;
  }

  /** One look: the evidence of each metric, in the order of the weights. */
  look(evidence: readonly number[]): FamilyLook {
    const parts = evidence.map((value, i) => value * this.weights[i]!);
    const leading = parts.reduce((best, part, i) => (part > parts[best]! ? i : best), 0);
    return { alarm: parts.reduce((sum, part) => sum + part, 0) >= 1 / alarmLevel(this.alpha, 1) - 1e-9, leading };
  }
}

/**
 * Which metrics of many were harmed, where no more than the share `alpha` of those named may be wrong, whatever ties
 * them together: the `k` largest e-values of one look, where each is at least `K / (k alpha)` (e-BH; Wang & Ramdas
 * 2022). As everywhere, a fifth of alpha is kept back for the models' own error. A metric is best prepared with
 * `alpha / K`, so that its evidence can reach that far. The answer is in the order of `evidence`.
 */
export function discoveries(evidence: readonly number[], alpha: number): boolean[] {
  const needed = evidence.length / alarmLevel(alpha, 1) - 1e-9;
  const falling = [...evidence].sort((a, b) => b - a);
  const count = falling.findLastIndex((value, i) => value * (i + 1) >= needed) + 1;
  return evidence.map((value) => count > 0 && value >= falling[count - 1]!);
}
