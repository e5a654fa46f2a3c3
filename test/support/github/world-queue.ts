/** The merge queue: groups that are tested together before they land. */
import { groupEvent } from './events.ts';
import type { Entry, Pull } from './records-talk.ts';
import { Talk } from './world-talk.ts';

export class Queue extends Talk {
  /** Branches that have a merge queue. */
  readonly queues = new Set<string>();
  readonly entries: Entry[] = [];

  /** Puts a pull request at the end of its base's queue, with a branch and a commit for its group. */
  enqueue(pull: Pull, state = 'AWAITING_CHECKS'): Entry {
    this.queues.add(pull.base);
    const entry = this.#group(pull, state, this.now());
    this.entries.push(entry);
    this.host.emit(groupEvent(this, entry, 'checks_requested'));
    return entry;
  }

  /** Takes it out. The groups behind are built anew without it. */
  dequeue(pull: Pull): void {
    const queue = this.queueOf(pull.base);
    const [gone, ...behind] = queue.slice(queue.findIndex((one) => one.pull === pull.number));
    if (gone?.pull !== pull.number) return;
    for (const entry of [gone, ...behind]) this.entries.splice(this.entries.indexOf(entry), 1);
    this.branches.delete(gone.branch);
    this.host.emit(groupEvent(this, gone, 'destroyed'));
    for (const entry of behind) {
      this.branches.delete(entry.branch);
      const moved = this.#group(this.pulls.find((one) => one.number === entry.pull)!, entry.state, entry.at);
      this.entries.push(moved);
      this.host.emit(groupEvent(this, moved, 'checks_requested'));
    }
  }

  queueOf(base: string): Entry[] {
    return this.entries.filter((one) => one.base === base);
  }

  #group(pull: Pull, state: string, at: string): Entry {
    const before = this.queueOf(pull.base).at(-1)?.head ?? this.find(pull.base)?.sha ?? '';
    const files = new Map([...this.filesAt(before), ...this.filesAt(pull.head)]);
    const message = `Merge pull request #${pull.number} from ${pull.headRef}`;
    const head = this.addCommit(this.addTree(files), [before, pull.head], message, pull.author ?? 'ghost');
    const branch = `gh-readonly-queue/${pull.base}/pr-${pull.number}-${before}`;
    this.branches.set(branch, head);
    return { id: this.nextId(), pull: pull.number, base: pull.base, state, branch, head, baseSha: before, at };
  }
}
