/** Where k6 comes from: the PATH, else a cache, else the release on GitHub, else a build with the machine's Go. */
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Log } from '../log/log.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { run } from '../process/process.ts';
import { buildK6 } from './build.ts';
import { downloadK6 } from './release.ts';

/** The version that is fetched or built where none is asked for. */
export const PINNED_K6 = '2.2.0';

/** A k6 that runs. */
export interface K6 {
  file: string;
  version: string;
  source: 'path' | 'cache' | 'release' | 'build';
}

/** Which k6, and where to look and to put it. */
export interface K6Request {
  /** `2.2.0` or `v2.2.0`; exactly this one. Without it any k6 on the PATH will do, else `PINNED_K6`. */
  version?: string | undefined;
  /** A directory that outlives runs. */
  cache: string;
  /** Of the GitHub API: `https://api.github.com`. */
  apiUrl: string;
  token?: string | undefined;
  /** Milliseconds until GitHub must have begun to answer; 5 s by default. */
  answersWithin?: number | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Why a source gave no k6. */
type Tried = { source: string; why: string };

/**
 * A k6 that is on this machine already, with why the sources looked at had none. Downloads nothing. Throws a Failure
 * `input-invalid` for a version that is none.
 */
export async function findK6(
  request: Pick<K6Request, 'version' | 'cache' | 'signal'>,
): Promise<{ k6: K6 | null; tried: Tried[] }> {
  const wanted = request.version === undefined ? null : plainVersion(request.version);
  const tried: Tried[] = [];
  const onPath = await onThePath();
  const version = onPath && (await versionOf(onPath, request.signal));
  if (onPath && version && (wanted === null || version === wanted))
    return { k6: { file: onPath, version, source: 'path' }, tried };
  tried.push({
    source: 'PATH',
    why: !onPath ? 'none' : version ? `${version}, not ${wanted}` : `${onPath} does not run`,
  });

  const needed = wanted ?? PINNED_K6;
  for (const file of cached(request.cache, needed)) {
    if (!(await isProgram(file))) continue;
    if ((await versionOf(file, request.signal)) === needed)
      return { k6: { file, version: needed, source: 'cache' }, tried };
    tried.push({ source: 'cache', why: `${file} is not ${needed}` });
  }
  if (!tried.some((one) => one.source === 'cache')) tried.push({ source: 'cache', why: `no ${needed}` });
  return { k6: null, tried };
}

/**
 * A k6 that runs, fetched or built if need be. Several processes may ask for the same cache at once. Throws a Failure
 * `k6-unavailable` that says why each source had none, `cancelled` where `signal` fires, `input-invalid` for a version
 * that is none.
 */
export async function obtainK6(request: K6Request): Promise<K6> {
  const { k6, tried } = await findK6(request);
  if (k6) return said(k6, request);
  const version = request.version === undefined ? PINNED_K6 : plainVersion(request.version);
  const sources = { release: downloadK6, build: buildK6 } as const;
  for (const source of ['release', 'build'] as const) {
    try {
      const file = await kept(version, request, (directory) => sources[source]({ ...request, version, directory }));
      return said({ file, version, source }, request);
    } catch (error) {
      if (request.signal.aborted) throw cancelled();
      tried.push({ source: source === 'release' ? 'GitHub release' : 'Go build', why: reason(error) });
    } finally {
      request.log.progress(null);
    }
  }
  throw new Failure({
    code: 'k6-unavailable',
    what: `k6 ${version} could be had from none of its sources`,
    why: tried.map(({ source, why }) => `${source}: ${why}`).join('; '),
    untouched: 'nothing was run',
    next: 'put k6 on the PATH, let the machine reach GitHub, or install Go',
  });
}

function said(k6: K6, { log }: K6Request): K6 {
  const from = {
    path: `from ${k6.file}`,
    cache: 'from the cache',
    release: 'from its GitHub release',
    build: 'built with Go',
  };
  const other = k6.version === PINNED_K6 ? '' : ` (Changeline is tested with ${PINNED_K6})`;
  log.info(`k6 ${k6.version} ${from[k6.source]}${other}`);
  return k6;
}

/** Lets `make` put a k6 into a new directory, checks it, and moves it to its place in the cache in one step. */
async function kept(
  version: string,
  { cache, signal }: K6Request,
  make: (directory: string) => Promise<string>,
): Promise<string> {
  const place = join(cache, 'k6', version);
  await mkdir(join(cache, 'k6'), { recursive: true });
  const directory = await mkdtemp(join(cache, 'k6', '.new-'));
  try {
    const made = await make(directory);
    const is = await versionOf(made, signal);
    if (is !== version)
      throw new Error(is === null ? 'what was got does not run on this machine' : `what was got is ${is}`);
    await mkdir(place, { recursive: true });
    await rename(made, join(place, PROGRAM));
    return join(place, PROGRAM);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const PROGRAM = process.platform === 'win32' ? 'k6.exe' : 'k6';

/** The places of a cached k6: our own, and the runner's tool cache as @actions/tool-cache lays it out. */
function cached(cache: string, version: string): string[] {
  const own = join(cache, 'k6', version, PROGRAM);
  const toolCache = process.env.RUNNER_TOOL_CACHE;
  return toolCache ? [own, join(toolCache, 'k6', version, process.arch, PROGRAM)] : [own];
}

async function onThePath(): Promise<string | null> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(directory, PROGRAM);
    if (directory && (await isProgram(file))) return file;
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What a k6 says of itself; null where it does not run. */
async function versionOf(file: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { status, stdout } = await run({ file, args: ['version'], timeout: 20_000, signal });
    return status === 0 ? (stdout.match(/^k6(?:\.exe)? v(\d+\.\d+\.\d+)\S*/)?.[1] ?? null) : null;
  } catch (error) {
    if (signal.aborted) throw cancelled();
    if (error instanceof Failure) return null;
    throw error;
  }
}

function plainVersion(text: string): string {
  const version = text.match(/^v?(\d+\.\d+\.\d+)$/)?.[1];
  if (version !== undefined) return version;
  throw new Failure({
    code: 'input-invalid',
    what: `${JSON.stringify(text)} is no version of k6`,
    where: 'k6-version',
    untouched: 'nothing was run',
    next: `give a version such as ${PINNED_K6}`,
  });
}

function reason(error: unknown): string {
  const failure = failureFrom(error);
  if (failure.code === 'internal') return (error as Error).message;
  return failure.why ? `${failure.what} (${failure.why})` : failure.what;
}

function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'getting k6 was ended because the run was cancelled',
    next: 'run it again',
  });
}
