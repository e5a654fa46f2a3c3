/** The artifact of a change, fetched once a run however many stages ask for it. */
import { type Artifact, fetchArtifact } from '../artifact/artifact.ts';
import type { StageContext } from './stage.ts';

const fetched = new Map<string, Promise<Artifact>>();

/** Fetches and unpacks the artifact of the version that the inputs name. The change learns its digest. */
export async function artifactOf(context: StageContext<'deliver' | 'deploy' | 'migrate' | 'rollback'>): Promise<Artifact> {
  const { version, artifact } = context.inputs;
  const source = artifact || context.config!.artifact;
  const key = JSON.stringify([source, version, context.place.scratch]);
  let promise = fetched.get(key);
  if (!promise) {
    promise = fetchArtifact({
      source,
      digest: context.config!.digest ?? null,
      version,
      workspace: context.place.workspace,
      scratch: context.place.scratch,
      github: context.github,
      log: context.log,
      signal: context.signal,
    });
    promise.catch(() => fetched.delete(key));
    fetched.set(key, promise);
  }
  const found = await promise;
  if (context.book && context.change?.digest !== found.digest) await context.book.learn({ digest: found.digest });
  return found;
}
