import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runnerFrom } from '../../../src/github/github.ts';

const home = mkdtempSync(join(tmpdir(), 'changeline-event-'));
afterAll(() => rmSync(home, { recursive: true }));

const RUN = { GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'acme/shop', GITHUB_RUN_ID: '7', GITHUB_RUN_ATTEMPT: '2' };

function payloadOf(text: string): unknown {
  const file = join(home, 'event.json');
  writeFileSync(file, text);
  return runnerFrom({ ...RUN, GITHUB_EVENT_PATH: file })!.payload;
}

describe("the runner's description", () => {
  it('is null outside a runner', () => {
    expect(runnerFrom({})).toBeNull();
    expect(runnerFrom({ GITHUB_REPOSITORY: 'acme/shop' })).toBeNull();
    expect(runnerFrom({ GITHUB_ACTIONS: 'true' })).toBeNull();
  });

  it('is whole where variables are missing', () => {
    const runner = runnerFrom(RUN)!;
    expect(runner).toMatchObject({ event: '', payload: {}, apiUrl: 'https://api.github.com', attempt: '2' });
    expect(runner.url).toBe('https://github.com/acme/shop/actions/runs/7/attempts/2');
  });

  it.each([
    ['{"a":1}', { a: 1 }],
    ['[1]', {}],
    ['null', {}],
    ['{', {}],
    ['', {}],
  ])('reads the event %s', (text, payload) => {
    expect(payloadOf(text)).toEqual(payload);
  });

  it('survives an event file that is not there', () => {
    expect(runnerFrom({ ...RUN, GITHUB_EVENT_PATH: join(home, 'gone.json') })!.payload).toEqual({});
  });
});
