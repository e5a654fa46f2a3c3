/** shop start | stop | restart | status | log [SECONDS]: the work of bin/shop. Each may be repeated without harm. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { logFile, pidFile, root, settings, version } from './place.js';

const STARTS_WITHIN = 15_000;
const STOPS_WITHIN = 10_000;
const server = join(root, 'src/server.js');

const commands = { start, stop, restart, status, log };

/** The process that serves, or null. */
function running() {
  if (!existsSync(pidFile)) return null;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return pid > 0 && serves(pid) ? pid : null;
}

/**
 * A pid that another program has got meanwhile does not count, nor does a process that has ended and that nobody has
 * waited for: its command line is empty. Where there is no /proc, a pid that lives is believed.
 */
function serves(pid) {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/cmdline') || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/src/server.js');
  } catch {
    return false;
  }
}

/** What answers on the shop's port: its version, or null. */
async function answers() {
  const { host, port } = settings();
  try {
    const response = await fetch(`http://${host}:${port}/version`, { signal: AbortSignal.timeout(1000) });
    return (await response.json()).version ?? null;
  } catch {
    return null;
  }
}

async function start() {
  const pid = running();
  if (pid) return say(`runs already, process ${pid}, version ${await answers()}`);
  settings();
  const output = openSync(logFile, 'a');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', server], {
    cwd: root,
    detached: true,
    stdio: ['ignore', output, output],
  });
  child.unref();
  let ended = false;
  child.once('exit', () => (ended = true));
  for (const until = Date.now() + STARTS_WITHIN; Date.now() < until && !ended; ) {
    if (running() && (await answers())) return say(`serves ${version}`);
    await pause(25);
  }
  if (!ended) child.kill('SIGKILL');
  throw new Error(`version ${version} did not start: ${readFileSync(logFile, 'utf8').trim().split('\n').at(-1)}`);
}

async function stop() {
  const pid = running();
  if (!pid) {
    rmSync(pidFile, { force: true });
    return say('is stopped');
  }
  process.kill(pid, 'SIGTERM');
  for (const until = Date.now() + STOPS_WITHIN; Date.now() < until && serves(pid); ) await pause(25);
  if (serves(pid)) process.kill(pid, 'SIGKILL');
  while (serves(pid)) await pause(25);
  rmSync(pidFile, { force: true });
  say('is stopped');
}

async function restart() {
  await stop();
  await start();
}

async function status() {
  const pid = running();
  say(pid ? `runs, process ${pid}, version ${await answers()}` : 'is stopped');
  process.exitCode = pid ? 0 : 3;
}

/** The log of the last seconds, 60 unless said otherwise. */
function log(seconds = '60') {
  if (!existsSync(logFile)) return;
  const since = new Date(Date.now() - Number(seconds) * 1000).toISOString();
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (/^\d{4}-/.test(line) && line > since) console.log(line);
  }
}

function say(line) {
  console.log(`shop ${line}`);
}

const [name, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(commands, name ?? '')) {
  console.error('shop: start, stop, restart, status or log [SECONDS]');
  process.exit(2);
}
try {
  if (Number.parseInt(process.versions.node, 10) < 24)
    throw new Error(`needs Node 24 or newer, not ${process.version}`);
  await commands[name](...rest);
} catch (error) {
  console.error(`shop: ${error.message}`);
  process.exitCode = 1;
}
