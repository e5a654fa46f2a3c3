/** Puts a version on hosts again that no longer have it: the very bytes that ran. */
import { type Fleet, type HostState, hostCount, stageVersion } from '../../fleet/fleet.ts';
import { Failure } from '../../outcome/outcome.ts';
import { artifactOf } from '../artifact-of.ts';
import type { StageContext } from '../stage.ts';

type Context = StageContext<'rollback'>;

/**
 * The version on every reachable host: where one was removed long ago, it is fetched and put there again, the very bytes
 * that ran. `known` is their digest by the ledger.
 */
export async function bringVersion(
  context: Context,
  fleet: Fleet,
  states: readonly HostState[],
  { version, known }: { version: string; known: string | null },
): Promise<string | null> {
  const there = states.map((state) => state.versions.find((each) => each.name === version) ?? null);
  const digest = there.find((each) => each?.digest)?.digest ?? null;
  const missing = fleet.hosts.filter((_, index) => there[index] === null);
  if (missing.length === 0) return digest;
  context.log.info(`${version} no longer lies on ${hostCount(missing.length)}; it is fetched again`);
  const inputs = { ...context.inputs, version };
  const artifact = await artifactOf(Object.create(context, { inputs: { value: inputs } }) as Context);
  const ran = digest ?? known;
  if (ran !== null && artifact.digest !== ran) throw otherBytes(context, version, ran, artifact.digest);
  const { id, fence } = context.change!;
  for (const host of missing) {
    const state = states[fleet.hosts.indexOf(host)]!;
    await stageVersion(host, state, artifact, { id, fence }, context.signal);
  }
  return artifact.digest;
}

function otherBytes({ environment }: Context, version: string, there: string, fetched: string): Failure {
  return new Failure({
    code: 'artifact-digest',
    what: `the source gives other bytes for ${version} than those that ran`,
    where: environment!.name,
    why: `what ran here is ${there}; the source gives ${fetched}`,
    untouched: 'no host was moved',
    next: `go back to another version, or make ${there} available again`,
  });
}
