/** Watches cluster and business after a release, and says whether they got worse. */
import { milliseconds } from '../duration/duration.ts';
import { budget, type Length, lengthInWords, watchLength } from '../observation/observation.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import { letPass, planLetPass } from './holding/undecided-watch.ts';
import type { Planned, Stage, StageContext } from './stage.ts';
import { openWatch, resultOfWatch, tellingLedger } from './watching.ts';

type Context = StageContext<'watch'>;

/** The stage of the verb `watch`. */
export const stage: Stage<'watch'> = {
  verb: 'watch',

  async plan(context): Promise<Planned[]> {
    const length = lengthOf(context);
    const open = await openWatch(context);
    if (open === null) return [{ kind: 'blind', text: context.environment?.watch ? FIRST : UNWATCHED }];
    try {
      if (context.inputs.drill) return [{ kind: 'will', text: `drill a watch of ${lengthInWords(length)}` }];
      return await planLetPass(context, await open.watcher.plan(length));
    } finally {
      await open.close();
    }
  },

  async run(context) {
    const length = lengthOf(context);
    if (!context.environment?.watch)
      return context.inputs.drill ? UNGUARDED : skipped('not-configured', 'no watch is configured');
    const open = await openWatch(context);
    if (open === null) return skipped('nothing-to-do', FIRST);
    try {
      if (context.inputs.drill) {
        const share = budget(context.environment.deploy?.waves.length ?? 1).last;
        const { next, ...drill } = await open.watcher.drill({ for: length, share, harm: context.inputs.harm });
        return { ...drill, outputs: { verdicts: '[]' }, ...(next === null ? {} : { next }) };
      }
      const deployed = deployedAt(context, length);
      const waves = deployed === null ? 1 : (context.environment!.deploy?.waves.length ?? 1);
      context.log.info(`watching for ${lengthInWords(length)}`);
      const observation = await open.watcher.observe({
        for: length,
        label: context.change?.version ? `watch of ${context.change.version}` : 'watch',
        since: deployed?.end,
        referenceEnd: deployed?.begin,
        share: budget(waves).last,
        onEvent: tellingLedger(context),
      });
      const outputs = { verdicts: JSON.stringify(observation.facts.verdicts) };
      return await letPass(context, { ...resultOfWatch(observation), outputs });
    } finally {
      await open.close();
    }
  },
};

/** How long to watch. Throws `input-invalid`. */
function lengthOf({ inputs, environment }: Context): Length {
  if (!inputs.for) return environment?.watch ? watchLength(environment.watch) : { min: 0, max: 0 };
  const length = milliseconds(inputs.for);
  if (length !== null && length > 0) return { min: length, max: length };
  throw new Failure({
    code: 'input-invalid',
    what: `for: ${inputs.for} is not a length of time`,
    untouched: 'nothing was changed',
    next: 'write it as 30s, 5m or 1h',
  });
}

/** When this change's deploy began and ended; null where it was not deployed, or so long ago that only now counts. */
function deployedAt({ change }: Context, length: Length): { begin: Date; end: Date } | null {
  const event = change?.events.findLast(
    ({ kind, stage, outcome }) => kind === 'stage' && stage === 'deploy' && outcome === 'passed',
  );
  if (!event) return null;
  const end = new Date(event.at);
  const begin = new Date(end.getTime() - (event.took ?? 0));
  return { begin, end: Date.now() - end.getTime() > length.min ? new Date() : end };
}

const FIRST = 'the first version here: there is nothing to compare with yet, and no metric has a limit';
const UNWATCHED = 'no watch is configured: whether the change harms users is not judged';

/** A drill that stays green where there is no guard would be believed. */
const UNGUARDED: Result = {
  outcome: 'failed',
  code: 'drill-blind',
  summary: 'drill: no watch is configured, so nothing would have fired',
  facts: {},
  outputs: { verdicts: '[]' },
  next: 'add a watch section to the environment in changeline.yml',
};

function skipped(code: 'not-configured' | 'nothing-to-do', summary: string): Result {
  return { outcome: 'skipped', code, summary, facts: {}, outputs: { verdicts: '[]' } };
}
