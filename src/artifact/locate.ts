/** Finds an artifact at its source, without fetching it. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';
import { ask, missing, type Open, openUrl, reason } from './download.ts';
import { digestIn, fill, plainDigest, type Source } from './source.ts';

/** An artifact at its source. */
export interface Located {
  /** For people: a path, a URL without credentials, a release, an artifact of a run. */
  from: string;
  /** `sha256:<hex>` where the source or the configuration promises one. */
  digest: string | null;
  /** What it was built from: a commit, or the name of a tag; null where the source does not tell. */
  built: { commit: string } | { tag: string } | null;
  /** Bytes as it lies there; null where the source does not tell. */
  size: () => Promise<number | null>;
  /** The folder that it is; null where it is an archive. */
  folder: string | null;
  /** True for a zip that GitHub Actions made around what was uploaded. */
  wrapped: boolean;
  open: Open;
}

/** What finding needs. */
export interface LocateRequest {
  digest: string | null;
  version: string;
  workspace: string;
  github: () => GitHub;
  signal: AbortSignal;
}

/** Finds the artifact. Throws `artifact-missing`, `artifact-unreachable`, `artifact-digest` or a `github-` Failure. */
export async function locate(source: Source, request: LocateRequest): Promise<Located> {
  const digest = request.digest === null ? null : fill(request.digest, request.version);
  if (source.kind === 'url') return locateUrl(source.url, digest, request.signal);
  const promised = digest === null ? null : await promisedDigest(digest, null, request.signal);
  const located = await locateElsewhere(source, request);
  if (promised !== null && located.digest !== null && located.digest !== promised) {
    throw digestFailure(located.from, `the configuration promises ${promised}, its source says ${located.digest}`);
  }
  return { ...located, digest: promised ?? located.digest };
}

function locateElsewhere(source: Exclude<Source, { kind: 'url' }>, request: LocateRequest): Promise<Located> {
  if (source.kind === 'release') return locateRelease(source.asset, request);
  if (source.kind === 'run') return locateRun(source.name, request.github());
  return locatePath(source.path, request.workspace);
}

async function locatePath(path: string, workspace: string): Promise<Located> {
  const full = resolve(workspace, path);
  const found = await stat(full).catch((error: NodeJS.ErrnoException) => {
    throw missing(path, error.code === 'ENOENT' ? 'there is no such file or folder' : error.message);
  });
  if (!found.isFile() && !found.isDirectory()) throw missing(path, 'it is neither a file nor a folder');
  const open: Open = async (signal) => createReadStream(full, { signal });
  const folder = found.isDirectory() ? full : null;
  return {
    from: path,
    digest: null,
    built: null,
    size: async () => (folder === null ? found.size : null),
    folder,
    wrapped: false,
    open,
  };
}

async function locateUrl(url: string, digest: string | null, signal: AbortSignal): Promise<Located> {
  const from = withoutCredentials(url);
  if (digest === null) {
    throw new Failure({
      code: 'config-invalid',
      what: 'an artifact by URL needs its digest',
      where: from,
      why: 'without one, whoever serves the URL decides what runs in production',
      untouched: 'nothing was touched',
      next: 'add digest: sha256:<hex>, or the URL of a file that sha256sum wrote, to changeline.yml',
    });
  }
  const promised = await promisedDigest(digest, url, signal);
  const open: Open = (stop) => openUrl(url, stop);
  const size = () => sizeAt(url, signal);
  return { from, digest: promised, built: null, size, folder: null, wrapped: false, open };
}

/** The size that a HEAD tells; null where the server does not answer HEAD. */
async function sizeAt(url: string, signal: AbortSignal): Promise<number | null> {
  try {
    const length = (await ask(url, 'HEAD', signal)).headers.get('content-length');
    return length === null ? null : Number(length);
  } catch (thrown) {
    const status = thrown instanceof Failure ? thrown.facts.status : undefined;
    if (status === 404 || status === 410 || !(typeof status === 'number')) throw thrown;
    return null; // the GET will tell
  }
}

const LONGEST_DIGEST_FILE = 1 << 20;

