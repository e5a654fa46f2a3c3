/** Brings the bytes of a version to this machine. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitHub } from '../github/github.ts';
import type { Log } from '../log/log.ts';
import { save } from './download.ts';
import { LIMITS } from './guard.ts';
import { digestFailure, type Located, locate } from './locate.ts';
import { digestOfManifest, type ManifestEntry } from './manifest.ts';
import { sourceOf } from './source.ts';
import { freeBytes, unpack } from './unpack.ts';
import { checkVersion } from './version.ts';

/** A version's bytes on this machine: fetched, checked, unpacked. */
export interface Artifact {
  version: string;
  /** `sha256:<hex>` of the bytes as fetched; of the manifest where the source is a folder. */
  digest: string;
  /** Where it came from, for people: a path, a URL without credentials, a release, a run. */
  from: string;
  /** What it was built from: a commit, or the name of a tag; null where the source does not tell. */
  built: Located['built'];
  /** Absolute path of the unpacked folder, inside the scratch folder. */
  tree: string;
  manifest: ManifestEntry[];
  /** Sum of the sizes of the files. */
  bytes: number;
}

/** What to fetch. `{version}` in `source` and `digest` is filled in here. */
export interface ArtifactRequest {
  /** `release:<asset>`, `run:<artifact>`, an http(s) URL, or a path relative to the workspace. */
  source: string;
  /** `sha256:<hex>`, or a URL that answers a line as sha256sum writes it; null where the source vouches for itself. */
  digest: string | null;
  version: string;
  workspace: string;
  /** A folder of this run; the artifact lies in it afterwards. */
  scratch: string;
  github: () => GitHub;
  log: Log;
  signal: AbortSignal;
}

/** What `findArtifact` saw without fetching; null where the source does not tell. */
export interface Found {
  from: string;
  bytes: number | null;
  digest: string | null;
}

/** For a plan: is it there, how large, which digest if the source tells. Fetches no more than a list of digests. */
export async function findArtifact(request: ArtifactRequest): Promise<Found> {
  checkVersion(request.version);
  const { from, size, digest } = await locate(sourceOf(request.source, request.version), request);
  return { from, bytes: await size(), digest };
}

const fetched = new Map<string, Promise<Artifact>>();

/**
 * Fetches the bytes, checks them against the digest that was promised, unpacks them and lists them. The stages of
 * one run share what was fetched once. A folder is copied, so that what was listed is what ships.
 *
 * A single folder at the top of an archive is kept. The zip that GitHub Actions makes around an upload is taken off
 * where it holds one archive (.tar.gz, .tgz or .tar) and nothing else: that archive is unpacked instead; the digest
 * stays that of the zip, which is the one GitHub vouches for.
 *
 * Throws `version-invalid`, an `artifact-` or `github-` Failure, `disk-full` or `cancelled`.
 */
export async function fetchArtifact(request: ArtifactRequest): Promise<Artifact> {
  checkVersion(request.version);
  const key = keyOf(request);
  const artifact = fetched.get(key) ?? fetchAnew(request);
  fetched.set(key, artifact);
  artifact.catch(() => fetched.delete(key));
  return artifact;
}

/** True where `fetchArtifact` has these bytes on this machine already: looking into them costs nothing. */
export function isFetched(request: ArtifactRequest): boolean {
  return fetched.has(keyOf(request));
}

function keyOf({ scratch, workspace, source, digest, version }: ArtifactRequest): string {
  return JSON.stringify([scratch, workspace, source, digest, version]);
}

async function fetchAnew(request: ArtifactRequest): Promise<Artifact> {
  const { version, scratch, signal } = request;
  const located = await locate(sourceOf(request.source, version), request);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const home = await mkdtemp(join(scratch, 'artifact-'));
  const tree = join(home, 'tree');
  const { from, built } = located;
  if (located.folder !== null) {
    const manifest = await unpack({ from: located.folder, folder: true, tree, where: from, signal });
    const digest = digestOfManifest(manifest);
    if (located.digest !== null && located.digest !== digest) throw mismatch(located, digest);
    return { version, digest, from, built, tree, manifest, bytes: sizeOf(manifest) };
  }
  const archive = join(home, 'archive');
  const digest = await saveArchive(located, archive, request);
  const unpacked = await unpack({ from: archive, folder: false, tree, where: from, signal });
  await rm(archive);
  const manifest = located.wrapped ? await unwrap(home, tree, unpacked, request, from) : unpacked;
  return { version, digest, from, built, tree, manifest, bytes: sizeOf(manifest) };
}

async function saveArchive(located: Located, file: string, { scratch, log, signal }: ArtifactRequest): Promise<string> {
  const most = Math.min(LIMITS.bytes, await freeBytes(scratch));
  const digest = await save({ open: located.open, file, from: located.from, most, log, signal });
  if (located.digest === null || located.digest === digest) return digest;
  await rm(file);
  throw mismatch(located, digest);
}

/** Unpacks the one archive that is all a wrapping zip holds; otherwise leaves the tree as it is. */
async function unwrap(
  home: string,
  tree: string,
  manifest: ManifestEntry[],
  { signal }: ArtifactRequest,
  from: string,
): Promise<ManifestEntry[]> {
  const [only, ...more] = await readdir(tree);
  if (only === undefined || more.length > 0 || manifest.length !== 1 || !/\.(tar\.gz|tgz|tar)$/i.test(only))
    return manifest;
  const inner = join(home, 'inner');
  await rename(join(tree, only), inner);
  await rm(tree, { recursive: true });
  const unpacked = await unpack({ from: inner, folder: false, tree, where: `${from}: ${only}`, signal });
  await rm(inner);
  return unpacked;
}

function mismatch(located: Located, digest: string) {
  return digestFailure(located.from, `promised was ${located.digest}, the bytes have ${digest}`);
}

function sizeOf(manifest: readonly ManifestEntry[]): number {
  return manifest.reduce((sum, entry) => sum + entry.bytes, 0);
}
