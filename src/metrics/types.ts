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

/** One metric's source, open. */
export interface Source {
  readonly metric: MetricSection;
  /** As declared, else as inferred. */
  readonly kind: Kind;
  /** For people: where the numbers come from and what was inferred. */
  readonly notes: string[];
  /** True where the source can be asked about the past. */
  readonly keepsHistory: boolean;
  /** How often the source has a new number, in milliseconds; 0 where it is asked at any time. */
  readonly cadence: number;
  /** For a windowed rate: the window in milliseconds. */
  readonly window: number | null;
  /**
   * One entry for each whole step of the span. Where reading it all would be a burden, the oldest entries are null.
   * Throws `metric-error` where the source answers with an error, and where it keeps no history.
   */
  history(span: Span, step: number): Promise<(number | null)[]>;
  /** The number of one span (counts, money) or of its end (gauges): one sample, or one for each host. Throws `metric-error`. */
  sample(span: Span): Promise<Sample[]>;
  close(): Promise<void>;
}

/** What sources are opened with; nothing here is closed by a source. */
export interface SourceContext {
  hosts: readonly Host[];
  databases: readonly Database[];
  /** The URL of the Prometheus server. */
  prometheus: string | undefined;
  workspace: string;
  signal: AbortSignal;
}
