/** Which checks a smoke test asks: those of its input, otherwise those of the section. */
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import { type Check, checksOf } from '../../probe/probe.ts';
import type { Planned, StageContext } from '../stage.ts';

type Context = StageContext<'smoke-test'>;

/** What a plan says where there is no smoke test. */
export const UNASKED = 'no smoke test is configured: whether users get answers is not asked';

/**
 * What stands against asking at all, for a way back: it is told, and keeps nobody from going. Nothing is reached for it,
 * since every second counts there.
 */
export function unverified(context: Context, version: string): Planned[] {
  try {
    return readChecks(context, version) === null ? [{ kind: 'blind', text: UNASKED }] : [];
  } catch (thrown) {
    return [{ kind: 'blind', text: `no smoke test will verify it: ${failureFrom(thrown).message}` }];
  }
}

/** The checks of the input or of the section; null where neither names one. The input expect-version comes first. */
export function readChecks(context: Context, known: string | null): Check[] | null {
  const { url: urls, 'expect-version': expected } = context.inputs;
  const { environment } = context;
  const section = environment?.['smoke-test'];
  if (urls.length === 0 && section === undefined) {
    if (environment !== null && expected === '') return null;
    throw new Failure({
      code: 'input-missing',
      what: expected ? 'expect-version is given, and no URL to ask for it' : 'there is no URL to ask',
      untouched: 'nothing was asked',
      next: 'give the input url, or a smoke-test section in changeline.yml',
    });
  }
  const there = {
    hosts: (environment?.hosts ?? []).map(({ at, with: values }) => ({ name: at, with: values })),
    hostUrl: environment?.deploy?.health?.url ?? environment?.deploy?.version?.url ?? null,
    databases: (environment?.databases ?? []).map(({ name }) => name),
  };
  const version = expected || known;
  const everyVersion = expected !== '';
  if (urls.length > 0) return checksOf({ list: urls, where: 'the url input', version, everyVersion, ...there });
  const where = `smoke-test of ${environment!.name}`;
  const checks = checksOf({ list: section!, where, version, everyVersion: false, ...there });
  if (everyVersion && !checks.some(asksForVersion)) throw versionNotAsked(where);
  return checks;
}

/** A command is told the version, and may ask for it in its own way. */
function asksForVersion(check: Check): boolean {
  return check.kind === 'command' || (check.kind === 'http' && check.expect.version !== null);
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
