/** k6 as its makers release it on GitHub, checked against the digest that GitHub's API gives for the asset. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { lastWords, must } from '../process/process.ts';

/** What to download, and into which directory. */
export interface Download {
  version: string;
  directory: string;
  apiUrl: string;
  token?: string | undefined;
  log: Log;
  signal: AbortSignal;
  /** Milliseconds until GitHub must have begun to answer; 5 s by default. */
  answersWithin?: number | undefined;
}

/** One asset of a release, as far as it matters here. */
interface Asset {
  id: number;
  name: string;
  size: number;
  digest?: string | null;
}

/** Milliseconds until GitHub must have begun to answer: a machine without a network must not wait. */
const ANSWERS_WITHIN = 5000;
const DOWNLOADS_WITHIN = 180_000;

/** k6's own names for the systems and processors it releases for. */
const SYSTEMS: Record<string, string> = { linux: 'linux', darwin: 'macos', win32: 'windows' };
const PROCESSORS: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** The name of the asset for a machine, without its ending; null where k6 releases none. */
export function assetName(version: string, platform: string, arch: string): string | null {
  const system = SYSTEMS[platform];
  const processor = PROCESSORS[arch];
  return system && processor ? `k6-v${version}-${system}-${processor}` : null;
}

/** Downloads and unpacks k6; fulfils with the program's path. Throws an Error or Failure that says why it could not. */
export async function downloadK6(download: Download): Promise<string> {
  const name = assetName(download.version, process.platform, process.arch);
  if (name === null) throw new Error(`k6 has no release for ${process.platform} ${process.arch}`);
  const asset = await findAsset(download, name);
  const digest = asset.digest?.match(/^sha256:([0-9a-f]{64})$/)?.[1];
  if (digest === undefined) throw new Error(`GitHub gives no sha256 digest for ${asset.name}`);
  const archive = join(download.directory, asset.name);
  const found = await fetchAsset(download, asset, archive);
  if (found !== digest) throw new Error(`${asset.name} has the digest ${found}, not ${digest}`);
  return unpackProgram(download, archive, name);
}

async function findAsset(download: Download, name: string): Promise<Asset> {
  const url = `${download.apiUrl}/repos/grafana/k6/releases/tags/v${download.version}`;
  const response = await ask(url, 'application/vnd.github+json', download);
  const { assets } = (await response.json()) as { assets?: Asset[] };
  const asset = assets?.find((one) => one.name === `${name}.tar.gz` || one.name === `${name}.zip`);
  if (!asset || !Number.isInteger(asset.id)) throw new Error(`the release has no ${name}`);
  return asset;
}

/** Writes the asset to a file and fulfils with the lower-case hex sha256 of what was written. */
async function fetchAsset(download: Download, asset: Asset, file: string): Promise<string> {
  const { apiUrl, log } = download;
  const url = `${apiUrl}/repos/grafana/k6/releases/assets/${asset.id}`;
  const signal = AbortSignal.any([download.signal, AbortSignal.timeout(DOWNLOADS_WITHIN)]);
  const response = await ask(url, 'application/octet-stream', { ...download, signal });
  const hash = createHash('sha256');
  let bytes = 0;
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      log.progress(`fetching k6: ${Math.floor(bytes / 1e6)} of ${Math.ceil(asset.size / 1e6)} MB`);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body as ReadableStream), tap, createWriteStream(file));
  return hash.digest('hex');
}

/** Asks and fulfils once the answer begins; `signal` ends its body too. */
async function ask(
  url: string,
  accept: string,
  { token, signal, answersWithin = ANSWERS_WITHIN }: Download,
): Promise<Response> {
  const headers = { accept, 'user-agent': 'changeline', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('no answer in time')), answersWithin);
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, silence.signal]) });
    if (response.ok && response.body) return response;
    await response.body?.cancel();
    throw new Error(`${new URL(url).host} answered ${response.status}`);
  } catch (error) {
    const { message, cause } = error as Error;
    throw cause instanceof Error
      ? new Error(`${new URL(url).host} did not answer: ${cause.message}`)
      : new Error(message);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes the one program out of the archive with the system's tar, which reads .zip too where k6 is released so. */
async function unpackProgram({ directory, signal }: Download, archive: string, name: string): Promise<string> {
  const program = process.platform === 'win32' ? 'k6.exe' : 'k6';
  const args = ['-xf', archive, '-C', directory, '--strip-components=1', `${name}/${program}`];
  await must({ file: 'tar', args, signal }, (finished) => {
    return new Failure({
      code: 'k6-unavailable',
      what: 'the archive cannot be unpacked',
      why: lastWords(finished),
      next: 'see why',
    });
  });
  return join(directory, program);
}
