/** GitHub's clock: the machine's own, corrected by a skew that tests set. */

/** Records are dated from ten minutes ago on, a second later each, until they catch up with the clock. */
const HEAD_START = 10 * 60_000;

export class Clock {
  /** Milliseconds that GitHub is ahead of this machine. */
  skew = 0;
  #last = Date.now() - HEAD_START;

  /** What GitHub's Date header says. */
  date(): Date {
    return new Date(Date.now() + this.skew);
  }

  /** The time of the next record in GitHub's form, without milliseconds. */
  now(): string {
    this.#last = Math.min(this.#last + 1000, this.date().getTime());
    return iso(this.#last);
  }
}

function iso(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
