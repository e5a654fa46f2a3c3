/** Asks people to approve exactly this delivery, or to accept what runs, and counts what they have answered. */
import { checkTeams } from '../github/github.ts';
import { Failure, failureFrom, type Result } from '../outcome/outcome.ts';
import { askAcceptance } from './approving/accepting.ts';
import { answer } from './approving/answering.ts';
import { type AskContext, askDelivery } from './approving/asking.ts';
import { contextFor } from './pass.ts';
import { planPrecedence } from './precedence.ts';
import type { Planned, Stage } from './stage.ts';

/** The stage of the verb `approve`. */
export const stage: Stage<'approve'> = {
  verb: 'approve',

  async plan(context) {
    const section = context.environment?.approve;
    if (!section) return [];
    try {
      await checkTeams(context.github(), section.from);
    } catch (thrown) {
      const failure = failureFrom(thrown);
      return [{ kind: 'obstacle', text: failure.message, failure }];
    }
    const who = `${section.required} of ${section.from.join(', ')}`;
    const lines: Planned[] = [
      {
        kind: 'will',
        text:
          section.asks === 'delivery'
            ? `ask ${who} to approve it in an issue, unless they have`
            : `ask ${who} in an issue to accept it, once it is live`,
      },
      { kind: 'blind', text: 'whether the token may write issues (issues: write) shows only when it asks' },
    ];
    // What cannot be delivered need not be asked about. In a line the stages that deliver say so themselves.
    const asked = !context.inLine && section.asks === 'delivery' ? await planPrecedence(withVersion(context)) : [];
    return [...lines, ...asked];
  },

  async run(context) {
    if (context.environment === null) return answer(context);
    const section = context.environment.approve;
    if (!section) return skipped('not-configured', 'nobody need approve: there is no approve section');
    if (section.asks === 'delivery') return askDelivery(withVersion(context));
    const isDeployed = context.change?.events.some(({ stage, outcome }) => stage === 'deploy' && outcome === 'passed');
    if (context.inLine && !isDeployed) return skipped('nothing-to-do', 'people are asked once it is live');
    return askAcceptance(context);
  },
};

/** The context with the version of the inputs, else of the change that it belongs to. Throws input-missing. */
function withVersion(context: AskContext): AskContext {
  const version = context.inputs.version || context.change?.version;
  if (version) return contextFor('approve', context, { version });
  throw new Failure({
    code: 'input-missing',
    what: 'it does not say which version is to be approved',
    where: context.environment!.name,
    untouched: 'nobody was asked',
    next: 'give the input version',
  });
}

function skipped(code: 'not-configured' | 'nothing-to-do', summary: string): Result {
  return { outcome: 'skipped', code, summary, facts: {}, outputs: { approved: true, issue: null } };
}
