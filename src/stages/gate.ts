/** Says whether anything may merge: alone as a status on pull requests and the queue, in a delivery as a condition. */
import { type MainQuestion, nextStep, readMain, type Verdict, verdictInWords } from '../gate/gate.ts';
import type { GitHub } from '../github/github.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import { codeOfMain, factsOfMain, outputsOf, resultOfMain } from './holding/gate-result.ts';
import { gateAlone, mainQuestion } from './holding/gating.ts';
import { overrideEvent, overrideOf } from './holding/overriding.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'gate'>;
type Word = NonNullable<Awaited<ReturnType<typeof overrideOf>>>;

/** The stage of the verb `gate`. */
export const stage: Stage<'gate'> = {
  verb: 'gate',

  async plan(context) {
    const github = githubOf(context);
    if (!github) return [{ kind: 'blind', text: `${UNCONFIGURED}; whether the main branch is green is not asked` }];
    const branch = context.config?.gate?.branch ?? 'the default branch';
    const will: Planned = { kind: 'will', text: `ask whether ${branch} of ${github.repository} is green` };
    // Alone, a closed gate is an answer, not an obstacle; so nothing is asked before the work itself.
    if (!isInDelivery(context)) {
      if (context.inputs.override) throw useless();
      return [will];
    }
    const verdict = await readMain(github, questionOf(context));
    if (verdict.open) return [will];
    const word = await overrideOf(context);
    if (word) return [will, { kind: 'will', text: `override: ${inWords(verdict, word)}` }];
    return [will, { kind: 'obstacle', text: verdictInWords(verdict), failure: closedFailure(verdict, github) }];
  },

  async run(context) {
    const github = githubOf(context);
    if (!github) return unconfigured();
    if (!isInDelivery(context)) return gateAlone(context, github);
    const verdict = await readMain(github, questionOf(context));
    if (verdict.open) return resultOfMain(verdict);
    const word = await overrideOf(context);
    if (!word) throw closedFailure(verdict, github);
    return letIn(context, verdict, word);
  },
};

const UNCONFIGURED = 'there is no GitHub repository to ask';

/** In a delivery a closed gate stops the line; without an environment the gate only tells. */
function isInDelivery(context: Context): boolean {
  return context.environment !== null;
}

function questionOf({ config }: Context): MainQuestion {
  return mainQuestion(config, config?.gate?.branch ?? null);
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

/** A person takes it upon themselves: the line goes on, and who said so stands in the ledger. */
async function letIn(context: Context, verdict: Verdict, word: Word): Promise<Result> {
  await context.book?.record(overrideEvent('gate', word, [verdictInWords(verdict)]));
  const override = { by: word.by, why: word.why };
  return {
    outcome: 'passed',
    code: 'gate-open',
    summary: inWords(verdict, word),
    facts: { ...factsOfMain(verdict), override },
    outputs: { ...outputsOf(verdict), open: true },
  };
}

function inWords(verdict: Verdict, { by, why }: Word): string {
  return `let in by ${by} (${why}) although ${verdictInWords(verdict)}`;
}

function useless(): Failure {
  return new Failure({
    code: 'input-invalid',
    what: 'override is given, and no environment',
    why: 'the input counts in a delivery; a pull request is let in by a comment, `/override because …`',
    untouched: 'nothing was changed',
    next: 'name the environment, or leave override out',
  });
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
  const next = nextStep(verdict) ?? 'run it again';
  return new Failure({
    code: codeOfMain(verdict, []),
    what: verdictInWords(verdict),
    where: github.repository,
    untouched: 'nothing was changed',
    next: `${next}, or say in the input override why this may pass`,
    facts: factsOfMain(verdict),
    outcome: verdict.state === 'red' ? 'failed' : 'inconclusive',
  });
}
