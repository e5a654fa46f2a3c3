/** Programs that do not end when they are told to, and inputs that break: with real processes. */
import { PassThrough, Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/process/process.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Runs a script of sh that says "ready" when it may be ended, then what `then` does; the clock is the test's. */
async function sh(script: string, then: () => unknown, more: Partial<Parameters<typeof run>[0]> = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let ready = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const onOutput = (text: string) => text.includes('ready') && ready();
  const ending = run({ file: 'sh', args: ['-c', script], onOutput, ...more });
  await Promise.race([isReady, ending.catch(() => {})]);
  then();
  return ending;
}

const STUBBORN = `trap '' TERM; echo ready; while :; do sleep 0.1; done`;
const DEAF_CHILD = `(trap '' TERM; echo ready; while :; do sleep 0.1; done) & wait`;
const HELD_OPEN = `setsid sh -c 'echo ready $$; exec sleep 60' & sleep 60`;

describe('a program that does not end when it is told to', () => {
  it.each([
    ['itself', STUBBORN],
    ['what it started', DEAF_CHILD],
  ])('is killed after the grace: %s', async (_, script) => {
    const finished = await sh(script, () => vi.advanceTimersByTime(60_000 + 5_000), { timeout: 60_000 });
    expect(finished).toMatchObject({ status: null, timedOut: true });
  });

  it('is killed when the run is cancelled', async () => {
    const cancel = new AbortController();
    const ending = sh(
      STUBBORN,
      () => {
        cancel.abort();
        vi.advanceTimersByTime(5_000);
      },
      { signal: cancel.signal },
    );
    await expect(ending).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('is waited for no longer where a process that left the group holds its output open', async () => {
    const finished = await sh(HELD_OPEN, () => vi.advanceTimersByTime(65_000), { timeout: 60_000 });
    process.kill(Number(/ready (\d+)/.exec(finished.stdout)![1]), 'SIGKILL');
    expect(finished.timedOut).toBe(true);
  });

  it('has the grace to put things back', async () => {
    const script = `trap 'echo back; exit 3' TERM; echo ready; while :; do sleep 0.1; done`;
    const finished = await sh(script, () => vi.advanceTimersByTime(60_000), { timeout: 60_000 });
    expect(finished).toMatchObject({ status: 3, stdout: 'ready\nback\n', timedOut: true });
  });
});

describe('an input', () => {
  const cat = (input: Readable) => run({ file: 'cat', args: [], input });

  it('is passed on whole', async () => {
    expect(await cat(Readable.from(['a', 'b']))).toMatchObject({ status: 0, stdout: 'ab' });
  });

  it('that breaks is the error of the run, not a shorter input', async () => {
    const broken = async function* () {
      yield 'half';
      throw new Error('the disk is gone');
    };
    await expect(cat(Readable.from(broken()))).rejects.toThrow('the disk is gone');
  });

  it.each(['before', 'while'])('that broke %s it was read is no empty input', async (when) => {
    const input = new PassThrough();
    const destroy = () => void input.destroy();
    if (when === 'before') destroy();
    else setImmediate(destroy);
    await expect(cat(input)).rejects.toThrow('the input broke off');
  });

  it('that breaks ends a program that would go on without it', async () => {
    const input = new PassThrough();
    const ending = sh(
      'echo ready; cat; while :; do sleep 0.1; done',
      () => input.destroy(new Error('the disk is gone')),
      { input },
    );
    await expect(ending).rejects.toThrow('the disk is gone');
  });

  it('that a program does not want is no error', async () => {
    const endless = new Readable({
      read: function () {
        this.push('x'.repeat(65_536));
      },
    });
    expect(await run({ file: 'true', args: [], input: endless })).toMatchObject({ status: 0 });
    expect(await run({ file: 'sh', args: ['-c', 'exec <&-; sleep 0.2'], input: new PassThrough() })).toMatchObject({
      status: 0,
    });
  });
});
