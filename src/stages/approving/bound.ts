/** What an approval is bound to, as it is now: nothing of it is taken from an earlier question. */
import { commitOfTag, planDigest } from '../../approval/approval.ts';
import type { Artifact } from '../../artifact/artifact.ts';
import type { Bound, EnvironmentState } from '../../ledger/ledger.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import { artifactOf } from '../artifact-of.ts';
import { contextFor } from '../pass.ts';
import { loadStage } from '../registry.ts';
import type { Planned, StageContext } from '../stage.ts';

type Context = StageContext<'approve'>;

/** The facts of a delivery, with the plan that they bind. */
export interface Facts {
  bound: Bound;
  /** What would be done to databases and hosts; null where it could not be planned as a whole. */
  plan: string[] | null;
  /** What could not be planned, and why. */
  unplanned: string[];
}

/** Fetches the artifact and plans what would be done with it. `state` is the environment's. Touches nothing. */
export async function factsNow(context: Context, state: EnvironmentState): Promise<Facts> {
  const artifact = await artifactOf(context);
  const lines = [...(await planOf('migrate', context)), ...(await planOf('deploy', context))];
  const unplanned = lines.filter(({ kind }) => kind === 'obstacle').map(({ text }) => text);
  const plan = unplanned.length > 0 ? null : lines.filter(({ kind }) => kind === 'will').map(({ text }) => text);
  const bound = {
    version: artifact.version,
    digest: artifact.digest,
    commit: await commitOf(context, artifact.built),
    config: context.change?.config ?? '',
    replaces: state.live?.version ?? null,
    plan: planDigest(plan),
  };
  // The next delivery compares with this commit.
  if (bound.commit !== null && context.change?.commit !== bound.commit)
    await context.book?.learn({ commit: bound.commit });
  return { bound, plan, unplanned };
}

/** The commit that the artifact was built from, where that is known; else the one that this run is about. */
async function commitOf(context: Context, built: Artifact['built']): Promise<string | null> {
  const tagged = built && 'tag' in built ? await commitOfTag(context.github(), built.tag) : null;
  return tagged ?? (built && 'commit' in built ? built.commit : (context.runner?.sha ?? null));
}

async function planOf(verb: 'migrate' | 'deploy', context: Context): Promise<Planned[]> {
  try {
    const stage = await loadStage(verb);
    const planned = await stage.plan(bare(contextFor(verb, context)) as never);
    return planned.filter(({ failure }) => failure?.code !== 'frozen');
  } catch (thrown) {
    const failure = failureFrom(thrown);
    return [{ kind: 'obstacle', text: `${verb}: ${failure.message}`, failure }];
  }
}

/**
 * Only what would be done to databases and hosts: where it passed before, who has approved it and which freeze is on
 * are asked elsewhere, and are different at each time.
 */
function bare<V extends 'migrate' | 'deploy'>(context: StageContext<V>): StageContext<V> {
  const { after: _after, approve: _approve, freeze: _freeze, ...environment } = context.environment!;
  return Object.create(context, { environment: { value: environment }, book: { value: null } }) as StageContext<V>;
}
