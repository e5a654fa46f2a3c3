/** What a stage is: the seam between the frame, which all stages run in, and the work of one verb. */
import type { Config, Environment } from '../config/config.ts';
import type { GitHub, Runner } from '../github/github.ts';
import type { Change, Ledger } from '../ledger/ledger.ts';
import type { Log } from '../log/log.ts';
import type { Failure, Result } from '../outcome/outcome.ts';
import type { Inputs, Verb } from './contract.ts';
import type { Book } from './frame/book.ts';
import type { Copies } from './frame/copies.ts';

/** Where a stage runs. All paths are absolute. */
export interface Place {
  /** The checked-out repository; paths in changeline.yml are relative to it. */
  workspace: string;
  /** For this run alone; the frame removes it. Mode 0700. */
  scratch: string;
  /** Outlives a step, not the job: what the stages of one change hand on to each other. */
  handover: string;
  /** Outlives runs: tools that were fetched or built. */
  cache: string;
  /** Where reports go. */
  reports: string;
}

/** All that a stage is given. Nothing else of the world is read by a stage: no process.env, no inputs of its own. */
export interface StageContext<V extends Verb> {
  verb: V;
  inputs: Inputs<V>;
  /** changeline.yml; null where the action runs without one. */
  config: Config | null;
  /** The environment's sections, with its name; null where there is no changeline.yml. */
  environment: Environment | null;
  /** The change this run belongs to; null where none is kept (no changeline.yml, or a verb without an environment). */
  readonly change: Change | null;
  /** The open change to write to; null where `change` is. */
  book: Book | null;
  ledger: Ledger | null;
  /** GitHub's run that this is; null in a shell. */
  runner: Runner | null;
  log: Log;
  /** Fires when the run is cancelled: begin nothing new, journal, stop. */
  signal: AbortSignal;
  place: Place;
  /** What one stage of this run leaves for a later one. */
  copies: Copies;
  /** The GitHub API with this run's token. Throws a Failure where there is none. */
  github(): GitHub;
  /** The name of the default branch, where it was read on the way to this stage. */
  defaultBranch?: string;
  /** True for a stage that `deliver` passes now, not for a later step of its job: the line asks and plans by itself. */
  readonly inLine?: true;
  /** Why changeline.yml of the default branch cannot be read, where the stage has to say so on pull requests. */
  unread?: Failure;
}

/** One line of a plan. */
export interface Planned {
  /** will: would be done. blind: could not be judged. obstacle: would fail, so the line must not start. */
  kind: 'will' | 'blind' | 'obstacle';
  text: string;
  failure?: Failure;
  /** True for what the log of a run says too, before anything is touched. */
  shown?: boolean;
}

/** The work of one verb. */
export interface Stage<V extends Verb> {
  verb: V;
  /** Everything that can fail is tried here, before anything is touched. Changes nothing. */
  plan(context: StageContext<V>): Promise<Planned[]>;
  /** Does the work. Returns what came of it; throws a Failure for everything that is no verdict. */
  run(context: StageContext<V>): Promise<Result>;
  /** At the good end of the job: writes the commit point and confirms it on the hosts. Idempotent. */
  settle?(context: StageContext<V>): Promise<Result>;
  /** Puts back what an unfinished run of this change left. Idempotent; does nothing where nothing was left. */
  turnBack?(context: StageContext<V>, why: string): Promise<Result>;
}
