/** What can be known of checks before anything is touched: whether names, hosts, databases and commands are there. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { blameOf } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import type { Check, CommandCheck, SqlCheck } from './check.ts';
import { placeOf, type Reach, Turns } from './reach.ts';
import { rowsOf } from './sql.ts';
import { errorInWords, short } from './words.ts';

/** Something in the way of checks; `sure` is false where the change itself may bring what is missing. */
export interface Obstacle {
  sure: boolean;
  where: string;
  what: string;
  why: string;
  next: string;
}

const LONGEST_QUERY = 10_000;

/**
 * Reaches everything that the checks will need, and asks none of them but the queries, whose values are not judged.
 * Changes nothing. Never rejects for what it finds.
 */
export async function obstacles(checks: readonly Check[], reach: Reach, signal: AbortSignal): Promise<Obstacle[]> {
  const turns = new Turns();
  const found = await Promise.all([
    ...hostsOf(checks).map((host) => hostObstacle(host, reach)),
    ...namesOf(checks).map(nameObstacle),
    ...checks
      .filter((check) => check.kind === 'sql')
      .map((check) => turns.take(check, () => queryObstacle(check, reach, signal))),
    ...checks
      .filter((check) => check.kind === 'command')
      .map((check) => turns.take(check, () => commandObstacle(check, reach, signal))),
  ]);
  return found.filter((one) => one !== null);
}

function hostsOf(checks: readonly Check[]): string[] {
  return [...new Set(checks.flatMap(({ there, host }) => (there && host !== null ? [host] : [])))];
}

/** The host names that are looked up from here, each once. Pure. */
export function namesOf(checks: readonly Check[]): string[] {
  const names = checks.flatMap((check) => {
    if (check.there || check.kind === 'sql' || check.kind === 'command') return [];
    if (check.kind !== 'http') return [check.hostname];
    return [check.connect?.hostname ?? new URL(check.url).hostname.replace(/^\[(.*)\]$/, '$1')];
  });
  return [...new Set(names)].filter((name) => !isIP(name));
}

async function hostObstacle(name: string, reach: Reach): Promise<Obstacle | null> {
  try {
    reach.host(name);
    return null;
  } catch (thrown) {
    const next = thrown instanceof Failure ? thrown.next : 'bring the host within reach';
    return {
      sure: true,
      where: name,
      what: 'a host of smoke checks cannot be reached',
      why: errorInWords(thrown),
      next,
    };
  }
}

async function nameObstacle(name: string): Promise<Obstacle | null> {
  try {
    await lookup(name);
    return null;
  } catch (thrown) {
    return {
      sure: true,
      where: name,
      what: 'the host name of a smoke check has no address',
      why: errorInWords(thrown),
      next: 'correct it in changeline.yml, or the name service of the machine that runs this',
    };
  }
}

async function queryObstacle(check: SqlCheck, reach: Reach, signal: AbortSignal): Promise<Obstacle | null> {
  const where = `database ${check.database}`;
  try {
    const database = await reach.database(check.database);
    await rowsOf(database, check.query, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_QUERY)]));
    return null;
  } catch (thrown) {
    signal.throwIfAborted();
    const why = errorInWords(thrown);
    const failure = thrown instanceof Failure ? thrown : null;
    if (failure?.code !== 'database-error') {
      const what = 'the database of a smoke check cannot be asked';
      return { sure: true, where, what, why, next: failure?.next ?? 'see why' };
    }
    const next = 'right only if this change migrates what it needs';
    return isWrong(failure)
      ? { sure: true, where, what: `${check.name} can never be answered`, why, next: 'correct it in changeline.yml' }
      : { sure: false, where, what: `${check.name} fails now`, why, next };
  }
}

/** True for a query that no migration mends: a slip in its syntax, a write. */
function isWrong({ why, facts }: Failure): boolean {
  return blameOf(String(facts.native ?? ''), why ?? '') === 'wrong';
}

/** $1 the root, $2 the command, $3 its program; empty where that cannot be told, or may come with the version. */
const KNOWN = `cd -- "$1" || exit 66
sh -n -c "$2" || exit 65
[ -z "$3" ] || command -v "$3" >/dev/null 2>&1 || exit 67`;

async function commandObstacle(check: CommandCheck, reach: Reach, signal: AbortSignal): Promise<Obstacle | null> {
  let place: Host;
  try {
    place = placeOf(check, reach);
  } catch {
    return null; // the host that cannot be reached is named already
  }
  const program = programOf(check);
  const { status, stderr } = await place.sh(KNOWN, { args: [place.path, check.script, program], signal });
  const why = { 65: short(stderr), 66: `the directory ${place.path} is not there`, 67: `${program} is not there` }[
    status
  ];
  if (status === 0) return null;
  return {
    sure: true,
    where: check.there ? check.host! : 'here',
    what: `${check.name} cannot be run`,
    why: why ?? `status ${status}: ${short(stderr)}`,
    next: 'correct it in changeline.yml, or install what it needs',
  };
}

/** The program that a command begins with; empty where it is no plain word, or a file that a version may bring to a host. Pure. */
export function programOf({ script, there }: Pick<CommandCheck, 'script' | 'there'>): string {
  const word = /^\s*([\w.+/][\w.+/-]*)(?=\s|;|$)/.exec(script)?.[1] ?? '';
  const brought = there && word.includes('/') && !word.startsWith('/');
  return brought ? '' : word;
}
