/** Whether what a query reads is still scraped. A rate goes on for its whole window after the last scrape, a level for five minutes. */
import { inWords } from '../duration/duration.ts';
import { atSteps } from './prometheus-answer.ts';
import type { Grid, PrometheusServer } from './prometheus-server.ts';

/** A source whose newest point is older than this many scrape intervals is stale. */
const STALE_INTERVALS = 2.5;
/** Windows in which points are counted, in seconds. */
const WINDOWS = [10, 60, 300, 1800];

/** Milliseconds between two scrapes of a selector; 0 where too few points tell it, null where there are none in half an hour. */
export async function scrapeInterval(server: PrometheusServer, selector: string): Promise<number | null> {
  const counts = await Promise.all(
    WINDOWS.map((window) => server.number(`max(count_over_time(${selector}[${window}s]))`)),
  );
  if (counts.at(-1) === null) return null;
  // A young series fills only the short windows, so the shortest interval found is the true one.
  const found = counts.flatMap((points, i) => (points !== null && points >= 3 ? (WINDOWS[i]! * 1000) / points : []));
  return found.length > 0 ? Math.min(...found) : 0;
}

/** What is stale at a moment: all of it, or single hosts by the value of their label. */
export interface Stale {
  all: string | null;
  hosts: Map<string, string>;
}

/** The freshness of a query's selectors. `interval` is their longest scrape interval, 0 where it is not known; `host` the label that names hosts. */
export class Freshness {
  private readonly server: PrometheusServer;
  private readonly read: readonly string[];
  private readonly limit: number;
  private readonly by: string;
  private readonly host: string | undefined;
  private readonly gone = new Set<string>();

  constructor(server: PrometheusServer, read: readonly string[], interval: number, host: string | undefined) {
    this.server = server;
    this.read = interval === 0 ? [] : read;
    this.limit = STALE_INTERVALS * interval;
    this.host = host;
    this.by = host === undefined ? '' : ` by (${host})`;
  }

  /** What is too old at a moment, with why. */
  async at(moment: number): Promise<Stale> {
    const hosts = new Map<string, string>();
    for (const selector of this.read) {
      const newest = await this.server.instant(`max${this.by} (timestamp(${selector}))`, moment);
      const ages = newest.map(({ labels, points }) => ({
        host: this.host === undefined ? undefined : labels[this.host],
        age: moment - points[0]![1] * 1000,
      }));
      if (ages.length === 0) {
        if (await this.isGone(selector, moment)) return { all: `${selector} is not scraped any more`, hosts };
        continue;
      }
      this.gone.delete(selector);
      const youngest = Math.min(...ages.map(({ age }) => age));
      if (youngest > this.limit) return { all: old(selector, youngest), hosts };
      for (const { host, age } of ages) if (host !== undefined && age > this.limit) hosts.set(host, old(selector, age));
    }
    return { all: null, hosts };
  }

  /** Whether what is read was scraped lately, at each point of the grid. */
  async along(grid: Grid): Promise<boolean[]> {
    const fresh = new Array<boolean>(grid.count + 1).fill(true);
    for (const selector of this.read) {
      const [newest] = await this.server.range(`max(timestamp(${selector}))`, grid);
      for (const [i, at] of atSteps(newest, grid.from, grid.step, grid.count).entries())
        if (at !== null && grid.from + i * grid.step - at * 1000 > this.limit) fresh[i] = false;
    }
    return fresh;
  }

  /** A series may end with a restart of its program, which is still scraped then; otherwise its source is gone, until it answers again. */
  private async isGone(selector: string, moment: number): Promise<boolean> {
    const lately = `count_over_time(${selector}[5m])`;
    if ((await this.server.number(`max(${lately})`, moment)) === null) return this.gone.has(selector);
    const up = await this.server.number(`max(up and on (job, instance) ${lately})`, moment);
    if (up === 1) this.gone.delete(selector);
    else this.gone.add(selector);
    return up !== 1;
  }
}

function old(selector: string, age: number): string {
  return `the newest point of ${selector} is ${inWords(age)} old: its scrape has stopped`;
}
