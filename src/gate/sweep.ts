/**
 * Brings the status of every head to what was decided, and looks again until nothing differs: a status has no
 * compare-and-swap, so only a reading after the last writing tells that what stands is right.
 */
import { Failure } from '../outcome/outcome.ts';
import type { Decision } from './decision.ts';
import type { Head, Status } from './pull.ts';

/** A head with what its status must be. */
export interface Decided {
  head: Head;
  decision: Decision;
}

/** What a sweep does in the world. */
export interface SweepWork {
  /** Reads everything anew and decides: the heads, most urgent first. */
  read(): Promise<Decided[]>;
  /** Writes one status and answers what then stands. Rejects with a Failure. */
  write(sha: string, decision: Decision): Promise<Status>;
  /** True where a status differs from what was decided. */
  differs(head: Head, decision: Decision): boolean;
  /** Waits until GitHub's limits leave room for a write. Rejects with a Failure where that takes too long. */
  room(): Promise<unknown>;
  /** GitHub's clock. */
  now(): Date;
}

/** What came of a sweep. Times in milliseconds. */
export interface Swept {
  /** The last reading. */
  decided: Decided[];
  /** How many statuses were written. */
  written: number;
  /** How many heads bore the right status before. */
  unchanged: number;
  /** How many heads went away before they could be written: pushed over, closed, taken to another branch. */
  gone: number;
  /** How many heads do not bear what was decided. */
  left: number;
  /** How many heads had to wait for a later batch, and how long the last one of all stood wrong since it was decided. */
  late: { count: number; longest: number };
  /** How often everything was read. */
  reads: number;
  /** How often the head that changed most was written. */
  rounds: number;
  /** Why heads are left, and until when GitHub takes nothing more, where it said so; null where none is left. */
  behind: { why: string; until: string | null; cause: Failure | null } | null;
}

/** Writes between two readings: GitHub takes no more in a minute, and within a minute main may have changed. */
const BATCH = 80;
/** Writes under way at once: a batch is out in a few answers' time, far below the 100 that GitHub allows. */
const AT_ONCE = 25;
/** How often one head is written. What changes faster than it can be written is left, and said. */
const ROUNDS = 5;
/** How many batches in a row may bring nothing, before the run stops asking. */
const FRUITLESS = 3;
/** How long what this run wrote counts although it is not read back: GitHub's reads lag behind its writes. */
const LAG = 60_000;

/** Sweeps. Rejects with a Failure where the first reading fails, a token may not write, or the run was cancelled. */
export async function sweep(work: SweepWork): Promise<Swept> {
  const sweeping = new Sweeping(work);
  await sweeping.read();
  try {
    await sweeping.write();
  } catch (thrown) {
    // What stands stands, and the next run goes on from there.
    if (!(thrown instanceof Failure) || !['github-unreachable', 'ledger-unreachable'].includes(thrown.code))
      throw thrown;
    return sweeping.result(thrown);
  }
  return sweeping.result(null);
}

class Sweeping {
  readonly #work: SweepWork;
  #decided: Decided[] = [];
  /** What this run wrote, by sha, and when by GitHub's clock. */
  readonly #own = new Map<string, { status: Status; written: number }>();
  /** How often a head was written or tried. */
  readonly #tries = new Map<string, number>();
  /** Heads that GitHub does not take a status for, by sha. */
  readonly #refused = new Map<string, Failure>();
  readonly #gone = new Set<string>();
  /** Since when a head is known to be wrong, and whether it had to wait for a later batch. */
  readonly #wrong = new Map<string, { wanted: string; since: number; waited: boolean }>();
  readonly #late = { count: 0, longest: 0 };
  #written = 0;
  #reads = 0;
  #isAllowed = false;

  constructor(work: SweepWork) {
    this.#work = work;
  }

