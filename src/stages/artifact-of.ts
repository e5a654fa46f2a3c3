/** The artifact of a change, and what the change learns from it. */
import { type Artifact, fetchArtifact } from '../artifact/artifact.ts';
import type { StageContext } from './stage.ts';

/** Fetches and unpacks the artifact of the version that the inputs name; once a run, however many stages ask for it. */
export async function artifactOf(context: StageContext<'deploy' | 'migrate' | 'rollback'>): Promise<Artifact> {
  const { version, artifact } = context.inputs;
  const found = await fetchArtifact({
    source: artifact || context.config!.artifact,
    digest: context.config!.digest ?? null,
    version,
    workspace: context.place.workspace,
    scratch: context.place.scratch,
    github: context.github,
    log: context.log,
    signal: context.signal,
  });
  if (context.book && context.change?.digest !== found.digest) await context.book.learn({ digest: found.digest });
  return found;
}
