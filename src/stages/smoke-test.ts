/** Asks the environment as a user would, and lists everything that answers wrong. */
import { inWords } from '../duration/duration.ts';
import { markdownTable } from '../escape/escape.ts';
import { Failure, type Json, type Result } from '../outcome/outcome.ts';
import { type Check, checksOf, hostProblem, type Probed, probe } from '../probe/probe.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'smoke-test'>;

/** The stage of the verb `smoke-test`. */
export const stage: Stage<'smoke-test'> = {
  verb: 'smoke-test',

  async plan(context) {
    const checks = readChecks(context, context.change?.version ?? 'to-be-deployed');
    if (checks === null)
      return [{ kind: 'blind', text: 'no smoke test is configured: whether users get answers is not asked' }];
    const count = checks.length === 1 ? '1 URL' : `${checks.length} URLs`;
    return [
      { kind: 'will', text: `ask ${count}; the answers are judged only after the deploy` },
      ...(await hostObstacles(checks)),
    ];
  },

  async run(context) {
    const checks = readChecks(context, await versionOf(context));
    if (checks === null) return notConfigured();
    context.log.progress(`asking ${checks.length} URLs`);
    const probed = await Promise.all(checks.map((check) => probe(check, context.signal))).catch((thrown) => {
      throw context.signal.aborted ? cancelled() : thrown;
    });
    context.log.progress(null);
    for (const one of probed) context.log.detail(inOneLine(one));
    return resultOf(probed);
  },
};

/** The version that should answer: that of the change, otherwise the one that the ledger knows to be live. */
async function versionOf({ change, ledger, environment }: Context): Promise<string | null> {
  if (change?.version || !ledger || !environment) return change?.version ?? null;
  return (await ledger.state(environment.name)).live?.version ?? null;
}

/** The checks of the input or of the section; null where neither names one. The input expect-version comes first. */
function readChecks(context: Context, known: string | null): Check[] | null {
  const { url: urls, 'expect-version': expected } = context.inputs;
  const section = context.environment?.['smoke-test'];
  if (urls.length === 0 && section === undefined) {
    if (context.environment !== null && expected === '') return null;
    throw new Failure({
      code: 'input-missing',
      what: expected ? 'expect-version is given, and no URL to ask for it' : 'there is no URL to ask',
      untouched: 'nothing was asked',
      next: 'give the input url, or a smoke-test section in changeline.yml',
    });
  }
  const version = expected || known;
  const everyVersion = expected !== '';
  if (urls.length > 0) return checksOf({ list: urls, where: 'the url input', version, everyVersion });
  const where = `smoke-test of ${context.environment!.name}`;
  const checks = checksOf({ list: section!, where, version, everyVersion: false });
  if (everyVersion && checks.every((check) => check.version === undefined)) throw versionNotAsked(where);
  return checks;
}

function versionNotAsked(where: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: 'expect-version is given, and no check asks for the version',
    where,
    untouched: 'nothing was asked',
    next: 'add expect: { version: true } to a check in changeline.yml, or give the input url',
  });
}

async function hostObstacles(checks: readonly Check[]): Promise<Planned[]> {
  const hosts = [...new Set(checks.map((check) => new URL(check.url).origin))];
  const problems = await Promise.all(hosts.map(async (host) => ({ host, why: await hostProblem(host) })));
  return problems.flatMap(({ host, why }) => {
    if (why === null) return [];
    const failure = new Failure({
      code: 'smoke-failed',
      what: 'the host name of a smoke check has no address',
      where: host,
      why,
      untouched: 'nothing was changed',
      next: 'correct the URL in changeline.yml, or the name service of the machine that runs this',
    });
    return [{ kind: 'obstacle', text: failure.message, failure }];
  });
}

/** The verdict on all checks. Pure. */
export function resultOf(probed: readonly Probed[]): Result {
  const failed = probed.filter((one) => !one.passed);
  const again = probed.filter((one) => one.passed && one.tries > 1);
  const passed = `${probed.length - failed.length} of ${probed.length} checks passed`;
  const late = again.length > 0 ? ` (${again.map((one) => `${one.url} at the ${nth(one.tries)} try`).join(', ')})` : '';
  const wrong = failed.map((one) => `${one.url}: ${one.why.join(', ')}`).join('; ');
  return {
    outcome: failed.length === 0 ? 'passed' : 'failed',
    code: failed.length === 0 ? 'ok' : 'smoke-failed',
    summary: failed.length === 0 ? `${passed}${late}` : `${passed}; ${wrong}${late}`,
    facts: { checks: probed.map(factOf) },
    outputs: { checks: `${probed.length - failed.length}/${probed.length}` },
    ...(failed.length === 0 ? {} : { next: `ask ${failed[0]!.url} yourself and look at the log of what answers it` }),
    markdown: table(probed),
  };
}

function factOf({ url, passed, status, took, tries, why, before }: Probed): { [key: string]: Json } {
  return { url, passed, status, took, tries, why: why.join(', '), before: before.join('; ') };
}

function table(probed: readonly Probed[]): string {
  const rows = probed.map(({ url, passed, status, took, tries, why, before }) => {
    const found = passed
      ? tries > 1
        ? `passed at the ${nth(tries)} try; before: ${before.join('; ')}`
        : 'passed'
      : why.join(', ');
    return [passed ? '✓' : '✕', url, status, inWords(took), tries, found];
  });
  return markdownTable(['', 'URL', 'status', 'took', 'tries', 'what was found'], rows);
}

function inOneLine(one: Probed): string {
  const how = one.passed ? 'passed' : `failed: ${one.why.join(', ')}`;
  return `${one.url} ${how}${one.tries > 1 ? ` at the ${nth(one.tries)} try` : ''} in ${inWords(one.took)}`;
}

function nth(count: number): string {
  return `${count}${['st', 'nd', 'rd'][count - 1] ?? 'th'}`;
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