  async read(): Promise<void> {
    this.#decided = await this.#work.read();
    this.#reads++;
    const there = new Set(this.#decided.map(({ head }) => head.sha));
    for (const sha of this.#wrong.keys()) {
      if (there.has(sha)) continue;
      this.#wrong.delete(sha);
      this.#gone.add(sha);
    }
    for (const one of this.#differing()) this.#sayWrong(one);
  }

  /** Writes what differs, batch by batch, each after a reading of its own. */
  async write(): Promise<void> {
    let fruitless = 0;
    for (;;) {
      const todo = this.#differing().filter(({ head }) => this.#mayTry(head.sha));
      if (todo.length === 0) return;
      const batch = todo.slice(0, BATCH);
      for (const { head } of todo.slice(BATCH)) this.#wrong.get(head.sha)!.waited = true;
      const before = this.#written + this.#gone.size + this.#refused.size;
      const lost = await this.#writeBatch(batch);
      fruitless = this.#written + this.#gone.size + this.#refused.size === before ? fruitless + 1 : 0;
      if (lost && fruitless === FRUITLESS) throw lost;
      // First the wait, then the reading: what is written next is decided by what is true then.
      if (todo.length > BATCH) await this.#work.room();
      await this.read();
    }
  }

  result(stopped: Failure | null): Swept {
    const left = this.#differing();
    const moved = new Set([...this.#own.keys(), ...this.#gone, ...left.map(({ head }) => head.sha)]);
    return {
      decided: this.#decided,
      written: this.#written,
      unchanged: this.#decided.filter(({ head }) => !moved.has(head.sha)).length,
      gone: this.#gone.size,
      left: left.length,
      late: { count: this.#late.count, longest: Math.round(this.#late.longest) },
      reads: this.#reads,
      rounds: Math.max(0, ...this.#tries.values()),
      behind: this.#behind(stopped, left),
    };
  }

  #behind(stopped: Failure | null, left: readonly Decided[]): Swept['behind'] {
    const refused = left.map(({ head }) => this.#refused.get(head.sha)).find((failure) => failure !== undefined);
    const cause = stopped ?? refused ?? null;
    if (cause) {
      const { until } = cause.facts;
      return { why: cause.why ?? cause.what, until: typeof until === 'string' ? until : null, cause };
    }
    if (left.length === 0) return null;
    return { why: `what is true of them changed ${ROUNDS} times while it was written`, until: null, cause: null };
  }

  #differing(): Decided[] {
    return this.#decided.filter(({ head, decision }) => {
      if (this.#gone.has(head.sha)) return false;
      return this.#work.differs({ ...head, status: this.#standing(head) }, decision);
    });
  }

  /** What stands on a head: what was read or, where that is older, what this run has just written. */
  #standing(head: Head): Status | null {
    const own = this.#own.get(head.sha);
    if (!own || this.#work.now().getTime() - own.written > LAG) return head.status;
    return head.status && Date.parse(head.status.at) >= Date.parse(own.status.at) ? head.status : own.status;
  }

  #mayTry(sha: string): boolean {
    return !this.#refused.has(sha) && (this.#tries.get(sha) ?? 0) < ROUNDS;
  }

  #sayWrong({ head, decision }: Decided): void {
    const wanted = `${decision.state} ${decision.description}`;
    if (this.#wrong.get(head.sha)?.wanted === wanted) return;
    this.#wrong.set(head.sha, { wanted, since: performance.now(), waited: false });
  }

  /** Writes a batch, several at once. Answers the failure after which no more was begun, where a read must tell what stands. */
  async #writeBatch(batch: readonly Decided[]): Promise<Failure | null> {
    const waiting = [...batch];
    let stopped: unknown = null;
    const worker = async (most = batch.length) => {
      for (let count = 0; count < most && waiting.length > 0 && stopped === null; count++) {
        const next = waiting.shift()!;
        try {
          await this.#writeOne(next);
        } catch (thrown) {
          stopped ??= thrown;
        }
      }
    };
    // The first one alone: a token that may not write is found out by one request.
    if (!this.#isAllowed) await worker(1);
    this.#isAllowed = this.#written > 0;
    await Promise.all(Array.from({ length: AT_ONCE }, () => worker()));
    if (stopped === null) return null;
    if (!(stopped instanceof Failure) || stopped.code !== 'github-unreachable' || stopped.facts.limited) throw stopped;
    return stopped;
  }

  async #writeOne({ head, decision }: Decided): Promise<void> {
    const { sha } = head;
    this.#tries.set(sha, (this.#tries.get(sha) ?? 0) + 1);
    try {
      const status = await this.#work.write(sha, decision);
      this.#own.set(sha, { status, written: this.#work.now().getTime() });
      this.#written++;
      this.#sayRight(sha);
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'github-refused') throw thrown;
      if (isGone(thrown)) this.#gone.add(sha);
      else this.#refused.set(sha, thrown);
      this.#wrong.delete(sha);
    }
  }

  #sayRight(sha: string): void {
    const wrong = this.#wrong.get(sha);
    if (!wrong) return;
    this.#wrong.delete(sha);
    this.#late.longest = Math.max(this.#late.longest, performance.now() - wrong.since);
    if (wrong.waited) this.#late.count++;
  }
}

/** A commit that no branch holds any more, and that GitHub has let go. */
function isGone(failure: Failure): boolean {
  return failure.facts.status === 422 && /no commit found/i.test(failure.why ?? '');
}
