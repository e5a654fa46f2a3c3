/**
 * The append-only history of every change in every environment. It records; it never authorises.
 * A small state for each environment and one file for each change, written together under compare-and-swap.
 */
import type { Series } from '../load/load.ts';
import type { Code, Facts, Outcome } from '../outcome/outcome.ts';

/** Who holds an open change: the run that opened it. Enough to name it to a person and to tell whether it still lives. */
export type Holder =
  | { kind: 'actions'; repository: string; run: string; attempt: string; job: string; url: string; actor: string }
  | { kind: 'shell'; machine: string; pid: number; started: string; actor: string };

/** What happened, as one entry of a change. `id` makes a write that may have been lost safe to repeat. */
export interface LedgerEvent {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  kind:
    | 'opened'
    | 'stage'
    | 'watched'
    | 'committed'
    | 'turned-back'
    | 'incident'
    | 'override'
    | 'freeze'
    | 'recovered'
    | 'closed';
  /** The verb, where the event is of a stage. */
  stage?: string;
  outcome?: Outcome;
  code?: Code;
  /** Milliseconds that the stage took. */
  took?: number;
  summary?: string;
  /** What a person gave as explanation. */
  why?: string;
  facts?: Facts;
}

/** One version on its way to one environment. */
export interface Change {
  schema: 1;
  id: string;
  environment: string;
  /** deliver or the verb that opened it. */
  verb: string;
  version: string | null;
  digest: string | null;
  commit: string | null;
  /** sha256 of changeline.yml as it was read. */
  config: string | null;
  holder: Holder;
  /** Grows with every change of the environment; a host refuses a smaller one than it has seen. */
  fence: number;
  opened: string;
  closed: string | null;
  outcome: Outcome | null;
  events: LedgerEvent[];
}

/** A version that was or is live. */
export interface Live {
  version: string;
  digest: string | null;
  commit: string | null;
  change: string;
  since: string;
}

/** A failure in production that waits for its post-mortem. */
export interface Incident {
  id: string;
  change: string;
  opened: string;
  from: string | null;
  to: string | null;
  why: string;
}

/** A period in which nothing merges or ships, opened by a person or left behind by a change that ended badly. */
export interface Freeze {
  id: string;
  /** ISO 8601, UTC. */
  since: string;
  /** ISO 8601, UTC; null: until somebody ends it. */
  until: string | null;
  why: string;
  owner: string;
  /** The change that left it behind; null where a person opened it. */
  change: string | null;
}

/** A person lets a pull request in against the gate. It points to the comment, where it is read again. */
export interface Override {
  id: string;
  pull: number;
  /** The node id of the comment. */
  comment: string;
  by: string;
  why: string;
  since: string;
  until: string;
}

/** All that an approval is bound to. What differs later was not approved. */
export interface Bound {
  version: string;
  /** sha256:… of the artifact. */
  digest: string;
  commit: string | null;
  /** sha256 of changeline.yml. */
  config: string;
  /** The version that it replaces. */
  replaces: string | null;
  /** sha256 of what would be done to databases and hosts. */
  plan: string;
}

/** What people were asked. It points to the issue, where question and answers are read again. */
export interface ApprovalRequest {
  id: string;
  asks: 'delivery' | 'acceptance';
  issue: number;
  url: string;
  bound: Bound;
  /** Who asked. */
  by: string;
  /** The change that asked. */
  change: string;
  asked: string;
  expires: string;
  /** How the delivery can be started again; null where it cannot be. */
  workflow: { file: string; ref: string; inputs: Record<string, string> } | null;
  /** ISO 8601: when the delivery was started by the last approval that it needed. */
  dispatched: string | null;
  ended: 'used' | 'rejected' | 'expired' | 'replaced' | null;
}

