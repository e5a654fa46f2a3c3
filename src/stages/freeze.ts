/** Opens a freeze, or ends those that persons and changes have opened; it stands in the ledger before the stage ends. */
import { randomUUID } from 'node:crypto';
import { oneLine } from '../escape/escape.ts';
import { type ActiveFreeze, activeFreezes, nextWindow, untilOf } from '../freeze/freeze.ts';
import { addFreeze, type EnvironmentState, endFreezes, event, type Freeze, isOver } from '../ledger/ledger.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import { nowBy } from './frame/clock.ts';
import { showOnPulls } from './holding/statuses.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'freeze'>;

/** A freeze stands on one line of a status, a list and a terminal. */
const LONGEST_WHY = 300;
/** A letter, a digit or a sign: not only what nobody sees. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
const UNTOUCHED = 'no freeze was opened or ended';
/** Ends this near to each other are the same end: a length of time is asked for a little later the second time. */
const SAME_END_MS = 60_000;

export const stage: Stage<'freeze'> = {
  verb: 'freeze',

  async plan(context) {
    const { end, until } = context.inputs;
    const { name } = context.environment!;
    whyOf(context);
    if (end && until) throw contradiction();
    const how = untilOf(until, nowBy(context.github)) ?? 'it is ended';
    const text = end ? `end the freezes of ${name} that were opened` : `freeze ${name} until ${how}`;
    return [{ kind: 'will', text } satisfies Planned];
  },

  async run(context) {
    const result = await (context.inputs.end ? endAll(context) : open(context));
    const shown = await showOnPulls(context);
    const facts = { ...result.facts, statuses: shown.facts };
    // A shell may have a ledger of its own: then it binds nobody on GitHub.
    const where = context.runner ? null : `kept in ${context.ledger!.where}`;
    const summary = [result.summary, shown.words, where].filter((words) => words !== null).join('; ');
    return { ...result, facts, summary };
  },
};

async function open(context: Context): Promise<Result> {
  const now = nowBy(context.github);
  const freeze: Freeze = {
    id: `freeze-${randomUUID()}`,
    since: now.toISOString(),
    until: untilOf(context.inputs.until, now),
    why: whyOf(context),
    owner: context.change!.holder.actor,
    change: null,
  };
  let stands = false;
  const state = await context.book!.amend((before) => {
    stands = before.freezes.some((each) => !isOver(each, now) && isSame(each, freeze));
    if (stands) return { state: before, entry: null };
    const summary = `nothing ships here until ${freeze.until ?? 'it is ended'}`;
    return { state: addFreeze(before, freeze, now), entry: event('freeze', { summary, why: freeze.why }) };
  });
  const active = stillOn(context, state, now);
  const own = active.find(({ source, why }) => source === 'person' && why === freeze.why);
  const summary = own?.inWords ?? `${context.environment!.name} is frozen: ${freeze.why}`;
  return {
    ...resultOf(context, active, now),
    code: stands ? 'nothing-to-do' : 'frozen',
    summary: stands ? `${summary}; it was before` : summary,
  };
}

async function endAll(context: Context): Promise<Result> {
  const now = nowBy(context.github);
  const why = whyOf(context);
  const { name } = context.environment!;
  let ended: Freeze[] = [];
  const state = await context.book!.amend((before) => {
    ended = before.freezes.filter((each) => !isOver(each, now));
    if (ended.length === 0) return { state: before, entry: null };
    const summary = `ended: ${ended.map((each) => each.why).join('; ')}`;
    return { state: endFreezes(before, now, 'all'), entry: event('freeze', { summary, why }) };
  });
  const active = stillOn(context, state, now);
  const did = ended.length === 0 ? `no freeze of ${name} was there to end` : `ended: ${ended.map(said).join('; ')}`;
  const rest = active.length > 0 ? `still on: ${active.map(({ inWords }) => inWords).join('; ')}` : 'nothing is frozen';
  return {
    ...resultOf(context, active, now),
    code: ended.length === 0 ? 'nothing-to-do' : 'ok',
    summary: `${did}; ${rest}`,
    ...(active.some(({ source }) => source === 'window')
      ? { next: 'a window of changeline.yml ends by itself; to end it sooner change it there' }
      : {}),
  };
}

function resultOf(
  context: Context,
  active: readonly ActiveFreeze[],
  now: Date,
): Pick<Result, 'outcome' | 'facts' | 'outputs'> {
  const next = nextWindow(context.environment!.freeze, now);
  return {
    outcome: 'passed',
    facts: { freezes: active.map((freeze) => ({ ...freeze })), next: next && { ...next } },
    outputs: { frozen: active.length > 0 },
  };
}

/** What is on afterwards; whatever stops a delivery stops a merge too. */
function stillOn(context: Context, state: EnvironmentState, now: Date): ActiveFreeze[] {
  const { name, freeze } = context.environment!;
  return activeFreezes(name, freeze, state, now, 'merges');
}

function isSame(a: Freeze, b: Freeze): boolean {
  if (a.why !== b.why || a.change !== b.change) return false;
  if (a.until === null || b.until === null) return a.until === b.until;
  return Math.abs(Date.parse(a.until) - Date.parse(b.until)) < SAME_END_MS;
}

function said({ why, owner }: Freeze): string {
  return `${why} (${owner})`;
}

/** Everyone who is stopped reads it: one line, without secrets. */
function whyOf(context: Context): string {
  const why = oneLine(context.inputs.why).trim();
  const isSeen = VISIBLE.test(why);
  if (isSeen && why.length <= LONGEST_WHY) return why;
  throw new Failure({
    code: 'input-invalid',
    what: isSeen ? `why has ${why.length} characters` : 'why has no visible character',
    untouched: UNTOUCHED,
    next: `say why in at most ${LONGEST_WHY} characters`,
  });
}

function contradiction(): Failure {
  return new Failure({
    code: 'input-invalid',
    what: 'end and until are both given',
    why: '`end` ends what is on now',
    untouched: UNTOUCHED,
    next: 'leave one of them out',
  });
}
