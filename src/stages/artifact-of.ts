/** The artifact of a change, and what the change learns from it. */
import { type Artifact, type ArtifactRequest, fetchArtifact } from '../artifact/artifact.ts';
import { refuseOtherBytes } from './approving/approved.ts';
import type { StageContext } from './stage.ts';

type Context = StageContext<'backup' | 'deploy' | 'migrate' | 'rollback' | 'approve'>;

/** Fetches and unpacks the artifact of the version that the inputs name; once a run, however many stages ask for it. */
export async function artifactOf(context: Context): Promise<Artifact> {
  const found = await fetchArtifact(artifactRequest(context));
  refuseOtherBytes(context.change, found.digest);
  const { digest, built } = found;
  // The run's own commit is only a guess: a version that was built earlier may be delivered later.
  const commit = built && 'commit' in built ? built.commit : context.change?.commit;
  if (context.book && (context.change?.digest !== digest || context.change?.commit !== commit))
    await context.book.learn({ digest, ...(commit ? { commit } : {}) });
  return found;
}

/** What is asked for: the source of the inputs, else of changeline.yml. */
export function artifactRequest({ inputs, config, place, github, log, signal }: Context): ArtifactRequest {
  return {
    source: inputs.artifact || config!.artifact,
    digest: config!.digest ?? null,
    version: inputs.version,
    workspace: place.workspace,
    scratch: place.scratch,
    github,
    log,
    signal,
  };
}
