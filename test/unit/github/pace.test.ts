import { describe, expect, it } from 'vitest';
import { type Answered, LIMITS, Pace, waitForRoom } from '../../../src/github/pace.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const IDLE = { reads: 0, writes: 0 };
const WRITE = { what: 'POST /x', read: false };
const READ = { what: 'GET /x', read: true };
const many = (count: number, write: boolean, ended = (index: number) => index): Answered[] =>
  Array.from({ length: count }, (_, index) => ({ ended: ended(index), write }));

describe('room for one more write', () => {
  it.each([
    ['after nothing', IDLE, [], 0, 0],
    ['after 79 writes', IDLE, many(79, true), 100, 0],
    ['after 80 writes: when the first of them is out of the window', IDLE, many(80, true), 100, 59_901],
    ['after 81 writes: when two are out', IDLE, many(81, true), 100, 59_902],
    ['at the very end of the window, which GitHub may still count', IDLE, many(80, true), 60_000, 1],
    ['just after it', IDLE, many(80, true), 60_001, 0],
    ['when all are out', IDLE, many(80, true), 200_000, 0],
    ['after 895 reads', IDLE, many(895, false), 1000, 0],
    ['after 896 reads: a write costs five points', IDLE, many(896, false), 1000, 59_001],
    ['after 60 writes and 596 reads', IDLE, [...many(596, false), ...many(60, true, (at) => 600 + at)], 1000, 59_001],
    ['beside 79 under way', { reads: 0, writes: 79 }, [], 0, 0],
    ['beside 40 under way and after 40', { reads: 0, writes: 40 }, many(40, true), 100, 59_901],
  ])('%s', (_, underWay, answered, now, wait) => {
    expect(waitForRoom({ underWay, answered }, now, LIMITS)).toBe(wait);
  });

  it('comes only with an answer where all are under way', () => {
    expect(waitForRoom({ underWay: { reads: 0, writes: 80 }, answered: [] }, 0, LIMITS)).toBe(Number.POSITIVE_INFINITY);
  });

  it('never lets 81 writes into any window, however they come', () => {
    const ended: number[] = [];
    const begun: number[] = [];
    let now = 0;
    for (let count = 0; count < 500; count++) {
      const answered = ended.map((at) => ({ ended: at, write: true }));
      now += waitForRoom({ underWay: IDLE, answered }, now, LIMITS);
      begun.push(now);
      now += count % 7;
      ended.push(now);
    }
    const most = Math.max(...begun.map((from) => begun.filter((at) => at >= from && at <= from + 60_000).length));
    expect(most).toBe(80);
    expect(now).toBeLessThan(6 * 60_000 + 4000);
  });
});

describe('the pace of one client', () => {
  const limits = { window: 5, writes: 2, points: 900 };

  it('holds writes and never reads, in the order of asking', async () => {
    const pace = new Pace(limits);
    const begun: string[] = [];
    const write = (name: string) => pace.begin(WRITE).then(() => begun.push(name));
    await Promise.all([write('a'), write('b')]);
    const waiting = [write('c'), write('d')];
    await pace.begin(READ).then(() => begun.push('read'));
    expect([begun, pace.hasRoom]).toEqual([['a', 'b', 'read'], false]);
    pace.end(WRITE);
    pace.end(WRITE);
    await Promise.all(waiting);
    expect(begun).toEqual(['a', 'b', 'read', 'c', 'd']);
    expect(pace.waited).toBeGreaterThanOrEqual(limits.window);
  });

  it('ends a wait where the run is cancelled, and goes on for others', async () => {
    const pace = new Pace({ ...limits, window: 60_000 });
    await Promise.all([pace.begin(WRITE), pace.begin(WRITE)]);
    const stop = new AbortController();
    const held = pace.begin(WRITE, stop.signal);
    stop.abort(new Error('stop'));
    await expect(held).rejects.toThrow('stop');
    pace.end(WRITE);
    const timed = pace.begin(WRITE, stop.signal);
    await expect(timed).rejects.toThrow('stop');
    expect(pace.hasRoom).toBe(false);
  });

  it('holds every write where GitHub said so, and none longer than anybody waits', async () => {
    let now = 0;
    const pace = new Pace(limits, () => now);
    const why = new Failure({ code: 'github-unreachable', what: 'a limit', next: 'wait', facts: { limited: true } });
    pace.pause(60_001, why);
    expect(pace.hasRoom).toBe(false);
    await expect(pace.begin(WRITE)).rejects.toBe(why);
    await pace.begin(READ);
    now = 60_001;
    await pace.begin(WRITE);
    pace.pause(20, why);
    pace.pause(10, why);
    now += 15;
    expect(pace.hasRoom).toBe(false);
  });
});
