import { expect, it } from 'vitest';
import { SHORTENED } from '../../../src/doors/demo/shop.ts';
import { milliseconds } from '../../../src/duration/duration.ts';
import { parseTolerance, prepare } from '../../../src/judge/judge.ts';

it('customers have ordered enough, before a version is held against them, for a watch to see what it must', () => {
  const tick = milliseconds(SHORTENED.tick)!;
  const ticks = (length: string) => milliseconds(length)! / tick;
  const orders = (SHORTENED.ordersPerSecond * tick) / 1000;
  const values = Array.from({ length: ticks(SHORTENED.orderingBefore) }, (_, t) => orders + [-3, 2, 0, 4, -3][t % 5]!);
  const { refused, visible } = prepare(
    { name: 'orders', kind: 'count', worse: 'down', critical: true, tolerate: parseTolerance('-90%')!, limit: null },
    { step: tick / 1000, values },
    { ticks: ticks(SHORTENED.betweenWaves), alpha: 0.025 },
  );
  expect(refused).toBeNull();
  expect(visible.down).toBeGreaterThan(0.1);
});
