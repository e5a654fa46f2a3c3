import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../../src/gate/decision.ts';
import type { Head, Status } from '../../../src/gate/pull.ts';
import { type SweepWork, sweep } from '../../../src/gate/sweep.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const START = Date.parse('2026-11-20T10:00:00Z');

/** GitHub as a sweep sees it: heads with a status, and what is decided of each. */
class Played {
  seconds = 0;
  readonly stored = new Map<string, Status | null>();
  readonly wanted = new Map<string, Decision>();
  readonly writes: string[] = [];
  roomAsked = 0;
  reads = 0;
  /** Readings that still show what was there before the writes. */
  lagging = 0;
  beforeRead: () => void = () => {};
  beforeWrite: (sha: string) => void = () => {};

  head(sha: string, decision: Decision = decided('success'), status: Status | null = null): void {
    this.stored.set(sha, status);
    this.wanted.set(sha, decision);
  }

  work(): SweepWork {
    const first = new Map(this.stored);
    return {
      read: async () => {
        this.reads++;
        this.beforeRead();
        const shown = this.lagging-- > 0 ? first : this.stored;
        const shas = [...this.wanted.keys()];
        return shas.map((sha) => ({ head: head(sha, shown.get(sha) ?? null), decision: this.wanted.get(sha)! }));
      },
      write: async (sha, decision) => {
        this.beforeWrite(sha);
        this.seconds++;
        const status: Status = { state: decision.state, description: decision.description, at: this.time() };
        this.stored.set(sha, status);
        this.writes.push(sha);
        return status;
      },
      differs: ({ status }, decision) =>
        status?.state !== decision.state || status.description !== decision.description,
      room: async () => {
        this.roomAsked++;
      },
      now: () => new Date(START + this.seconds * 1000),
    };
  }

  time(): string {
    return new Date(START + this.seconds * 1000).toISOString();
  }
}

function head(sha: string, status: Status | null): Head {
  return { sha, pulls: [], inQueue: false, status };
}

function decided(state: Decision['state'], description: string = state): Decision {
  return { state, description, code: 'gate-open', findings: [], override: null };
}

function refusal(code: Failure['code'], why: string, facts: Failure['facts'] = {}): Failure {
  return new Failure({ code, what: 'GitHub refused it', why, next: 'n', facts });
}

let played: Played;

beforeEach(() => {
  played = new Played();
});

describe('a sweep', () => {
  it('writes what differs and nothing else, and looks again', async () => {
    const right: Status = { state: 'success', description: 'success', at: '2026-11-20T09:00:00Z' };
    played.head('right', decided('success'), right);
    played.head('wrong', decided('success'), { ...right, state: 'failure' });
    played.head('other words', decided('success'), { ...right, description: 'older' });
    played.head('new');
    const swept = await sweep(played.work());
    expect(played.writes).toEqual(['wrong', 'other words', 'new']);
    expect(swept).toMatchObject({ written: 3, unchanged: 1, gone: 0, left: 0, reads: 2, rounds: 1, behind: null });
  });

  it('reads once where nothing differs', async () => {
    played.head('a', decided('success'), { state: 'success', description: 'success', at: played.time() });
    expect(await sweep(played.work())).toMatchObject({ written: 0, unchanged: 1, reads: 1, rounds: 0 });
  });

  it('writes 80 between two readings, in their order, and waits for room before it reads', async () => {
    for (let index = 0; index < 200; index++) played.head(`${index}`);
    const orders: string[] = [];
    played.beforeRead = () => orders.push(`${played.writes.length} after ${played.roomAsked}`);
    const swept = await sweep(played.work());
    expect(orders).toEqual(['0 after 0', '80 after 1', '160 after 2', '200 after 2']);
    expect(played.writes.map(Number)).toEqual([...Array(200).keys()]);
    expect(swept).toMatchObject({ written: 200, late: { count: 120 } });
  });

  it('decides anew after each batch', async () => {
    for (let index = 0; index < 100; index++) played.head(`${index}`, decided('failure'));
    played.beforeRead = () => {
      if (played.reads === 2) for (const sha of played.wanted.keys()) played.wanted.set(sha, decided('success'));
    };
    const swept = await sweep(played.work());
    expect([...played.stored.values()].every((status) => status?.state === 'success')).toBe(true);
    expect(swept).toMatchObject({ written: 180, left: 0, rounds: 2 });
  });

  it('takes up a pull request that the first reading missed', async () => {
    played.head('a');
    played.beforeRead = () => played.reads === 2 && played.head('missed');
    expect(await sweep(played.work())).toMatchObject({ written: 2, reads: 3 });
  });

  it('does not write again what it wrote and cannot read yet', async () => {
    played.head('a');
    played.lagging = 3;
    expect(await sweep(played.work())).toMatchObject({ written: 1, reads: 2, left: 0 });
    expect(played.writes).toEqual(['a']);
  });

  it('writes again where the decision changed, although the reading lags', async () => {
    played.head('a', decided('failure'));
    played.lagging = 3;
    played.beforeRead = () => played.reads === 2 && played.wanted.set('a', decided('success'));
    await sweep(played.work());
    expect(played.stored.get('a')?.state).toBe('success');
  });

  it('sees what another gate wrote after it', async () => {
    played.head('a', decided('success'));
    played.beforeRead = () => {
      if (played.reads !== 2) return;
      played.seconds++;
      played.stored.set('a', { state: 'failure', description: 'older evidence', at: played.time() });
    };
    expect(await sweep(played.work())).toMatchObject({ written: 2, left: 0 });
    expect(played.stored.get('a')?.state).toBe('success');
  });

  it('trusts its own writing for a minute, not for ever', async () => {
    played.head('a');
    played.lagging = 99;
    played.beforeRead = () => {
      played.seconds += 61;
    };
    const swept = await sweep(played.work());
    expect([swept.rounds, swept.left]).toEqual([5, 1]);
  });

  it('ends where a head changes faster than it can be written, and says so', async () => {
    played.head('steady');
    played.head('a');
    played.beforeRead = () => played.wanted.set('a', decided('failure', `reason ${played.reads}`));
    const swept = await sweep(played.work());
    expect(swept).toMatchObject({ written: 6, left: 1, rounds: 5, behind: { until: null } });
    expect(swept.behind?.why).toContain('5 times');
  });
});

