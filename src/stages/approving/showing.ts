/** What people see in the issue beside the facts: the plan, the commits since what is live, where it passed before. */
import { type Commits, commitsSince, type Question, type Shown, untilOf } from '../../approval/approval.ts';
import type { GitHub } from '../../github/github.ts';
import type { Bound, EnvironmentState } from '../../ledger/ledger.ts';
import type { StageContext } from '../stage.ts';
import type { Facts } from './bound.ts';

type Context = StageContext<'approve'>;

/** Gathers it. `changed` says why it is asked again; empty where it is asked for the first time. */
export async function shownFor(
  context: Context,
  question: Question,
  state: EnvironmentState,
  given: Pick<Facts, 'plan' | 'unplanned'> & { changed: readonly string[] },
): Promise<Shown> {
  const section = context.environment!.approve!;
  const github = context.github();
  const [isOpen, commits, evidence] = await Promise.all([
    context.config!['ledger-details'] ? false : isPublic(github),
    commitsOf(github, question.bound, state),
    evidenceOf(context, question),
  ]);
  return {
    required: section.required,
    from: section.from,
    notAuthor: section['not-author'],
    until: untilOf(github.now().toISOString(), section),
    // As with the ledger: what everybody can read names no hosts and no databases.
    plan: isOpen ? null : (given.plan ?? []),
    unplanned: isOpen && given.unplanned.length > 0 ? ['the log of the run says why'] : given.unplanned,
    commits,
    evidence,
    changed: given.changed,
    run: context.runner?.url || null,
  };
}

/** The commit of the version that was live when the question was asked; null where there was none, or it is not known. */
export function commitReplaced(state: EnvironmentState, { replaces }: Pick<Bound, 'replaces'>): string | null {
  const all = state.live ? [state.live, ...state.before] : state.before;
  const commit = all.find(({ version }) => version === replaces)?.commit ?? '';
  // A name that anybody can move is no commit, whatever the ledger says.
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : null;
}

async function commitsOf(github: GitHub, bound: Bound, state: EnvironmentState): Promise<Commits | null> {
  const base = commitReplaced(state, bound);
  const isKnown = bound.commit !== null && (base !== null || bound.replaces === null);
  return isKnown ? commitsSince(github, base, bound.commit!) : null;
}

/** Where and when this digest passed before, and how its stages ended there; for an acceptance, how they ended here. */
async function evidenceOf(context: Context, { asks, bound }: Question): Promise<string[]> {
  const before = asks === 'acceptance' ? context.environment!.name : context.environment!.after;
  if (!before) return [];
  const own = asks === 'acceptance' ? context.change : null;
  const changes = own ? [own] : await context.ledger!.recent(before, 30);
  const change = changes.find((each) => own !== null || (each.digest === bound.digest && each.outcome === 'passed'));
  if (!change) return [];
  const stages = change.events
    .filter(({ kind, stage, outcome }) => kind === 'stage' && stage && outcome && stage !== 'deliver')
    .map(({ stage, outcome }) => `${stage} ${outcome}`);
  const how = stages.length > 0 ? `: ${stages.join(', ')}` : '';
  return own
    ? [`This delivery to ${before}${how}`]
    : [`This digest passed in ${before} at ${change.closed ?? ''}${how}`];
}

async function isPublic(github: GitHub): Promise<boolean> {
  const query = 'query ($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { isPrivate } }';
  const answer = await github.graphql<{ repository: { isPrivate: boolean } }>(query, github.at);
  return !answer.repository.isPrivate;
}
