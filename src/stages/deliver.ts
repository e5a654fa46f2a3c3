/** The whole line in one step: every stage in its order, and the way back where one of them says no. */
import { oneLine } from '../escape/escape.ts';
import type { Live } from '../ledger/ledger.ts';
import { Failure, failureFrom, goesOn, type Json, type Result } from '../outcome/outcome.ts';
import { writePapers } from './frame/papers.ts';
import { planFrozen } from './holding/frozen.ts';
import { type LineVerb, partOfLine } from './line.ts';
import { contextFor, passStage } from './pass.ts';
import { recordReference } from './reference.ts';
import { loadStage } from './registry.ts';
import type { Planned, Stage, StageContext } from './stage.ts';
import { takeBack } from './take-back.ts';

type Context = StageContext<'deliver'>;

export const stage: Stage<'deliver'> = {
  verb: 'deliver',

  async plan(context) {
    return context.inputs.plan ? [] : (await planLine(context)).flatMap((part) => part.planned);
  },

  async run(context) {
    if (context.inputs.plan)
      return planned([{ verb: 'deliver', planned: await planFrozen(context) }, ...(await planLine(context))]);
    return deliver(context);
  },

  async turnBack(context, why) {
    const deploy = await loadStage('deploy');
    return deploy.turnBack!(contextFor('deploy', context), why);
  },
};

async function planLine(context: Context): Promise<{ verb: LineVerb; planned: Planned[] }[]> {
  const parts: { verb: LineVerb; planned: Planned[] }[] = [];
  for (const verb of lineOf(context)) {
    context.log.progress(`planning: ${verb}`);
    const planned = await planOf(verb, context).catch((thrown): Planned[] => {
      const failure = failureFrom(thrown);
      return [{ kind: 'obstacle', text: failure.message, failure }];
    });
    parts.push({ verb, planned });
  }
  context.log.progress(null);
  return parts;
}

/** The part of the line that this run passes. Throws input-invalid where it leaves out the people who must approve. */
function lineOf({ inputs, environment }: Context): LineVerb[] {
  const verbs = partOfLine(inputs.from, inputs.until);
  const touches = verbs.includes('migrate') || verbs.includes('deploy');
  if (!touches || verbs.includes('approve') || environment!.approve?.asks !== 'delivery') return verbs;
  throw new Failure({
    code: 'input-invalid',
    what: `from ${inputs.from} leaves out the people who must approve it`,
    where: environment!.name,
    untouched: 'nothing was changed',
    next: 'leave the input from out, or begin at approve',
  });
}

async function planOf<V extends LineVerb>(verb: V, context: Context): Promise<Planned[]> {
  const stage = await loadStage(verb);
  return stage.plan(contextFor(verb, context));
}

function planned(parts: { verb: LineVerb | 'deliver'; planned: Planned[] }[]): Result {
  const lines = parts.flatMap(({ verb, planned }) => planned.map(({ kind, text }) => ({ stage: verb, kind, text })));
  const count = (kind: Planned['kind']) => lines.filter((line) => line.kind === kind).length;
  const obstacles = count('obstacle');
  const first = parts.flatMap((part) => part.planned).find((line) => line.kind === 'obstacle')?.failure;
  return {
    outcome: obstacles ? 'failed' : 'passed',
    code: obstacles ? (first?.code ?? 'config-invalid') : 'planned',
    summary: `a plan, nothing was changed: ${count('will')} to do, ${count('blind')} that could not be judged, ${obstacles} in the way`,
    facts: { plan: lines },
    markdown: planInMarkdown(lines),
    ...(first ? { next: first.next } : {}),
  };
}

const KINDS = { will: 'will', blind: 'cannot judge', obstacle: 'in the way' };

/** As it stands, so that columns stay columns; no line begins with what would end the fence. */
function planInMarkdown(lines: readonly { stage: string; kind: Planned['kind']; text: string }[]): string {
  const rows = lines.map(({ stage, kind, text }) => `${stage.padEnd(10)} ${KINDS[kind].padEnd(12)} ${oneLine(text)}`);
  return ['```text', ...rows, '```', ''].join('\n');
}

