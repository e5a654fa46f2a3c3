/** Says whether the main branch is green: alone as a status on pull requests, in a delivery as a condition. */
import {
  failedInMarkdown,
  nextStep,
  readVerdict,
  targetOf,
  type Verdict,
  verdictInWords,
  type Written,
  writeVerdict,
} from '../gate/gate.ts';
import type { GitHub } from '../github/github.ts';
import { type Facts, Failure, type Result } from '../outcome/outcome.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'gate'>;

/** The stage of the verb `gate`. */
export const stage: Stage<'gate'> = {
  verb: 'gate',

  async plan(context) {
    const github = githubOf(context);
    if (!github) return [{ kind: 'blind', text: `${UNCONFIGURED}; whether the main branch is green is not asked` }];
    const branch = context.config?.gate?.branch ?? 'the default branch';
    const will: Planned = { kind: 'will', text: `ask whether ${branch} of ${github.repository} is green` };
    // Alone, a closed gate is an answer, not an obstacle; so nothing is asked before the work itself.
    if (!isInDelivery(context)) return [will];
    const verdict = await verdictFor(context, github);
    if (verdict.open) return [will];
    return [will, { kind: 'obstacle', text: verdictInWords(verdict), failure: closedFailure(verdict, github) }];
  },

  async run(context) {
    const github = githubOf(context);
    if (!github) return unconfigured();
    const verdict = await verdictFor(context, github);
    if (isInDelivery(context)) {
      if (!verdict.open) throw closedFailure(verdict, github);
      return result(verdict, NOTHING_WRITTEN);
    }
    const written = await writeVerdict(github, verdict, targetOf(context.runner, verdict.branch));
    if (written.warning) context.log.warn(written.warning);
    return result(verdict, written);
  },
};

const UNCONFIGURED = 'there is no GitHub repository to ask';
const NOTHING_WRITTEN: Written = { written: 0, unchanged: 0, warning: null };

/** In a delivery a closed gate stops the line; without an environment the gate only tells. */
function isInDelivery(context: Context): boolean {
  return context.environment !== null;
}

/** GitHub, or null where there is none to ask and changeline.yml does not ask for it. */
function githubOf(context: Context): GitHub | null {
  try {
    return context.github();
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'not-configured') throw thrown;
    if (!context.config?.gate) return null;
    throw new Failure({
      code: 'gate-unknown',
      what: `changeline.yml has a gate section, but ${thrown.what}`,
      next: thrown.next,
      outcome: 'inconclusive',
      cause: thrown,
    });
  }
}

function verdictFor(context: Context, github: GitHub): Promise<Verdict> {
  const gate = context.config?.gate;
  return readVerdict(github, gate?.branch ?? null, gate?.checks ?? null);
}

function result(verdict: Verdict, written: Written): Result {
  const next = nextStep(verdict);
  const markdown = failedInMarkdown(verdict);
  return {
    outcome: 'passed',
    code: codeOf(verdict),
    summary: verdictInWords(verdict),
    facts: factsOf(verdict, written),
    outputs: { open: verdict.open, state: verdict.state },
    ...(markdown ? { markdown } : {}),
    ...(next ? { next } : {}),
  };
}

function unconfigured(): Result {
  return {
    outcome: 'skipped',
    code: 'not-configured',
    summary: UNCONFIGURED,
    facts: { schema: 1 },
    outputs: { open: null, state: 'unknown' },
    next: 'set GITHUB_REPOSITORY and CHANGELINE_TOKEN, if the build on GitHub should be asked',
  };
}

function closedFailure(verdict: Verdict, github: GitHub): Failure {
  return new Failure({
    code: codeOf(verdict),
    what: verdictInWords(verdict),
    where: github.repository,
    untouched: 'nothing was changed',
    next: nextStep(verdict) ?? 'run it again',
    facts: factsOf(verdict, NOTHING_WRITTEN),
    outcome: verdict.state === 'red' ? 'failed' : 'inconclusive',
  });
}

function codeOf(verdict: Verdict): 'gate-open' | 'gate-red' | 'gate-unknown' {
  if (verdict.open) return 'gate-open';
  return verdict.state === 'red' ? 'gate-red' : 'gate-unknown';
}

function factsOf(verdict: Verdict, written: Written): Facts {
  const { state, open, branch, head, judged, distance, by, since, looked } = verdict;
  const red = verdict.red.map(({ name, said, at, url }) => ({ name, said, at, url }));
  const statuses = { written: written.written, unchanged: written.unchanged };
  return { schema: 1, state, open, branch, head, judged, distance, by, since, looked, red, statuses };
}
