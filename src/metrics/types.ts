/** What every source of numbers answers, whatever it reads. */
import type { MetricSection } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Kind } from '../judge/judge.ts';
import type { Host } from '../transport/transport.ts';

/** A span of time in milliseconds since 1970, `to` not included. */
export interface Span {
  from: number;
  to: number;
}

/** One number, or why there is none. */
export interface Sample {
  /** When it was true: milliseconds since 1970. */
  at: number;
  /** The host it is of; null where it is of the whole environment. */
  host: string | null;
  value: number | null;
  /** Where `value` is null: why, for people. */
  why: string | null;
}

/** The numbers of the past, one entry a step: of one host, or of the whole environment (null). */
export interface Past {
  host: string | null;
  values: (number | null)[];
}

/** One metric's source, open. */
export interface Source {
  readonly metric: MetricSection;
  /** As declared, else as inferred. */
  readonly kind: Kind;
  /** What the numbers count in, declared or as the name says; null where neither tells. */
  readonly unit: string | null;
  /** For people: where the numbers come from and what was inferred. */
  readonly notes: string[];
  /** True where the source can be asked about the past. */
  readonly keepsHistory: boolean;
  /** True where an hour of any earlier day is read in a moment, so that unharmed traffic can be replayed. */
  readonly replays: boolean;
  /** How often the source has a new number, in milliseconds; 0 where it is asked at any time. */
  readonly cadence: number;
  /** For a windowed rate: the window in milliseconds. */
  readonly window: number | null;
  /**
   * One entry for each whole step of the span, for the environment or for each host. Where reading it all would be a
   * burden, the oldest entries are null. Throws `metric-error` where the source answers with an error, and where it
   * keeps no history; `metric-unreachable` where it does not answer.
   */
  history(span: Span, step: number): Promise<Past[]>;
  /**
   * The number of one span (counts, money) or of its end (gauges): one sample, or one for each host; a host that answered
   * before and does not now is among them, with why. Throws `metric-error`, `metric-unreachable` and `metric-clock`.
   */
  sample(span: Span): Promise<Sample[]>;
  close(): Promise<void>;
}

/** What sources are opened with; nothing here is closed by a source. */
export interface SourceContext {
  hosts: readonly Host[];
  databases: readonly Database[];
  /** The URL of the Prometheus server. */
  prometheus: string | undefined;
  /** What proves to it who asks. Secret. */
  prometheusToken?: string | undefined;
  workspace: string;
  signal: AbortSignal;
  /** Milliseconds in which a source must answer one question; `PATIENCE_MS` by default. */
  patience?: number | undefined;
}

/** How long an answer may take. Longer, and its number belongs to no tick. */
export const PATIENCE_MS = 10_000;