describe('heads that are no more', () => {
  it('counts one that GitHub has let go of, and does not try it again', async () => {
    played.head('gone');
    played.head('there');
    played.beforeWrite = (sha) => {
      if (sha === 'gone')
        throw refusal('github-refused', 'GitHub answered 422: No commit found for SHA', { status: 422 });
    };
    expect(await sweep(played.work())).toMatchObject({ written: 1, gone: 1, left: 0, unchanged: 0, behind: null });
  });

  it('counts one that was closed before it was written', async () => {
    for (let index = 0; index < 90; index++) played.head(`${index}`);
    played.beforeRead = () => played.reads === 2 && played.wanted.delete('89');
    expect(await sweep(played.work())).toMatchObject({ written: 89, gone: 1, left: 0 });
  });

  it('leaves one whose status GitHub does not take, says why, and writes the others', async () => {
    played.head('full');
    played.head('there');
    played.beforeWrite = (sha) => {
      if (sha === 'full') throw refusal('github-refused', 'reached the maximum number of statuses', { status: 422 });
    };
    const swept = await sweep(played.work());
    expect(swept).toMatchObject({ written: 1, gone: 0, left: 1 });
    expect(swept.behind?.why).toContain('maximum number');
  });
});

describe('a sweep that cannot go on', () => {
  const many = () => {
    for (let index = 0; index < 100; index++) played.head(`${index}`);
  };

  it('ends with what stands where a limit lasts, and says until when', async () => {
    many();
    const until = '2026-11-20T11:00:00.000Z';
    played.beforeWrite = () => {
      if (played.writes.length === 30) throw refusal('github-unreachable', 'a limit', { limited: true, until });
    };
    const swept = await sweep(played.work());
    expect(swept).toMatchObject({ written: 30, left: 70, behind: { until, why: 'a limit' } });
    played.beforeWrite = () => {};
    expect(await sweep(played.work())).toMatchObject({ written: 70, unchanged: 30, left: 0, behind: null });
    expect(new Set(played.writes).size).toBe(played.writes.length);
  });

  it('finds out by one request that the token may not write', async () => {
    many();
    let asked = 0;
    played.beforeWrite = () => {
      asked++;
      throw refusal('github-denied', 'Resource not accessible by integration', { status: 403 });
    };
    await expect(sweep(played.work())).rejects.toMatchObject({ code: 'github-denied' });
    expect(asked).toBe(1);
  });

  it('looks whether a write landed whose answer was lost', async () => {
    played.head('landed');
    played.head('lost');
    let lost = 0;
    played.beforeWrite = (sha) => {
      if (lost++ > 1) return;
      const status: Status = { state: 'success', description: 'success', at: played.time() };
      if (sha === 'landed') played.stored.set(sha, status);
      throw refusal('github-unreachable', 'reset', { unsure: true });
    };
    expect(await sweep(played.work())).toMatchObject({ left: 0, behind: null });
    expect(played.writes).toEqual(['lost']);
  });

  it('stops asking where GitHub takes no write at all', async () => {
    many();
    played.beforeWrite = () => {
      throw refusal('github-unreachable', 'GitHub answered 502', { unsure: true });
    };
    const swept = await sweep(played.work());
    expect(swept).toMatchObject({ written: 0, left: 100, reads: 3 });
    expect(swept.behind?.why).toContain('502');
  });

  it('says that it could not read again what it wrote', async () => {
    played.head('a');
    played.beforeRead = () => {
      if (played.reads === 2) throw refusal('github-unreachable', 'GitHub answered 502');
    };
    expect(await sweep(played.work())).toMatchObject({ written: 1, left: 0, behind: { until: null } });
  });

  it.each([
    ['the first reading fails', 'github-unreachable'],
    ['the run was cancelled', 'cancelled'],
  ] as const)('throws where %s', async (_, code) => {
    played.head('a');
    played.beforeRead = () => {
      throw refusal(code, 'w');
    };
    await expect(sweep(played.work())).rejects.toMatchObject({ code });
  });
});
