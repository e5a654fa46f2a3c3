/** The words of a watch: what is asked for and what came of it. */
import type { Environment, WatchSection } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Verdict } from '../judge/judge.ts';
import type { Log } from '../log/log.ts';
import type { Code, Facts, Failure, Outcome } from '../outcome/outcome.ts';
import type { Chart } from '../report/report.ts';
import type { Host } from '../transport/transport.ts';

/** What a watcher is opened with. Hosts and databases are opened and closed by the caller. */
export interface WatcherOptions {
  section: WatchSection;
  environment: Environment;
  hosts: readonly Host[];
  databases: readonly Database[];
  workspace: string;
  /** Where samples of sources without history are kept for later stages of the same change. */
  handover: string;
  log: Log;
  signal: AbortSignal;
}

/** A line of a plan, in the form of a stage's plan. */
export interface PlanLine {
  kind: 'will' | 'blind' | 'obstacle';
  text: string;
  failure?: Failure;
}

/** One watch. Times are in milliseconds. */
export interface ObserveOptions {
  for: number;
  /** For people: "wave 1 of 3", "after the release". */
  label: string;
  /** Since when the new version has been serving; now by default. Sources with history are read from there. */
  since?: Date | undefined;
  /** When the old version was last alone; `since` by default. */
  referenceEnd?: Date | undefined;
  /** Names of the hosts with the new and the old version: with both, metrics of hosts are compared between them. */
  newHosts?: readonly string[] | undefined;
  oldHosts?: readonly string[] | undefined;
  /** The part of the change's error budget that this watch may spend; all of it by default. */
  share?: number | undefined;
}

/** What came of a watch. */
export interface Observation {
  outcome: Extract<Outcome, 'passed' | 'failed' | 'inconclusive'>;
  code: Code;
  /** One line for people. */
  summary: string;
  verdicts: Verdict[];
  /** For the pictures of a report; the deciding metric first. */
  charts: Chart[];
  /** What was lost, a sentence each with its limits. */
  impact: string[];
  facts: Facts;
  /** Escaped, without a heading. */
  markdown: string;
  /** The next thing to do, where it did not pass. */
  next: string | null;
}

/** The metrics of one environment, open. */
export interface Watcher {
  /** What a watch of this length would see, and what stands in its way. Changes nothing. */
  plan(forMs: number): Promise<PlanLine[]>;
  /** Samples the sources that keep no history, until `endReference`, `observe` or `close`. */
  startReference(): void;
  /**
   * Ends what `startReference` began, and seals it: what was sampled so far is all of the old version. Call it right
   * before the first flip; without it, samples count only up to the `referenceEnd` of a watch.
   */
  endReference(): Promise<void>;
  /** Watches. Ends early where a critical metric is proven worse. Throws `cancelled`. */
  observe(options: ObserveOptions): Promise<Observation>;
  close(): Promise<void>;
}
