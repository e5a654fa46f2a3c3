/** A version's files, brought to a host and verified there before anything points to them. */
import type { Artifact } from '../artifact/artifact.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { type ChangeMark, fileWord } from './change.ts';
import { answerFailure, printable } from './flip.ts';
import { PUBLISH, SWEEP, VERIFY } from './scripts.ts';
import type { HostState, VersionThere } from './survey.ts';

/** What staging needs of an artifact. */
export type Staged = Pick<Artifact, 'version' | 'digest' | 'tree' | 'manifest' | 'bytes'>;

/**
 * Puts the artifact into versions/<version> of a host: beside everything else, verified, then renamed. A version that
 * is there already with the same digest and verifies is used again. Throws `deploy-failed` where the live version has
 * that name and other content, `artifact-digest`, `disk-full`, `host-busy`, `host-unreachable`.
 */
export async function stageVersion(
  host: Host,
  state: HostState,
  artifact: Staged,
  change: ChangeMark,
  signal: AbortSignal,
): Promise<'reused' | 'staged'> {
  const there = state.versions.find((version) => version.name === artifact.version);
  const problem =
    there?.digest === artifact.digest
      ? await mismatch(host, `versions/${artifact.version}`, artifact)
      : 'other content';
  if (there && problem === null) return 'reused';
  if (state.current === artifact.version) throw immutable(host, artifact, there, problem ?? '');
  const incoming = `versions/${incomingName(change)}${artifact.version}`;
  const linkDest = linkSource(state);
  await host.push(artifact.tree, `${host.path}/${incoming}`, {
    linkDest: linkDest === null ? null : `${host.path}/versions/${linkDest}`,
    signal,
  });
  const wrong = await mismatch(host, incoming, artifact);
  if (wrong !== null) throw corrupted(host, artifact, wrong);
  const { version, digest, bytes } = artifact;
  const record = JSON.stringify({ version, digest, bytes, change: change.id, at: new Date().toISOString() });
  const result = await host.sh(PUBLISH, { args: [host.path, String(change.fence), incoming, version, record] });
  if (result.status !== 0) throw answerFailure(host, result, 'current there is as it was');
  return 'staged';
}

/** Removes what an unfinished staging of that change left. */
export async function sweep(host: Host, change: Pick<ChangeMark, 'id'>): Promise<void> {
  await host.sh(SWEEP, { args: [host.path, incomingName(change)] });
}

/** The version whose equal files need not travel: the live one, else the newest. */
export function linkSource(state: Pick<HostState, 'current' | 'versions'>): string | null {
  if (state.current !== null && state.versions.some(({ name }) => name === state.current)) return state.current;
  const newest = state.versions.filter(({ at }) => at !== null).sort((a, b) => (a.at! < b.at! ? 1 : -1))[0];
  return newest?.name ?? null;
}

/** The files of a manifest as `sha256sum -c` reads them: a name with a backslash or a line break is escaped. */
export function sumsText(manifest: Staged['manifest']): string {
  return manifest
    .filter(({ link }) => link === undefined)
    .map(({ path, sha256 }) => {
      const name = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
      return `${name === path ? '' : '\\'}${sha256}  ./${name}\n`;
    })
    .join('');
}

/** What is wrong with a tree on a host, or null: each file's content, no file more, each link's target. */
export function differences(answer: string, manifest: Staged['manifest']): string | null {
  const newline = answer.indexOf('\n');
  const files = manifest.filter(({ link }) => link === undefined).length;
  const count = Number(answer.slice(0, newline).trim());
  if (count !== files) return `${count} files are there and not ${files}`;
  const words = answer.slice(newline + 1).split('\0');
  const links = new Map<string, string>();
  for (let index = 0; index + 1 < words.length; index += 2)
    links.set(words[index]!.replace(/^\.\//, ''), words[index + 1]!);
  const expected = manifest.filter(({ link }) => link !== undefined);
  if (links.size !== expected.length) return `${links.size} links are there and not ${expected.length}`;
  const wrong = expected.find(({ path, link }) => links.get(path) !== link);
  return wrong === undefined ? null : `the link ${wrong.path} points elsewhere`;
}

async function mismatch(host: Host, folder: string, { manifest }: Staged): Promise<string | null> {
  const result = await host.sh(VERIFY, { args: [host.path, folder, sumsText(manifest)] });
  if (result.status !== 0) return printable(result.stdout || result.stderr) || `status ${result.status}`;
  return differences(result.stdout, manifest);
}

function incomingName(change: Pick<ChangeMark, 'id'>): string {
  return `.incoming-${fileWord(change.id)}-`;
}

function immutable(host: Host, artifact: Staged, there: VersionThere | undefined, problem: string): Failure {
  return new Failure({
    code: 'deploy-failed',
    where: host.name,
    what: `version ${artifact.version} is live there with other content: versions are immutable`,
    why:
      there?.digest === artifact.digest
        ? `its files were altered: ${problem}`
        : `there ${there?.digest ?? 'no digest is recorded'}, to deploy ${artifact.digest}`,
    untouched: 'the live version there is untouched',
    next: 'give the new content a new version and deploy that',
  });
}

function corrupted(host: Host, artifact: Staged, why: string): Failure {
  return new Failure({
    code: 'artifact-digest',
    where: host.name,
    what: `the files of ${artifact.version} did not arrive as they were sent`,
    why,
    untouched: 'the live version there is untouched',
    next: 'check the disk of the host and run it again',
  });
}
