import { expect, it } from 'vitest';
import type { Check } from '../../../src/probe/probe.ts';
import { Turns } from '../../../src/probe/reach.ts';

it.each([
  ['sql', false, null, 4],
  ['command', true, 'web1', 6],
  ['http', true, 'web1', 64],
  ['tcp', false, null, 64],
] as const)('takes few %s checks (there: %s) at once', async (kind, there, host, most) => {
  const turns = new Turns();
  const check = { kind, there, host, database: 'main' } as Check;
  let [open, reached] = [0, 0];
  const gate = Promise.withResolvers<void>();
  const all = Array.from({ length: 100 }, () =>
    turns.take(check, async () => {
      reached = Math.max(reached, ++open);
      await gate.promise;
      open--;
    }),
  );
  await new Promise(setImmediate);
  expect(open).toBe(most);
  gate.resolve();
  await Promise.all(all);
  expect([open, reached]).toEqual([0, most]);
});
