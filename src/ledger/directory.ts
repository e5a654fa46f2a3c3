/** The ledger in a directory: for a shell, for a demo, and for who does not want it on GitHub. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../outcome/outcome.ts';
import { emptyState, stamp, wholeState } from './fold.ts';
import type { Change, EnvironmentState, Ledger, Write } from './model.ts';

const LOCK_TRIES = 200;
const LOCK_WAIT_MS = 25;

/** Opens (and makes, at the first write) a ledger in a directory. */
export function openDirectoryLedger(directory: string): Ledger {
  return new DirectoryLedger(directory);
}

/** Begins a directory ledger with a state from elsewhere; one that is there already, and newer, stays. */
export async function seedDirectoryLedger(directory: string, state: EnvironmentState): Promise<void> {
  const home = join(directory, state.environment);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = join(home, 'state.json');
  const there = await readJson<EnvironmentState>(file);
  if (there === null || there.fence < state.fence) await writeWhole(file, state);
}

class DirectoryLedger implements Ledger {
  readonly where: string;

  constructor(directory: string) {
    this.where = directory;
  }

  async state(environment: string): Promise<EnvironmentState> {
    const written = await readJson<EnvironmentState>(this.#statePath(environment));
    return written ? wholeState(written) : emptyState(environment);
  }

  states(environments: readonly string[]): Promise<EnvironmentState[]> {
    return Promise.all(environments.map((environment) => this.state(environment)));
  }

  async change(environment: string, id: string): Promise<Change | null> {
    for (const month of await this.#months(environment)) {
      const change = await readJson<Change>(join(month, `${id}.json`));
      if (change) return change;
    }
    return null;
  }

  async recent(environment: string, limit: number): Promise<Change[]> {
    const found: Change[] = [];
    for (const month of await this.#months(environment)) {
      const names = (await readdir(month))
        .filter((name) => name.endsWith('.json'))
        .sort()
        .reverse();
      for (const name of names) {
        if (found.length >= limit) return found;
        const change = await readJson<Change>(join(month, name));
        if (change) found.push(change);
      }
    }
    return found;
  }

  async write(environment: string, fold: (state: EnvironmentState) => Write | Promise<Write>): Promise<Write> {
    const home = join(this.where, environment);
    await mkdir(home, { recursive: true, mode: 0o700 }).catch((error) => {
      throw unusable(home, error);
    });
    return locked(join(home, 'lock'), async () => {
      const write = stamp(await fold(await this.state(environment)), randomUUID());
      const month = join(home, 'changes', write.change.opened.slice(0, 7));
      await mkdir(month, { recursive: true, mode: 0o700 });
      // The change first: a state that names a change which is not there would be worse than the other way round.
      await writeWhole(join(month, `${write.change.id}.json`), write.change);
      await writeWhole(this.#statePath(environment), write.state);
      return write;
    });
  }

  #statePath(environment: string): string {
    return join(this.where, environment, 'state.json');
  }

  async #months(environment: string): Promise<string[]> {
    const changes = join(this.where, environment, 'changes');
    const names = await readdir(changes).catch(() => []);
    return names
      .sort()
      .reverse()
      .map((name) => join(changes, name));
  }
}

async function readJson<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unusable(file, error);
  });
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Failure({
      code: 'ledger-damaged',
      what: 'the ledger holds a file that is not JSON',
      where: file,
      why: (error as Error).message,
      untouched: 'nothing was written over it',
      next: 'restore the file from a copy, or move it away if its history may be lost',
    });
  }
}

async function writeWhole(file: string, value: unknown): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, `${JSON.stringify(value, null, 1)}\n`, { mode: 0o600, flush: true });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw unusable(dirname(file), error as NodeJS.ErrnoException);
  }
}

/** One writer at a time; the lock of a process that no longer lives is taken over. */
async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const mine = `${lock}.${process.pid}.${randomUUID()}`;
  await writeFile(mine, String(process.pid), { mode: 0o600 }).catch((error) => {
    throw unusable(lock, error);
  });
  try {
    for (let attempt = 0; ; attempt++) {
      // link() fails where the name is taken: the one atomic step that all file systems agree on.
      const taken = await link(mine, lock).then(
        () => true,
        () => false,
      );
      if (taken) break;
      await removeIfOrphaned(lock);
      if (attempt >= LOCK_TRIES) {
        throw new Failure({
          code: 'ledger-conflict',
          what: 'another process holds the ledger',
          where: lock,
          untouched: 'nothing was written',
          next: 'wait until it is done; remove the file if no Changeline runs',
        });
      }
      await sleep(LOCK_WAIT_MS);
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Takes away the lock of a dead process. Of several that try, rename lets one alone succeed. */
async function removeIfOrphaned(lock: string): Promise<void> {
  const owner = await readFile(lock, 'utf8').catch(() => '');
  if (owner === '' || alive(Number(owner))) return;
  const aside = `${lock}.orphan.${randomUUID()}`;
  const moved = await rename(lock, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  // Between the read and the rename a living process may have taken it: then it gets it back.
  if ((await readFile(aside, 'utf8').catch(() => '')) !== owner) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unusable(where: string, error: NodeJS.ErrnoException): Failure {
  const full = error.code === 'ENOSPC';
  return new Failure({
    code: full ? 'disk-full' : 'ledger-unreachable',
    what: full ? 'there is no room for the ledger' : 'the ledger cannot be read or written',
    where,
    why: error.code ?? error.message,
    next: full
      ? 'make room on this disk'
      : 'check the permissions of this directory, or name another with the key ledger',
  });
}
