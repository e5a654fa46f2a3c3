/** What the customers met; money in the shop's currency. */
export interface Counts {
  /** Orders sent. */
  placed: number;
  /** Orders that the shop answered with 201. */
  acknowledged: number;
  /** Visits that ended without such an answer. */
  failed: number;
  /** The sum of the acknowledged prices. */
  revenue: number;
}

/** Sends customers to the hosts until `signal` fires. `counts` is live; `done` fulfils after the last visit. */
export function start(options: { baseUrls: string[]; ordersPerSecond: number; signal: AbortSignal; seed?: number }): {
  counts: Counts;
  done: Promise<Counts>;
};
