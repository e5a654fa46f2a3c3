/** What goes wrong on purpose. */

/** One fault, for requests whose `METHOD /path` (for GraphQL: with the operation's text) matches. */
export interface Fault {
  match: RegExp;
  /** How often; once by default. */
  times?: number;
  /**
   * `status`: answers that instead. `drop`: cuts the connection before anything is done. `drop-after`: does it, then
   * cuts the connection. `delay`: answers that much later. `cut`: sends half the body. `before`: runs first. `stale`: the answer that the
   * same request had before.
   */
  kind: 'status' | 'drop' | 'drop-after' | 'delay' | 'cut' | 'before' | 'stale';
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Milliseconds. */
  delay?: number;
  run?: () => void;
}

/** The faults that are still to come. */
export class Faults {
  readonly #waiting: Fault[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ times: 1, ...fault });
  }

  /** The fault for a request, used up by asking. */
  take(request: string): Fault | undefined {
    const fault = this.#waiting.find((one) => (one.times ?? 0) > 0 && one.match.test(request));
    if (fault) fault.times = (fault.times ?? 1) - 1;
    return fault;
  }
}