/** A backup that was taken or that another tool took. */
export interface KnownBackup {
  id: string;
  /** sha256 of its manifest. */
  digest: string;
  level: string;
  /** ISO 8601, UTC: what it holds is older than this. */
  ended: string;
  change: string;
  /** Names of the databases in it. */
  databases: string[];
  /** Milliseconds that restoring all of it took when it was proven; null where it was not restored. */
  restored: number | null;
}

/** What a change did to the schema of a database, and how it could be undone. */
export interface SchemaStep {
  change: string;
  version: string | null;
  at: string;
  database: string;
  /** Fingerprints. */
  before: string;
  after: string;
  /** Oldest first. `contract`: old code cannot live with it. */
  applied: { version: string; name: string; kind: 'expand' | 'contract' }[];
  /** Milliseconds that the way down took in rehearsal; null where there is none. */
  down: number | null;
  /** Why there is no way down. */
  noDown: string | null;
  /** The backup that was taken before it. */
  backup: string | null;
  /** Time on the live database against time in rehearsal; null where both were too short to compare. */
  ratio: number | null;
  /** The change that took it back. */
  undone: string | null;
}

/** A contracting migration that a delivery has held back: the version it came with can live without it, and after it. */
export interface HeldMigration {
  migration: string;
  database: string;
  version: string;
  since: string;
}

/** What a load test of one version measured: what the load test of the next one is held against. */
export interface LoadRun {
  /** null where a later stage of the change named it: then the change tells. */
  version: string | null;
  /** Of its artifact; null where it is not known. */
  digest: string | null;
  /** ISO 8601, UTC. */
  at: string;
  change: string;
  scripts: LoadSeries[];
}

/** One script, tick by tick. */
export interface LoadSeries extends Series {
  script: string;
  /** sha256 of the script and of all that shapes the load (arguments, variables, k6): only equals are compared. */
  load: string;
}

/** The present of one environment. */
export interface EnvironmentState {
  schema: 1;
  environment: string;
  fence: number;
  open: { change: string; version: string | null; holder: Holder; since: string; committed: boolean } | null;
  live: Live | null;
  /** Versions that were live before, newest first, at most 50. */
  before: Live[];
  /** Digests that passed here, newest first, at most 200: what `after:` asks for. */
  passed: { version: string; digest: string; at: string }[];
  incidents: Incident[];
  /** Freezes that were not ended; one may be over by its `until`. */
  freezes: Freeze[];
  /** Newest first, at most 50. */
  overrides: Override[];
  /** Newest first, at most 20. */
  requests: ApprovalRequest[];
  /** Newest first, at most 20. */
  backups: KnownBackup[];
  /** What was done to schemas, newest first, at most 50. */
  migrations: SchemaStep[];
  /** Newest first, at most 50. */
  held: HeldMigration[];
  /** Newest first, at most 5, of which at most 3 have more than one tick; none in the ledger of a public repository. */
  loads: LoadRun[];
  /** Ids of the newest writes, at most 20: tells whether a write whose answer was lost has landed. */
  writes: string[];
}

/** What one write puts into the ledger. */
export interface Write {
  state: EnvironmentState;
  change: Change;
}

/** The ledger behind its two adapters (a branch of a repository, a directory). */
export interface Ledger {
  /** Where it lies, for messages. */
  readonly where: string;
  /** The present of an environment: one call. A new environment has an empty state. */
  state(environment: string): Promise<EnvironmentState>;
  /** The present of several environments, in their order: one call. */
  states(environments: readonly string[]): Promise<EnvironmentState[]>;
  /** One change, or null. */
  change(environment: string, id: string): Promise<Change | null>;
  /** The newest changes, newest first. */
  recent(environment: string, limit: number): Promise<Change[]>;
  /**
   * Reads the state, lets `fold` make the write from it (it may throw a Failure to refuse), and writes state and
   * change together if nothing else was written meanwhile; otherwise reads, folds and tries again.
   */
  write(environment: string, fold: (state: EnvironmentState) => Write | Promise<Write>): Promise<Write>;
}
