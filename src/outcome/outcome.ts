/** How a stage ended. Exactly one of these is the `outcome` output of every action. */
import type { Code } from './codes.ts';
import { failureFrom } from './failure.ts';

export { CODES, type Code, isCode } from './codes.ts';
export { Failure, type FailureParts, failureFrom } from './failure.ts';

/** `passed` and `skipped` let a line go on; the other three stop it (no evidence is not success). */
export type Outcome = 'passed' | 'failed' | 'inconclusive' | 'skipped' | 'waiting';

/** A JSON value, as it stands in facts, the ledger and the `facts` output. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Typed particulars of a result. Never holds a secret: facts are written to outputs and to the ledger. */
export type Facts = { [key: string]: Json };

/** What a watch saw of one metric, to be drawn. Times in milliseconds since 1970. */
export interface Chart {
  metric: string;
  unit?: string;
  /** `value` is null where the source gave none. */
  points: { at: number; value: number | null }[];
  /** The level before the change, and the interval in which values were expected. */
  reference: { level: number; low: number; high: number } | null;
  /** Moments worth a line, such as the flip of a wave. */
  marks: { at: number; label: string }[];
  /** The verdict on the metric, in words. */
  verdict: string;
}

/** What a stage hands back to the frame. */
export interface Result {
  outcome: Outcome;
  code: Code;
  /** One line for people: what was found, with its numbers. No secret, no markup. */
  summary: string;
  facts: Facts;
  /** The stage's own outputs by their names in the contract; the frame turns them into strings. */
  outputs?: Record<string, string | number | boolean | null>;
  /** The next thing a person should do, where there is one. */
  next?: string;
  /** Markdown for the job summary, already escaped, without a heading. */
  markdown?: string;
  /** What was watched, for the report; the deciding metric first. */
  charts?: Chart[];
  /** What users and business lost, a sentence each with its number, for the post-mortem. */
  impact?: string[];
}

/** True where the line may go on after this outcome. */
export function goesOn(outcome: Outcome): boolean {
  return outcome === 'passed' || outcome === 'skipped';
}

/** What a failed piece of work hands back where its failure is a result: for a line, or at the end of a job. */
export function resultOfFailure(thrown: unknown): Result {
  const { outcome, code, message, facts, next } = failureFrom(thrown);
  return { outcome, code, summary: message, facts, next };
}
