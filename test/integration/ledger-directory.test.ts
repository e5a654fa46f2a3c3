/** The directory ledger under real concurrency: several processes write at once, one is killed with the lock. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { event, type Holder, openChange, openDirectoryLedger } from '../../src/ledger/ledger.ts';

const face = new URL('../../src/ledger/ledger.ts', import.meta.url).href;
const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };
const opening = { verb: 'deliver', version: '1', digest: null, commit: null, config: null, holder };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writer(times: number): Promise<number | null> {
  const code = `
    const { openChange, openDirectoryLedger } = await import(${JSON.stringify(face)});
    const ledger = openDirectoryLedger(${JSON.stringify(directory)});
    for (let i = 0; i < ${times}; i++) await ledger.write('uat', (state) => openChange(state, ${JSON.stringify(opening)}, false));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.once('exit', resolve));
}

it('loses no write of four processes that write at once', async () => {
  expect(await Promise.all([writer(20), writer(20), writer(20), writer(20)])).toEqual([0, 0, 0, 0]);
  const ledger = openDirectoryLedger(directory);
  expect((await ledger.state('uat')).fence).toBe(80);
  expect(await ledger.recent('uat', 1000)).toHaveLength(80);
  expect(readdirSync(join(directory, 'uat')).sort()).toEqual(['changes', 'state.json']);
});

it('takes over the lock of a process that was killed', async () => {
  const ledger = openDirectoryLedger(directory);
  await ledger.write('uat', (state) => openChange(state, opening, false));
  const dead = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => dead.once('exit', resolve));
  writeFileSync(join(directory, 'uat', 'lock'), String(dead.pid));
  await ledger.write('uat', (state) => openChange(state, opening, false));
  expect((await ledger.state('uat')).fence).toBe(2);
});

it('writes nothing where the fold refuses, and leaves no lock behind', async () => {
  const ledger = openDirectoryLedger(directory);
  const refusal = ledger.write('uat', () => {
    throw new Error('refused');
  });
  await expect(refusal).rejects.toThrow('refused');
  expect((await ledger.state('uat')).fence).toBe(0);
  expect(readdirSync(join(directory, 'uat'))).toEqual([]);
});

it('never writes over a file that it cannot read', async () => {
  const ledger = openDirectoryLedger(directory);
  await ledger.write('uat', (state) => openChange(state, opening, false));
  writeFileSync(join(directory, 'uat', 'state.json'), '{"half": ');
  const fold = (state: Parameters<typeof openChange>[0]) => openChange(state, opening, false);
  await expect(ledger.write('uat', fold)).rejects.toThrow(/state\.json: the ledger holds a file that is not JSON/);
});

it('finds a change again, and the newest first', async () => {
  const ledger = openDirectoryLedger(directory);
  const one = await ledger.write('uat', (state) => openChange(state, opening, false));
  const found = await ledger.change('uat', one.change.id);
  expect(found!.events).toEqual(one.change.events);
  expect(found!.events[0]!.kind).toBe(event('opened').kind);
  expect(await ledger.change('uat', '20200101-000000-aaaa')).toBeNull();
});
