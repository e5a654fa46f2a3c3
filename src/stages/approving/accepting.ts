/** Acceptance of what runs in one environment, and the demand for it in the environment that comes after. */
import { hear, openRequests, planDigest } from '../../approval/approval.ts';
import type { ApprovalRequest, Bound, EnvironmentState } from '../../ledger/ledger.ts';
import { Failure, type Result } from '../../outcome/outcome.ts';
import type { StageContext } from '../stage.ts';
import { type AskContext, askOrCount } from './asking.ts';
import { commitReplaced } from './showing.ts';

/** Asks people to accept what this change has brought, else what is live. Throws not-accepted where nothing is. */
export async function askAcceptance(context: AskContext): Promise<Result> {
  const state = await context.ledger!.state(context.environment!.name);
  const bound = acceptedFacts(context, state);
  const open = openRequests(state, 'acceptance');
  const match = open.find((each) => each.bound.digest === bound.digest && each.bound.version === bound.version) ?? null;
  return askOrCount(context, { asks: 'acceptance', state, match, bound, plan: [], unplanned: [] });
}

function acceptedFacts({ change, environment }: AskContext, state: EnvironmentState): Bound {
  const brought = change?.events.some(({ stage, outcome }) => stage === 'deploy' && outcome === 'passed');
  const own = brought && change ? change : state.live;
  if (!own?.version || !own.digest) {
    throw new Failure({
      code: 'not-accepted',
      what: 'there is nothing live that could be accepted',
      where: environment!.name,
      untouched: 'nobody was asked',
      next: 'deliver a version first',
    });
  }
  const replaced = state.live?.version === own.version ? state.before[0] : state.live;
  return {
    version: own.version,
    digest: own.digest,
    commit: own.commit,
    config: change?.config ?? '',
    replaces: replaced?.version ?? null,
    plan: planDigest([]),
  };
}

/** What is delivered after an environment whose versions must be accepted. */
export interface Accepted {
  /** The environment that comes before. */
  before: string;
  version: string;
  digest: string;
}

/**
 * That people have accepted this digest where it ran before, read where they said it; in words, for the plan. Null where
 * nobody need accept it. Throws not-accepted.
 */
export async function acceptanceOf(
  context: StageContext<'deploy' | 'migrate' | 'approve'>,
  { before, version, digest }: Accepted,
  state: EnvironmentState,
): Promise<string | null> {
  const config = context.config!;
  const section = config.environments[before]?.approve;
  if (section?.asks !== 'acceptance') return null;
  const request = state.requests.find((each) => isAbout(each, version, digest));
  if (!request) throw notAccepted(context, { before, version, digest }, 'nobody has been asked', null);
  const heard = { product: config.name, environment: before, base: commitReplaced(state, request.bound) };
  const { doubt, expired, until, count } = await hear(context.github(), request, heard, section);
  const because =
    doubt ??
    (expired
      ? `it could be used until ${until}`
      : count.verdict === 'approved'
        ? null
        : count.rejection
          ? `${count.rejection.login} rejected it: ${count.rejection.why}`
          : `${count.lacks} more must accept it`);
  if (because !== null) throw notAccepted(context, { before, version, digest }, because, request);
  return `accepted in ${before} by ${count.approvals.map(({ login }) => login).join(', ')} (${request.url})`;
}

/** Of several questions about a digest the newest counts; what the ledger says of its end is no evidence. */
function isAbout({ asks, bound }: ApprovalRequest, version: string, digest: string): boolean {
  return asks === 'acceptance' && bound.digest === digest && bound.version === version;
}

function notAccepted(
  { environment }: StageContext<'deploy' | 'migrate' | 'approve'>,
  { before, version }: Accepted,
  why: string,
  request: ApprovalRequest | null,
): Failure {
  return new Failure({
    code: 'not-accepted',
    what: `${version} has not been accepted in ${before}`,
    where: environment!.name,
    why,
    untouched: 'nothing was changed',
    next: request
      ? `answer in ${request.url}; where it is over, run the approve action in ${before} to ask again`
      : `run the approve action in ${before} to ask`,
    facts: request ? { issue: request.issue, url: request.url } : {},
  });
}