async function deliver(context: Context): Promise<Result> {
  const verbs = lineOf(context);
  const before = (await context.ledger!.state(context.environment!.name)).live;
  const results = await passLine(context, verbs);
  const deployed = results[verbs.indexOf('deploy')]?.outcome === 'passed';
  const result = results.at(-1)!;
  if (!goesOn(result.outcome)) {
    // A cancelled run only stops here: what was begun is put back at the end of the job.
    if (context.signal.aborted)
      throw new Failure({ code: 'cancelled', what: 'the run was cancelled', next: 'start again' });
    const verb = verbs[results.length - 1]!;
    const back = deployed || touchedUsers(verb, result);
    return back ? takeBack(context, { verb, result, results, before }) : stopped(context, verb, results, before);
  }
  const mixed = deployed ? await commit(context) : null;
  if (mixed) return stopped(context, 'deploy', [...results, mixed], before);
  const asked = deployed ? await askForAcceptance(context) : null;
  const live = deployed ? context.inputs.version : (before?.version ?? null);
  const papers = await writePapers(context, { results, incident: null, outcome: 'passed' });
  return {
    outcome: 'passed',
    code: 'ok',
    summary: deployed ? `${live} is live in ${context.environment!.name}` : 'nothing was deployed',
    facts: {
      version: context.inputs.version,
      stages: verbs.map((verb, index) => `${verb}: ${results[index]!.outcome}`),
      ...(asked ? { acceptance: asked.facts } : {}),
    },
    outputs: { 'live-version': live, report: papers.report },
  };
}

/** Once a version is live: asks for its acceptance, where that is configured. The delivery has passed all the same. */
async function askForAcceptance(context: Context): Promise<Result | null> {
  if (context.environment!.approve?.asks !== 'acceptance') return null;
  const asked = await passStage('approve', context);
  if (asked.outcome !== 'passed' && asked.outcome !== 'waiting')
    context.log.warn(`acceptance: ${asked.summary}. Next: ${asked.next ?? 'run the approve action to ask again'}`);
  return asked;
}

/** Passes the stages in their order until one says no; what keeps no history is sampled until the deploy. */
async function passLine(context: Context, verbs: readonly LineVerb[]): Promise<Result[]> {
  const reference = verbs.includes('deploy') ? await recordReference(contextFor('watch', context)) : null;
  const results: Result[] = [];
  try {
    for (const verb of verbs) {
      if (verb === 'deploy') await reference?.end();
      results.push(await passStage(verb, context));
      if (!goesOn(results.at(-1)!.outcome)) break;
    }
  } finally {
    await reference?.end();
  }
  return results;
}

/** True for a deploy that had hosts on the new version before it said no: users have met it. */
function touchedUsers(verb: LineVerb, { facts }: Result): boolean {
  const hosts = verb === 'deploy' && Array.isArray(facts.hosts) ? facts.hosts : [];
  return hosts.some((host) =>
    ['back', 'removed', 'lost', 'live'].includes(String((host as { outcome?: Json })?.outcome)),
  );
}

/** Commits what stands; the result where hosts are behind the commit point, which the next run brings forward. */
async function commit(context: Context): Promise<Result | null> {
  const deploy = await loadStage('deploy');
  const settled = await deploy.settle!(contextFor('deploy', context));
  return goesOn(settled.outcome) ? null : settled;
}

/** Stopped before anything was live: there is nothing to take back but what the stage itself has put back. */
async function stopped(context: Context, verb: LineVerb, results: Result[], before: Live | null): Promise<Result> {
  const result = results.at(-1)!;
  const papers = await writePapers(context, { results, incident: null, outcome: result.outcome });
  return {
    outcome: result.outcome,
    code: result.code,
    summary: `stopped at ${verb}: ${result.summary}`,
    facts: { ...result.facts, stage: verb },
    ...(result.next ? { next: result.next } : {}),
    outputs: { 'live-version': before?.version ?? null, report: papers.report },
  };
}
