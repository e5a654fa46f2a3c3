/** Asks the environment as a user would, and lists everything that answers wrong. */
import { hostCount } from '../fleet/fleet.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import { AT_ONCE, type Check, type Obstacle, obstacles, probeAll, seesNoErrorPage } from '../probe/probe.ts';
import { readChecks, UNASKED } from './smoking/checks.ts';
import { withReach } from './smoking/reach.ts';
import { inOneLine, resultOf } from './smoking/verdict.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'smoke-test'>;

/** The stage of the verb `smoke-test`. */
export const stage: Stage<'smoke-test'> = {
  verb: 'smoke-test',

  async plan(context) {
    const checks = readChecks(context, context.change?.version ?? 'to-be-deployed');
    if (checks === null) return [{ kind: 'blind', text: UNASKED }];
    const found = await withReach(context, checks, (reach) => obstacles(checks, reach, context.signal));
    return [
      { kind: 'will', text: `ask ${countOf(checks)}; the answers are judged only after the deploy` },
      ...blindSpots(checks),
      ...found.map(planned),
    ];
  },

  async run(context) {
    const checks = readChecks(context, await versionOf(context));
    if (checks === null) return notConfigured();
    let done = 0;
    const progress = () => context.log.progress(`asked ${done} of ${checks.length} checks`);
    progress();
    const probed = await withReach(context, checks, (reach) =>
      probeAll(checks, reach, context.signal, (one) => {
        done++;
        context.log.detail(inOneLine(one));
        progress();
      }),
    ).catch((thrown) => {
      throw context.signal.aborted ? cancelled() : thrown;
    });
    context.log.progress(null);
    return resultOf(probed);
  },
};

/** `30 checks, 24 of them on 12 hosts, 1 by POST`. */
function countOf(checks: readonly Check[]): string {
  const count = checks.length === 1 ? '1 check' : `${checks.length} checks`;
  const hosts = new Set(checks.flatMap(({ host, there }) => (there && host !== null ? [host] : []))).size;
  const there = checks.filter((check) => check.there).length;
  const share = there === checks.length ? '' : `, ${there} of them`;
  const on = hosts === 0 ? '' : `${share} on ${hostCount(hosts)}`;
  const posts = checks.filter((check) => check.kind === 'http' && check.method === 'POST').length;
  const sends = posts === 0 ? '' : `, ${posts} by POST`;
  return `${count}${on}${sends}${checks.length > AT_ONCE ? `, ${AT_ONCE} at once` : ''}`;
}

/** Says what the checks cannot see: a page of an error with status 200. */
function blindSpots(checks: readonly Check[]): Planned[] {
  const names = [...new Set(checks.filter(seesNoErrorPage).map(({ name }) => name))];
  if (names.length === 0) return [];
  const text = `an error page with status 200 would pass: only the status is asked of ${names.join(', ')}; ask for body, absent, json or version`;
  return [{ kind: 'blind', text }];
}

function planned({ sure, where, what, why, next }: Obstacle): Planned {
  if (!sure) return { kind: 'blind', text: `${where}: ${what} (${why}): ${next}` };
  const failure = new Failure({ code: 'smoke-failed', what, where, why, untouched: 'nothing was changed', next });
  return { kind: 'obstacle', text: failure.message, failure };
}

/** The version that should answer: that of the change, otherwise the one that the ledger knows to be live. */
async function versionOf({ change, ledger, environment }: Context): Promise<string | null> {
  if (change?.version || !ledger || !environment) return change?.version ?? null;
  return (await ledger.state(environment.name)).live?.version ?? null;
}

function notConfigured(): Result {
  const summary = 'no smoke test is configured; nobody asked whether users get answers';
  return { outcome: 'skipped', code: 'not-configured', summary, facts: {}, outputs: { checks: '0/0' } };
}

function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the smoke test stopped because the run was cancelled',
    next: 'run it again',
  });
}
