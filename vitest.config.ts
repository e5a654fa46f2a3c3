import { defineConfig } from 'vitest/config';
import { searchPath } from './scripts/tools.ts';

const minutes = (count: number): number => count * 60_000;

/** Each kind of test after the one before it, so that real servers do not compete with each other for the machine. */
const slow = { pool: 'forks', maxWorkers: 1, testTimeout: minutes(3), hookTimeout: minutes(3) } as const;

export default defineConfig({
  test: {
    env: { PATH: searchPath() },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'forks', sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'checks', include: ['test/checks/**/*.test.ts'], ...slow, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...slow, sequence: { groupOrder: 2 } },
      },
      {
        extends: true,
        test: { name: 'workflows', include: ['test/workflows/**/*.test.ts'], ...slow, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
