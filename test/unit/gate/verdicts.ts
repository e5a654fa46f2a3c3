/** A verdict on the main branch for tests: green, unless it is said otherwise. */
import type { Verdict } from '../../../src/gate/verdict.ts';

export const HEAD = '1111111111111111111111111111111111111111';

export function verdict(more: Partial<Verdict> = {}): Verdict {
  return {
    state: 'green',
    open: true,
    branch: 'main',
    head: HEAD,
    judged: HEAD,
    distance: 0,
    headIs: 'green',
    waits: false,
    red: [],
    void: [],
    older: [],
    by: null,
    since: null,
    looked: 1,
    missing: [],
    ...more,
  };
}
