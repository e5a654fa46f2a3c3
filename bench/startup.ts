/** How long an action takes to its first own line, against a Node that does nothing, and what the bundle weighs. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../scripts/bench.ts';
import { root } from '../scripts/tools.ts';

const RUNS = 21;
const MEGABYTE = 1_000_000;

/** Medians of interleaved runs, so that a busy machine slows both alike. */
export async function run(): Promise<Measured[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'changeline-bench-'));
  const times: { ours: number[]; reference: number[] } = { ours: [], reference: [] };
  try {
    for (let round = 0; round < RUNS; round += 1) {
      times.reference.push(await untilOutputOrEnd(['-e', '0'], scratch));
      times.ours.push(await untilOutputOrEnd([join(root, 'actions', 'smoke-test', 'main.js')], scratch));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const [ours, reference] = [median(times.ours), median(times.reference)];
  const megabytes = weight(join(root, 'dist')) / MEGABYTE;
  return [
    {
      name: 'an action, to its first own line',
      ours,
      reference,
      ratio: ours / reference,
      unit: 'ms',
      aim: '≤ 3× `node -e 0`',
    },
    { name: 'dist on disk', ours: megabytes, reference: 4, ratio: megabytes / 4, unit: 'MB', aim: '≤ 4 MB' },
  ];
}

/** Milliseconds from the start of a Node to its first output; to its end where it says nothing. It is then ended. */
function untilOutputOrEnd(args: string[], cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const env = {
      PATH: process.env.PATH,
      HOME: cwd,
      RUNNER_TEMP: cwd,
      GITHUB_WORKSPACE: cwd,
      INPUT_URL: 'not a url',
    };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let took: number | undefined;
    const said = (): void => {
      took ??= performance.now() - began;
      child.kill('SIGKILL');
    };
    child.stdout.once('data', said);
    child.stderr.once('data', said);
    child.once('error', reject);
    child.once('close', () => resolve(took ?? performance.now() - began));
  });
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Bytes of all files below a folder. */
function weight(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
