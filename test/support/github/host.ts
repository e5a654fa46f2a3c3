/** What all repositories of one stand-in share. */
import type { Clock } from './clock.ts';

/** An event as GitHub sends it to workflows. */
export interface GitHubEvent {
  /** issue_comment, pull_request … */
  name: string;
  /** owner/name */
  repository: string;
  /** Who caused it. */
  actor: string;
  payload: Record<string, unknown>;
}

export interface Host {
  nextId(): number;
  clock: Clock;
  /** How many reads do not see a status that the API has just written. */
  lag: number;
  /** Something happened that may start a workflow. `actor` is who did it. */
  emit(event: GitHubEvent): void;
}
