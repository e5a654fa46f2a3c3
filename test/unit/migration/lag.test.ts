import { expect, test } from 'vitest';
import { RecordingLog } from '../../../src/log/log.ts';
import { lagGate } from '../../../src/migration/migration.ts';

/** A gate whose time passes only by its own waiting; `lags` are what the looks see, the last one for ever. */
function gate(lags: (number | null)[], signal = new AbortController().signal) {
  const log = new RecordingLog();
  let now = 0;
  let looks = 0;
  const pause = lagGate({
    ...{ longest: 10, log, signal },
    lag: async () => lags[Math.min(looks++, lags.length - 1)]!,
    clock: {
      now: () => now,
      wait: async (ms) => {
        now += ms;
      },
    },
  });
  return { pause, log, looks: () => looks, waited: () => now };
}

test('goes on at once where no replica is behind', async () => {
  const { pause, looks, log } = gate([10]);
  await pause();
  expect(looks()).toBe(1);
  expect(log.lines).toEqual([]);
});

test('waits until it has caught up, and says so', async () => {
  const { pause, looks, log } = gate([30, 20, 11, 9.9]);
  await pause();
  expect(looks()).toBe(4);
  expect(log.lines).toEqual(['a replica is 30 s behind, 10 s is allowed: waiting']);
});

test('gives up after ten minutes', async () => {
  const { pause, waited } = gate([Number.POSITIVE_INFINITY]);
  await expect(pause()).rejects.toMatchObject({
    code: 'replica-behind',
    what: 'a replica is an unknown time behind, and 10 s is allowed (migrate.max-lag)',
    facts: { behind: null, longest: 10 },
  });
  expect(waited()).toBe(600_000);
});

test('a lag that is not shown is said once, and not waited for', async () => {
  const { pause, log, looks } = gate([null]);
  await pause();
  await pause();
  expect(looks()).toBe(2);
  expect(log.lines).toHaveLength(1);
});

test('a cancelled run waits no longer', async () => {
  const stop = new AbortController();
  stop.abort();
  const { pause, looks } = gate([99], stop.signal);
  await pause();
  expect(looks()).toBe(0);
});
