/** At most so many at once. */

/** Lets `width` pieces of work run at a time; the rest wait in order. */
export class Limit {
  readonly #width: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** Waits for a place; what comes back gives it up, once. */
  async take(): Promise<() => void> {
    if (this.#running >= this.#width) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    };
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const giveUp = await this.take();
    try {
      return await work();
    } finally {
      giveUp();
    }
  }
}
