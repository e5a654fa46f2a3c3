/** Overrides: who lets a pull request in against the gate. The ledger points to the comment; the comment decides. */
import type { GateSection } from '../config/config.ts';
import { type GitHub, type Runner, type Standing, standing } from '../github/github.ts';
import {
  append,
  closeChange,
  type EnvironmentState,
  event,
  type Ledger,
  type Override,
  openChange,
  type Write,
} from '../ledger/ledger.ts';
import { type Code, Failure } from '../outcome/outcome.ts';
import {
  countedInMarkdown,
  longestOf,
  type OverrideComment,
  objectionTo,
  overrideAtSource,
  parseOverride,
  refusedInMarkdown,
} from './override-words.ts';

export { type ParsedOverride, parseOverride } from './override-words.ts';

/** The pseudo-environment of the ledger in whose state the overrides of the gate stand. */
export const GATE_RECORD = '.gate';

/** How many overrides the state keeps; those that are over go first. */
const KEPT = 50;

/**
 * Those of the overrides that count now, as their comments say it: the comment is still there, by the same person,
 * never edited or hidden, on that pull request, and the person's word counts now. Asks nothing where none is left that
 * could. Rejects with a Failure.
 */
export async function verifyOverrides(
  github: GitHub,
  overrides: readonly Override[],
  rule: GateSection['override'],
  now: Date,
): Promise<Override[]> {
  const open = overrides.filter((override) => Date.parse(override.until) > now.getTime());
  if (open.length === 0) return [];
  const comments = await readComments(github, [...new Set(open.map((override) => override.comment))]);
  const given = { repository: github.repository, longest: longestOf(rule), now };
  const said = open.flatMap((override) => {
    const comment = comments.get(override.comment);
    return (comment && overrideAtSource(override, comment, given)) ?? [];
  });
  const standings = new Map<string, Promise<Standing>>();
  for (const { by } of said) {
    const login = by.toLowerCase();
    if (!standings.has(login)) standings.set(login, standing(github, by, rule.from).catch(countsNot));
  }
  const counted = await Promise.all(
    said.map(async ({ by }) => (await standings.get(by.toLowerCase()))?.counts === true),
  );
  return said.filter((_, index) => counted[index]);
}

/** Where the team of one person cannot be read, their word alone does not count: nobody else's change waits for that. */
function countsNot(thrown: unknown): Standing {
  if (!(thrown instanceof Failure) || thrown.code !== 'config-invalid') throw thrown;
  return { counts: false, because: thrown.what };
}

/** What came of a comment that asked for an override. */
export interface Taken {
  /** `nothing-to-do`: the run was not started by an override on a pull request. */
  code: Extract<Code, 'ok' | 'override-refused' | 'nothing-to-do'>;
  /** One line, plain: what counts now or, where it is refused, why it does not count. */
  summary: string;
  pull: number | null;
  /** The override that the comment gives; null where it gives none. */
  override: Override | null;
}

/**
 * Takes the override that the comment of this run asks for: reads it at its source, writes it into the ledger, answers
 * on the pull request. For the same comment a second time nothing is written or answered again. Rejects with a Failure
 * where GitHub or the ledger cannot be reached.
 */
export async function takeOverride(
  github: GitHub,
  ledger: Ledger | null,
  section: GateSection | null,
  runner: Runner,
): Promise<Taken> {
  const asked = askedIn(runner);
  if (!asked) return { code: 'nothing-to-do', summary: 'no comment on a pull request', pull: null, override: null };
  const comment = (await readComments(github, [asked.comment])).get(asked.comment);
  if (!comment) return { code: 'override-refused', summary: 'the comment is gone', pull: asked.pull, override: null };
  const pull = comment.pull?.number ?? asked.pull;
  const parsed = parseOverride(comment.body, new Date(comment.at), section ? longestOf(section.override) : 0);
  if (!parsed) return { code: 'nothing-to-do', summary: 'the comment asks for no override', pull, override: null };
  const refuse = async (why: string): Promise<Taken> => {
    await answer(github, comment, pull, refusedInMarkdown(why));
    return { code: 'override-refused', summary: why, pull, override: null };
  };
  if (!section || !ledger) return refuse(UNRECORDED);
  if (parsed.kind === 'wrong') return refuse(parsed.problem);
  const judged = await judge(github, comment, section.override);
  if ('against' in judged) return refuse(judged.against);
  const record: Recording = { ledger, runner, now: github.now() };
  if (parsed.kind === 'end') {
    if (!(await withdraw(record, pull, judged.by))) return refuse('none is on for this pull request');
    const summary = `${judged.by} withdrew the override of #${pull}`;
    await answer(github, comment, pull, 'The override is withdrawn.');
    return { code: 'ok', summary, pull, override: null };
  }
  if (parsed.until <= record.now) return refuse('it is over already');
  const until = parsed.until.toISOString();
  const { id, at } = comment;
  const override = { id: `override-${id}`, pull, comment: id, by: judged.by, why: parsed.why, since: at, until };
  await letIn(record, override);
  await answer(github, comment, pull, countedInMarkdown(override, judged.because, comment.pull?.state === 'MERGED'));
  return { code: 'ok', summary: `${judged.by} lets #${pull} in until ${until}: ${parsed.why}`, pull, override };
}

const UNRECORDED =
  'an override needs a changeline.yml on the default branch: it says who may give one, and its ledger keeps it';

/** What GitHub told of the comment that started this run; null where it was none on a pull request. */
function askedIn({ event: name, payload }: Runner): { comment: string; pull: number } | null {
  if (name !== 'issue_comment' || payload.action !== 'created') return null;
  const { node_id: comment } = (payload.comment ?? {}) as { node_id?: unknown };
  const { number, pull_request: isPull } = (payload.issue ?? {}) as { number?: unknown; pull_request?: unknown };
  return typeof comment === 'string' && typeof number === 'number' && isPull ? { comment, pull: number } : null;
}

