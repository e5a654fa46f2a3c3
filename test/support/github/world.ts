/** What the stand-in knows of one repository, with the words in which tests say what happened to it. */
import type { GitHubEvent } from './host.ts';
import { type Started, startedBy } from './workflows.ts';
import { Rules } from './world-rules.ts';

export { digestOf } from './world-files.ts';

export class Repository extends Rules {
  /** The workflows of the default branch that an event starts: their files' paths, and the event's name for each. */
  startedBy(event: GitHubEvent): Started[] {
    return startedBy(this, event);
  }
}
