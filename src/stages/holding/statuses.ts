/** Brings the gate's statuses up to date at once, where something that the gate looks at was just changed. */
import { freezingEnvironments, writeStatuses } from '../../gate/gate.ts';
import { failureFrom, type Json } from '../../outcome/outcome.ts';
import { defaultBranchOf } from '../frame/default-branch.ts';
import type { StageContext } from '../stage.ts';

/** What pull requests show now, for people, and in numbers; null where none was looked at. */
interface Shown {
  words: string | null;
  facts: Json;
}

/**
 * Writes the status of every open pull request and queued group as the gate itself does, on GitHub's runner. Never
 * throws: what was changed stands, and the gate's next run writes what this one could not.
 */
export async function showOnPulls(context: StageContext<'freeze'>): Promise<Shown> {
  const { runner, ledger, config, environment } = context;
  if (!runner) return hasGitHub(context) ? LATER : { words: null, facts: null };
  if (!freezingEnvironments(config).includes(environment!.name))
    return { words: `freezes of ${environment!.name} stop no merges`, facts: null };
  try {
    const github = context.github();
    const main = await defaultBranchOf(github);
    // The gate goes by the rules of the default branch; what lies in this checkout may be others.
    if (runner.ref !== `refs/heads/${main}`) return LATER;
    const target = { kind: 'all', pushed: null } as const;
    const branch = config?.gate?.branch ?? main;
    const { swept } = await writeStatuses(github, { branch, config, ledger, target });
    const { written, unchanged, left, behind } = swept;
    if (behind) context.log.warn(`${left} heads do not show it yet: ${behind.why}; the gate's next run goes on`);
    const words = left > 0 ? `${left} pull requests do not show it yet` : `pull requests show it (${written} written)`;
    return { words, facts: { written, unchanged, left } };
  } catch (thrown) {
    const { what, next } = failureFrom(thrown);
    context.log.warn(`${LATER.words}: ${what}; to show it at once, ${next}`);
    return LATER;
  }
}

const LATER: Shown = { words: 'pull requests show it at the next run of the gate', facts: null };

function hasGitHub(context: StageContext<'freeze'>): boolean {
  try {
    return Boolean(context.github());
  } catch {
    return false;
  }
}
