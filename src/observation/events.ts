/** What happens during a watch, told the moment it happens. */
import type { Log } from '../log/log.ts';
import type { Track } from './track.ts';
import type { WatchEvent } from './types.ts';

/** So many are told before the verdict; a source that comes and goes must not fill the ledger. */
const MOST_EVENTS = 9;
/** A source is silent after so many ticks in a row without a number. */
const SILENT_TICKS = 3;

/** Tells events of one watch, each once. */
export class Teller {
  private readonly onEvent: ((event: WatchEvent) => void | Promise<void>) | undefined;
  private readonly log: Log;
  private readonly label: string;
  private readonly told = new Set<string>();

  constructor(log: Log, label: string, onEvent?: ((event: WatchEvent) => void | Promise<void>) | undefined) {
    this.log = log;
    this.label = label;
    this.onEvent = onEvent;
  }

  /** Tells what is new in these tracks after a tick. */
  async tick(tracks: readonly Track[]): Promise<void> {
    for (const track of tracks) {
      const { name } = track.section;
      if (track.alarmed)
        await this.once(
          `alarm ${name}`,
          'alarm',
          name,
          track.run.verdict({ alarm: true }).sentence,
          track.section.critical,
        );
      for (const host of track.gone.keys())
        await this.once(
          `gone ${name} ${host}`,
          'host-gone',
          name,
          `${host} gives no "${name}" any more: judged without it`,
        );
      const silent = track.points.slice(-SILENT_TICKS).filter(({ value }) => value === null).length === SILENT_TICKS;
      if (silent)
        await this.once(
          `silent ${name}`,
          'silent',
          name,
          `"${name}" gives no number any more: ${track.silence?.why ?? 'nothing came'}`,
        );
    }
  }

  /** The watch goes on; `why` says what it cannot tell yet. */
  async extended(why: string): Promise<void> {
    await this.once('extended', 'extended', null, why);
  }

  /** The last word. */
  async verdict(summary: string): Promise<void> {
    await this.tell({ at: new Date(), kind: 'verdict', metric: null, text: summary });
  }

  private async once(
    key: string,
    kind: WatchEvent['kind'],
    metric: string | null,
    text: string,
    loud = true,
  ): Promise<void> {
    if (this.told.has(key) || this.told.size >= MOST_EVENTS) return;
    this.told.add(key);
    this.log[loud ? 'warn' : 'info'](`${this.label}: ${text}`);
    await this.tell({ at: new Date(), kind, metric, text });
  }

  private async tell(event: WatchEvent): Promise<void> {
    try {
      await this.onEvent?.(event);
    } catch (error) {
      this.log.warn(`${this.label}: "${event.text}" could not be recorded: ${(error as Error).message}`);
    }
  }
}
