/** Watches cluster and business after a release, and says whether they got worse. */
import { inWords, milliseconds } from '../duration/duration.ts';
import { budget, type Observation } from '../observation/observation.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import type { Planned, Stage, StageContext } from './stage.ts';
import { isFirstVersion, openWatch } from './watching.ts';

type Context = StageContext<'watch'>;

/** The stage of the verb `watch`. */
export const stage: Stage<'watch'> = {
  verb: 'watch',

  async plan(context): Promise<Planned[]> {
    const length = lengthOf(context);
    if (context.environment?.watch && (await isFirstVersion(context))) return [{ kind: 'blind', text: FIRST }];
    const open = await openWatch(context);
    if (open === null)
      return [{ kind: 'blind', text: 'no watch is configured: whether the change harms users is not judged' }];
    try {
      return await open.watcher.plan(length);
    } finally {
      await open.close();
    }
  },

  async run(context) {
    const length = lengthOf(context);
    if (!context.environment?.watch) return skipped('not-configured', 'no watch is configured');
    if (await isFirstVersion(context)) return skipped('nothing-to-do', FIRST);
    const open = (await openWatch(context))!;
    try {
      const deployed = deployedAt(context, length);
      const waves = deployed === null ? 1 : (context.environment!.deploy?.waves.length ?? 1);
      context.log.info(`watching for ${inWords(length)}`);
      const observation = await open.watcher.observe({
        for: length,
        label: context.change?.version ? `watch of ${context.change.version}` : 'watch',
        since: deployed?.end,
        referenceEnd: deployed?.begin,
        share: budget(waves).last,
      });
      return resultOf(observation);
    } finally {
      await open.close();
    }
  },
};

/** Milliseconds to watch. Throws `input-invalid`. */
function lengthOf({ inputs, environment }: Context): number {
  const text = inputs.for || environment?.watch?.for || '5m';
  const length = milliseconds(text);
  if (length !== null && length > 0) return length;
  throw new Failure({
    code: 'input-invalid',
    what: `for: ${text} is not a length of time`,
    untouched: 'nothing was changed',
    next: 'write it as 30s, 5m or 1h',
  });
}

/** When this change's deploy began and ended; null where it was not deployed, or so long ago that only now counts. */
function deployedAt({ change }: Context, length: number): { begin: Date; end: Date } | null {
  const event = change?.events.findLast(
    ({ kind, stage, outcome }) => kind === 'stage' && stage === 'deploy' && outcome === 'passed',
  );
  if (!event) return null;
  const end = new Date(event.at);
  const begin = new Date(end.getTime() - (event.took ?? 0));
  return { begin, end: Date.now() - end.getTime() > length ? new Date() : end };
}

const FIRST = 'the first version here: there is nothing to compare with yet';

function skipped(code: 'not-configured' | 'nothing-to-do', summary: string): Result {
  return { outcome: 'skipped', code, summary, facts: {}, outputs: { verdicts: '[]' } };
}

function resultOf(observation: Observation): Result {
  const { outcome, code, summary, facts, charts, impact, markdown, next } = observation;
  return {
    outcome,
    code,
    summary,
    facts,
    outputs: { verdicts: JSON.stringify(facts.verdicts) },
    charts,
    impact,
    markdown,
    ...(next ? { next } : {}),
  };
}
