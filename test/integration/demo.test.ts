/** `npm start` as a stranger meets it: in a copy of the repository without node_modules, to its end and with Ctrl-C. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runningUnder } from '../support/processes.ts';
import { openTerminal, terminalMissing } from '../support/pty.ts';
import { root } from '../support/tool.ts';
import { snapshot } from '../support/trees.ts';

const HOSTS = ['web1', 'web2', 'web3'];

let place: string;
let copy: string;
let env: NodeJS.ProcessEnv;
let before: Record<string, string>;

beforeAll(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'changeline-stranger-')));
  copy = join(place, 'changeline');
  for (const folder of ['home', 'tmp']) mkdirSync(join(place, folder));
  const files = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const file of files.split('\0').filter((name) => name && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  before = snapshot(copy);
  env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: join(place, 'home'),
    TMPDIR: join(place, 'tmp'),
    LANG: 'C.UTF-8',
    npm_config_update_notifier: 'false',
    // npm's own, in the folder for temporary files.
    NODE_DISABLE_COMPILE_CACHE: '1',
    // What this machine has fetched already is not fetched again.
    CHANGELINE_CACHE: join(homedir(), '.cache/changeline'),
  };
});

afterAll(() => {
  for (const { pid } of runningUnder(place)) process.kill(pid, 'SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

const demo = (path: string) => join(copy, '.changeline/demo', path);
const current = (host: string) => {
  try {
    return readlinkSync(demo(`hosts/${host}/current`));
  } catch {
    return null;
  }
};

/** Production's state and its newest change. */
function ledger() {
  const folder = demo('ledger/production');
  const files = readdirSync(join(folder, 'changes'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  );
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  return { state: read('state.json'), change: read(join('changes', files.sort().at(-1)!)) };
}

function leavesNothing(): void {
  expect(runningUnder(place)).toEqual([]);
  expect(readdirSync(join(place, 'tmp'))).toEqual([]);
  expect(readdirSync(join(place, 'home')).filter((name) => !['.npm', '.cache', '.config'].includes(name))).toEqual([]);
  expect(snapshot(copy, (path) => path.split('/')[0] === '.changeline')).toEqual(before);
}

describe('npm start', () => {
  it.skipIf(terminalMissing() !== null)('puts everything back on Ctrl-C in the middle of a flip', async () => {
    const terminal = openTerminal('npm start', { cwd: copy, env });
    await terminal.shows('1.1.0, a good version');
    while (current('web1') !== 'versions/1.1.0') await pause(10);
    terminal.type('\u0003');
    expect(await terminal.ended, terminal.screen).not.toBe(0);
    expect(terminal.screen).toContain('stopping; what had begun is put back first');
    expect(terminal.screen).toContain('nothing runs any more');
    expect(HOSTS.map(current)).toEqual(HOSTS.map(() => 'versions/1.0.0'));
    const { state, change } = ledger();
    expect(state).toMatchObject({ open: null, live: { version: '1.0.0' } });
    expect(change).toMatchObject({ version: '1.1.0', outcome: 'failed' });
    expect(change.events.at(-1)).toMatchObject({ kind: 'closed', code: 'cancelled' });
    leavesNothing();
  });

  it('then tells the whole story in the same folder', () => {
    const ended = spawnSync('npm', ['start'], { cwd: copy, env, encoding: 'utf8' });
    const screen = ended.stdout;
    expect(ended.status, screen + ended.stderr).toBe(0);
    const stages = [...screen.matchAll(/^[✓✗?–] (\S+) +(\S+)/gm)].map(([, verb, outcome]) => `${verb} ${outcome}`);
    const short = ['migrate passed', 'deploy passed', 'smoke-test passed'];
    const load = ['gate skipped', 'approve skipped', 'load-test passed', 'backup passed'];
    expect(stages.slice(0, 20)).toEqual([...short, ...short, ...short, ...load, ...short, 'watch passed', ...short]);
    expect(stages.slice(20, 25)).toEqual([...load, 'migrate passed']);
    expect(screen).toMatch(/^1\.2\.0 was taken back by itself: 1\.1\.0 is live again and verified\.$/m);
    const [, lost] = /^(\d+) orders were lost/m.exec(screen)!;
    expect(Number(lost)).toBeGreaterThan(0);
    expect(HOSTS.map(current)).toEqual(HOSTS.map(() => 'versions/1.1.0'));
    expect(ledger().state).toMatchObject({ open: null, live: { version: '1.1.0' }, incidents: [{ from: '1.2.0' }] });
    // What is said fits a terminal of 110 columns, but for what the last stage found and for paths.
    const wide = screen
      .split('\n')
      .filter((line) => line.length > 110 && !line.includes('/') && !/^[✓✗?–] /.test(line));
    expect(wide).toEqual([]);
    expect(screen).not.toMatch(/\b1 (hosts|orders|scripts|migrations|checks)\b/);
    for (const paper of ['report.html', 'postmortem.md']) {
      const [path] = new RegExp(`\\S+/${paper}`).exec(screen)!;
      expect(readFileSync(join(copy, path), 'utf8')).toContain('1.2.0');
    }
    leavesNothing();
    const [, command] = /^Next:.*\n {2}(.*)$/m.exec(screen)!;
    const status = spawnSync('sh', ['-c', command!], { cwd: copy, env, encoding: 'utf8' });
    expect(status.status, status.stdout + status.stderr).toBe(0);
    expect(status.stdout).toMatch(/^production: 1\.1\.0 is live since/m);
    expect(status.stdout).toMatch(/waits for its post-mortem: 1\.2\.0/);
  });
});