/** Whether the word of who wrote the comment counts, and why or why not. */
async function judge(
  github: GitHub,
  comment: OverrideComment,
  rule: GateSection['override'],
): Promise<{ by: string; because: string } | { against: string }> {
  const against = objectionTo(comment, github.repository);
  if (against !== null || !comment.author) return { against: against ?? 'the account is gone' };
  // Who merged past the gate with a bypass says afterwards why.
  if (comment.pull?.state === 'CLOSED') return { against: 'the pull request is not open' };
  const { login } = comment.author;
  const { counts, because } = await standing(github, login, rule.from);
  return counts ? { by: login, because } : { against: `${login} ${because}` };
}

interface Recording {
  ledger: Ledger;
  runner: Runner;
  now: Date;
}

/** Writes the override into the ledger, once for a comment. */
async function letIn({ ledger, runner, now }: Recording, override: Override): Promise<void> {
  const { overrides } = await ledger.state(GATE_RECORD);
  if (overrides.some((one) => one.comment === override.comment)) return;
  const { pull, by, why, since, until } = override;
  await ledger.write(GATE_RECORD, (state) => {
    const others = openOf(state, now).filter((one) => one.comment !== override.comment);
    const summary = `${by} lets #${pull} in`;
    const facts = { pull, by, since, until, comment: override.comment };
    return record({ ...state, overrides: [override, ...others].slice(0, KEPT) }, runner, { summary, why, facts });
  });
}

/** Takes the overrides of a pull request out of the ledger; false where none is on. */
async function withdraw({ ledger, runner, now }: Recording, pull: number, by: string): Promise<boolean> {
  const isOf = (override: Override) => override.pull === pull;
  if (!openOf(await ledger.state(GATE_RECORD), now).some(isOf)) return false;
  await ledger.write(GATE_RECORD, (state) => {
    const overrides = openOf(state, now).filter((override) => !isOf(override));
    const summary = `${by} withdrew the override of #${pull}`;
    return record({ ...state, overrides }, runner, { summary, facts: { pull, by } });
  });
  return true;
}

function openOf({ overrides }: EnvironmentState, now: Date): Override[] {
  return overrides.filter((override) => Date.parse(override.until) > now.getTime());
}

/** One closed change that holds what a person said. */
function record(
  state: EnvironmentState,
  { repository, run, attempt, job, url, actor, sha }: Runner,
  said: Parameters<typeof event>[1] & { summary: string },
): Write {
  const holder = { kind: 'actions', repository, run, attempt, job, url, actor } as const;
  const opening = { verb: 'gate', version: null, digest: null, commit: sha || null, config: null, holder };
  const opened = openChange(state, opening, false);
  const change = append(opened.change, [event('override', said)]);
  return closeChange(opened.state, change, 'passed', event('closed', { outcome: 'passed', code: 'ok' }));
}

const COMMENTS = `query ($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on IssueComment {
      id body createdAt lastEditedAt includesCreatedEdit isMinimized
      author { __typename login } repository { nameWithOwner } pullRequest { number state }
    }
  }
}`;

interface CommentAnswer {
  id?: string;
  body: string;
  createdAt: string;
  lastEditedAt: string | null;
  includesCreatedEdit: boolean;
  isMinimized: boolean;
  author: { __typename: string; login: string } | null;
  repository: { nameWithOwner: string };
  pullRequest: OverrideComment['pull'];
}

/** The comments by their ids, as they are now. Those that are gone, and what is no comment, are missing. */
async function readComments(github: GitHub, ids: readonly string[]): Promise<Map<string, OverrideComment>> {
  try {
    const { nodes } = await github.graphql<{ nodes: (CommentAnswer | null)[] }>(COMMENTS, { ids }, COMMENTS_NEED);
    return new Map(nodes.flatMap((node) => (node?.id ? [[node.id, commentOf(node, node.id)] as const] : [])));
  } catch (thrown) {
    // One that is gone makes GitHub refuse the others with it: then each is asked for alone.
    if (!(thrown instanceof Failure) || thrown.code !== 'github-not-found') throw thrown;
    if (ids.length <= 1) return new Map();
    const each = await Promise.all(ids.map((id) => readComments(github, [id])));
    return new Map(each.flatMap((found) => [...found]));
  }
}

const COMMENTS_NEED = 'pull-requests: read';

function commentOf(node: CommentAnswer, id: string): OverrideComment {
  const { author, body, createdAt, isMinimized, repository, pullRequest } = node;
  return {
    id,
    author: author && { login: author.login, kind: author.__typename },
    body,
    at: createdAt,
    edited: node.lastEditedAt !== null || node.includesCreatedEdit,
    minimized: isMinimized,
    repository: repository.nameWithOwner,
    pull: pullRequest,
  };
}

/** Answers on the pull request, once for a comment: a mark that is not shown names the comment that was answered. */
async function answer(github: GitHub, comment: OverrideComment, pull: number, markdown: string): Promise<void> {
  const { rest, paginate } = await github.client();
  const mark = `<!-- changeline answers ${comment.id.replace(/[^\w=-]/g, '')} -->`;
  const at = { ...github.at, issue_number: pull };
  const later = await paginate(rest.issues.listComments, { ...at, since: comment.at, per_page: 100 });
  if (later.some(({ body }) => body?.includes(mark))) return;
  await rest.issues.createComment({ ...at, body: `${markdown}\n\n${mark}` });
}
