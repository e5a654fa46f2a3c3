/** Restored copies that one stage of a line leaves for a later one: a backup that was proven is rehearsed on. */
import type { Throwaway } from '../../database/database.ts';
import { failureFrom } from '../../outcome/outcome.ts';

/** The copies of one run. The frame closes what nobody took. */
export class Copies {
  readonly #kept = new Map<string, Throwaway>();

  /** Keeps a copy by the name of its database; one kept before is closed. */
  async keep(database: string, copy: Throwaway): Promise<void> {
    await this.#kept.get(database)?.close();
    this.#kept.set(database, copy);
  }

  /** Hands a copy over, once: who takes it closes it. Null where none was kept. */
  take(database: string): Throwaway | null {
    const copy = this.#kept.get(database) ?? null;
    this.#kept.delete(database);
    return copy;
  }

  /** Closes what nobody took. A copy that cannot be closed says so and holds up neither the others nor the run. */
  async close(warn: (line: string) => void): Promise<void> {
    for (const [database, copy] of this.#kept) {
      this.#kept.delete(database);
      await copy.close().catch((error: unknown) => {
        warn(`the copy of ${database} could not be removed: ${failureFrom(error).message}`);
      });
    }
  }
}