/** `digest` itself, or what the URL in it answers for `url`. */
async function promisedDigest(digest: string, url: string | null, signal: AbortSignal): Promise<string> {
  const plain = plainDigest(digest);
  if (plain !== null) return plain;
  if (!/^https?:/i.test(digest) || !URL.canParse(digest)) {
    throw new Failure({
      code: 'config-invalid',
      what: 'the digest key is neither sha256:<hex> nor a URL',
      untouched: 'nothing was touched',
      next: 'write sha256: and 64 hexadecimal digits, or the URL of a file that sha256sum wrote',
    });
  }
  const where = withoutCredentials(digest);
  const found = digestIn(await smallText(digest, where, signal), url ?? digest);
  if (found === null) throw digestFailure(where, 'it names no sha256, or not that of the artifact');
  return found;
}

async function smallText(url: string, where: string, signal: AbortSignal): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of await openUrl(url, signal)) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > LONGEST_DIGEST_FILE) throw digestFailure(where, 'its answer is too long for a list of digests');
    }
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw digestFailure(where, reason(thrown));
  }
  return text;
}

async function locateRelease(asset: string, { version, github }: LocateRequest): Promise<Located> {
  const hub = github();
  const release = await releaseOf(hub, version);
  const from = `release ${release.tag_name} of ${hub.repository}: ${asset}`;
  const found = release.assets.find((one) => one.name === asset && one.state === 'uploaded');
  if (!found) {
    const names = release.assets.slice(0, 10).map((one) => JSON.stringify(one.name));
    throw missing(from, names.length > 0 ? `the release has ${names.join(', ')}` : 'the release has no asset');
  }
  const open: Open = () => hub.download(`/repos/${hub.repository}/releases/assets/${found.id}`);
  const digest = plainDigest(found.digest ?? '');
  const size = async () => found.size;
  return { from, digest, built: { tag: release.tag_name }, size, folder: null, wrapped: false, open };
}

/** The published release whose tag is the version, or `v` and the version. */
async function releaseOf(hub: GitHub, version: string) {
  const { rest } = await hub.client();
  for (const tag of [version, `v${version}`]) {
    try {
      return (await rest.repos.getReleaseByTag({ ...hub.at, tag })).data;
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'github-not-found') throw thrown;
    }
  }
  throw missing(
    `releases of ${hub.repository}`,
    `there is no published release with the tag ${version} or v${version}`,
  );
}

/**
 * The newest artifact of that name that has not expired. Those of runs for a fork are passed over: there anyone
 * may upload anything under any name.
 */
async function locateRun(name: string, hub: GitHub): Promise<Located> {
  const { rest } = await hub.client();
  const { data } = await rest.actions.listArtifactsForRepo({ ...hub.at, name, per_page: 100 });
  const own = data.artifacts.filter(
    ({ workflow_run: run }) => run != null && run.head_repository_id === run.repository_id,
  );
  const [newest] = own
    .filter((one) => one.name === name && !one.expired)
    .sort((a, b) => (b.created_at ?? '').localeCompare(a.created_at ?? ''));
  const from = `artifact ${name} of ${hub.repository}`;
  if (!newest) {
    const others = data.artifacts.length - own.length;
    const expired = own.some((one) => one.expired)
      ? 'all of that name have expired'
      : 'no run has uploaded one of that name';
    throw missing(from, others > 0 ? `${expired}; ${others} from forks are not used` : expired);
  }
  const open: Open = () => hub.download(`/repos/${hub.repository}/actions/artifacts/${newest.id}/zip`);
  const run = newest.workflow_run?.id;
  return {
    from: run === undefined ? from : `${from}, run ${run}`,
    digest: plainDigest(newest.digest ?? ''),
    built: newest.workflow_run?.head_sha ? { commit: newest.workflow_run.head_sha } : null,
    size: async () => newest.size_in_bytes,
    folder: null,
    wrapped: true,
    open,
  };
}

/** The Failure for a digest that is absent or contradicts. */
export function digestFailure(where: string, why: string): Failure {
  return new Failure({
    code: 'artifact-digest',
    what: 'the artifact does not have the digest that was promised',
    where,
    why,
    untouched: 'nothing of it was unpacked, and no host was touched',
    next: 'find out who changed the artifact or the digest before anything else; then upload or correct it',
  });
}
