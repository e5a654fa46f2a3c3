#!/usr/bin/env node
// The shell's door. Changeline needs Node 24; where this one is older, npm fetches one, outside of the repository.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NODE = '24.21.0';
const WANTED = 24;

if (Number(process.versions.node.split('.')[0]) >= WANTED) {
  const { cli } = await import('../dist/index.js');
  process.exitCode = await cli(process.argv.slice(2), fileURLToPath(new URL('..', import.meta.url)));
} else {
  console.log(`Changeline needs Node ${WANTED}; this is ${process.versions.node}. Fetching Node ${NODE} through npm …`);
  const found = spawnSync('npm', ['exec', '--yes', `--package=node@${NODE}`, '--', 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const node = found.stdout?.trim().split('\n').at(-1);
  if (found.status !== 0 || !node) {
    console.error(`Node ${WANTED} could not be had through npm. Install Node ${WANTED} or newer, then run this again.`);
    console.error(found.stderr?.trim().split('\n').slice(-3).join('\n') ?? '');
    process.exit(1);
  }
  const child = spawn(node, [process.argv[1], ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself; this process only waits for it to put things back.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  child.once('exit', (code) => process.exit(code ?? 1));
}
