/** How long to wait for a lock, in how many turns. */

import type { Engine } from '../database/database.ts';
import { dialectOf } from './script.ts';

/** `each`: milliseconds that one turn may wait; `pauses`: milliseconds between the turns, one fewer than turns. */
export interface Turns {
  each: number;
  pauses: number[];
}

/**
 * Splits the longest wait (milliseconds) into turns with growing pauses between them. While a schema change waits for
 * a lock, everything that comes after it waits too: with short turns the others are held up for one turn at a time.
 * At most ten turns; PostgreSQL and SQLite of at least 50 ms, MySQL and MariaDB of whole seconds, their smallest unit.
 */
export function lockTurns(longest: number, engine: Engine): Turns {
  const smallest = dialectOf(engine) === 'mysql' ? 1000 : 50;
  const each = Math.max(smallest, Math.ceil(longest / 10 / smallest) * smallest);
  const turns = Math.max(1, Math.floor(longest / each));
  return { each, pauses: Array.from({ length: turns - 1 }, (_, index) => Math.min(each * (index + 1), 5000)) };
}
