/** Kinds of tests, and how they share the machine. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { root, searchPath } from './scripts/tools.ts';

const minutes = (count: number): number => count * 60_000;

/**
 * Two files at a time: one that waits for a real server leaves its core to the other. They share nothing but the
 * machine: each has folders, ports (test/support/ports.ts) and servers of its own.
 */
const maxWorkers = Math.min(2, availableParallelism());
const slow = {
  pool: 'forks',
  maxWorkers,
  testTimeout: minutes(3),
  hookTimeout: minutes(3),
  sequence: { groupOrder: 1 },
} as const;

/** What is decided without the machine is told first. One process for many files: most of their time was its start. */
const quick = {
  pool: 'forks',
  maxWorkers,
  isolate: false,
  testTimeout: minutes(1),
  sequence: { groupOrder: 0 },
} as const;

export default defineConfig({
  test: {
    // Hundreds of processes run Changeline from its sources: the first one compiles them for the rest.
    env: { PATH: searchPath(), NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile') },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...quick } },
      { extends: true, test: { name: 'checks', include: ['test/checks/**/*.test.ts'], ...slow } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...slow } },
      { extends: true, test: { name: 'workflows', include: ['test/workflows/**/*.test.ts'], ...slow } },
    ],
  },
});
