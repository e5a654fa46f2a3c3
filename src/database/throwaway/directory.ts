/** Where the data of a throwaway server lies, whose user runs it, and what a killed run left there. */
import { chown, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../outcome/outcome.ts';
import { type Command, endGroup, run, start } from '../../process/process.ts';

const PREFIX = 'changeline-throwaway-';
// The path of a unix socket may be 107 bytes long; the name of the socket itself needs some of them.
const LONGEST = 70;

/** A user who is not root: servers refuse to run as root. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** The user to run a server as: null where this process is not root and may run it as itself. `names` are tried in order. */
export async function serverUser(names: string[]): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of [...names, 'nobody']) {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run({ file: 'id', args: [flag, name] })));
    if (uid!.status === 0 && gid!.status === 0) return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
  }
  throw new Failure({
    code: 'tool-missing',
    what: `root cannot run a database server, and there is no user ${[...names, 'nobody'].join(' or ')}`,
    next: 'run as another user, or create one of these users',
  });
}

/** The command as that user. `setpriv` also ends the server with us, however we end. */
export function asUser(command: Command, user: ServerUser | null): Command {
  const args = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  if (!user && process.platform !== 'linux') return command;
  return { ...command, file: 'setpriv', args: ['--pdeathsig=QUIT', ...args, '--', command.file, ...command.args] };
}

/**
 * A new directory, mode 0700, owned by the server's user: below `scratch`, else the folder for temporary files, else
 * /tmp, whichever fits first. Throws `backup-failed` where none does.
 */
export async function throwawayDirectory(scratch: string, user: ServerUser | null): Promise<string> {
  const bases = [...new Set([scratch, tmpdir(), '/tmp'])];
  await sweep(bases);
  const directory = await mkdtemp(join(await fittingBase(bases, user), `${PREFIX}${process.pid}-`));
  if (user) await chown(directory, user.uid, user.gid);
  return directory;
}

/** The first folder that the server's user may enter and whose path is short enough for a socket. */
export async function fittingBase(bases: readonly string[], user: ServerUser | null): Promise<string> {
  for (const base of bases) {
    if (base.length <= LONGEST && (!user || (await enterable(base)))) return base;
  }
  throw new Failure({
    code: 'backup-failed',
    what: user
      ? `no folder for temporary files can be entered by the user who runs the throwaway server (uid ${user.uid})`
      : 'the path of every folder for temporary files is too long for the socket of a throwaway server',
    where: bases.join(', '),
    untouched: 'the original database was only read',
    next: user
      ? 'set TMPDIR to a folder that every user may enter (chmod o+x, on the folders above it too), or run as another user than root'
      : `set TMPDIR to a folder whose path has at most ${LONGEST} characters`,
  });
}

async function enterable(path: string): Promise<boolean> {
  const mode = await stat(path).then(
    (found) => found.mode,
    () => 0,
  );
  const open = (mode & 0o001) !== 0;
  return open && (path === dirname(path) || enterable(dirname(path)));
}

/** Removes what runs that were killed left: servers of ours whose run is gone, and their data. */
async function sweep(bases: string[]): Promise<void> {
  for (const base of new Set(bases)) {
    for (const name of await readdir(base).catch(() => [])) {
      const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
      if (!owner || alive(Number(owner))) continue;
      const directory = join(base, name);
      const mine = await stat(directory).then(
        (found) => process.getuid?.() === 0 || found.uid === process.getuid?.(),
        () => false,
      );
      if (!mine) continue;
      await endLeftover(directory);
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** Ends a server only where its own command line names this directory. */
async function endLeftover(directory: string): Promise<void> {
  for (const file of ['data/postmaster.pid', 'server.pid']) {
    const pid = Number.parseInt(await readFile(join(directory, file), 'utf8').catch(() => ''), 10);
    if (!(pid > 1)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(directory)) process.kill(pid, 'SIGKILL');
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A server of ours that runs. */
export interface Running {
  /** Ends it, waits for it, and wipes its directory. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until `ready` answers true; `stop` ends it with the signal `ending`, at once, since its
 * data is wiped anyway. Where it ends or is not ready in a minute, it is ended, its
 * directory wiped, and the last words of its log are the reason of a Failure `backup-failed`.
 */
export async function startServer(
  command: Command,
  directory: string,
  ready: () => Promise<boolean>,
  ending: NodeJS.Signals,
  signal: AbortSignal,
): Promise<Running> {
  const child = start(command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let ended = false;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8192)));
  const end = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  }).then(() => {
    ended = true;
  });
  const stop = async () => {
    if (!ended) endGroup(child, ending);
    const killed = setTimeout(() => endGroup(child, 'SIGKILL'), 10_000);
    await end;
    clearTimeout(killed);
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + 60_000;
  while (!ended && !signal.aborted && Date.now() < deadline) {
    if (await ready()) return { stop };
    await sleep(50);
  }
  await stop();
  if (signal.aborted)
    throw new Failure({
      code: 'cancelled',
      what: 'the throwaway server was ended because the run was cancelled',
      next: 'run it again',
    });
  throw new Failure({
    code: 'backup-failed',
    what: 'a throwaway server could not be started',
    where: command.args.find((argument) => argument.startsWith('/')) ?? command.file,
    why: said.trim().split('\n').slice(-2).join(' | ').slice(-300),
    next: 'try to start that server by hand; see what it lacks',
  });
}
