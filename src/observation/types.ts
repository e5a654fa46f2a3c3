/** The words of a watch: what is asked for and what came of it. */
import type { Environment, WatchSection } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Verdict } from '../judge/judge.ts';
import type { Log } from '../log/log.ts';
import type { Span } from '../metrics/metrics.ts';
import type { Code, Facts, Failure, Outcome } from '../outcome/outcome.ts';
import type { Chart } from '../report/report.ts';
import type { Host } from '../transport/transport.ts';
import type { Drill } from './drilling.ts';

/** What a watcher is opened with. Hosts and databases are opened and closed by the caller. */
export interface WatcherOptions {
  section: WatchSection;
  environment: Environment;
  hosts: readonly Host[];
  databases: readonly Database[];
  workspace: string;
  /** Where samples of sources without history, and what is replayed, are kept for later stages of the same change. */
  handover: string;
  log: Log;
  signal: AbortSignal;
  /** True where no version was live before: then only absolute limits are watched. */
  first?: boolean | undefined;
  /** When a change or an incident was going on in the environment: such traffic is not replayed. None by default. */
  disturbed?: (() => Promise<readonly Span[]>) | undefined;
}

/** How long a watch is, in milliseconds: at least, and at most where it cannot tell before. */
export interface Length {
  min: number;
  max: number;
}

/** A line of a plan, in the form of a stage's plan. */
export interface PlanLine {
  kind: 'will' | 'blind' | 'obstacle';
  text: string;
  failure?: Failure;
  /** True for what the log of a run says too, before anything is touched. */
  shown?: boolean;
}

/** Which hosts would run, or run, the new and the old version: with both, hosts are compared with each other. */
export interface TwoVersions {
  newHosts?: readonly string[] | undefined;
  oldHosts?: readonly string[] | undefined;
  /** The part of the change's error budget that this watch may spend; all of it by default. */
  share?: number | undefined;
}

/** One drill. */
export interface DrillOptions extends Pick<TwoVersions, 'share'> {
  for: Length;
  /** A factor ("x3", "-60%"); empty, and on the side that it says nothing of: what each metric tolerates. */
  harm: string;
}

/** One watch. */
export interface ObserveOptions extends TwoVersions {
  for: Length;
  /** For people: "wave 1 of 3", "after the release". */
  label: string;
  /** Since when the new version has been serving; now by default. Sources with history are read from there. */
  since?: Date | undefined;
  /** When the old version was last alone; `since` by default. */
  referenceEnd?: Date | undefined;
  /** Told of each event the moment it happens; at most ten a watch. */
  onEvent?: ((event: WatchEvent) => void | Promise<void>) | undefined;
}

/** Something that happened during a watch and that a person should know now. */
export interface WatchEvent {
  at: Date;
  kind: 'alarm' | 'extended' | 'silent' | 'host-gone' | 'verdict';
  /** Null where it concerns all. */
  metric: string | null;
  text: string;
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
  plan(length: Length, versions?: TwoVersions): Promise<PlanLine[]>;
  /** Samples the sources that keep no history, until `endReference`, `observe` or `close`. */
  startReference(): void;
  /**
   * Ends what `startReference` began, and seals it: what was sampled so far is all of the old version. Call it right
   * before the first flip; without it, samples count only up to the `referenceEnd` of a watch.
   */
  endReference(): Promise<void>;
  /** Watches. Ends early where a critical metric is proven worse. Throws `cancelled`. */
  observe(options: ObserveOptions): Promise<Observation>;
  /**
   * Harms unharmed traffic of the last days and says whether such a watch would have seen it, and when. Throws
   * `input-invalid` for a harm that is none.
   */
  drill(options: DrillOptions): Promise<Drill>;
  close(): Promise<void>;
}
