/** Migrations by the user's own commands: one says what is pending, one applies it. */
import type { Database, Engine } from '../database/database.ts';
import { cutShort } from '../escape/escape.ts';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Finished, lastWords, run } from '../process/process.ts';
import { redact } from '../secret/secret.ts';
import { type Found, type Migrator, type Run, type RunOptions, type Waiting, withSession } from './migrator.ts';
import { underMutex } from './running.ts';

/** The commands of changeline.yml, and where they run. */
export interface Commands {
  pending: string;
  apply: string;
  /** More variables; `{database-url}` in a value stands for the URL. */
  env: Record<string, string>;
  /** Absolute. */
  cwd: string;
  log: Log;
  /** Ends a command with its group. */
  signal: AbortSignal;
}

/** Bytes that a command may print: the first is a list of names, the second a log. Whoever prints more does not end. */
const LONGEST = { pending: 1_000_000, apply: 16_000_000 };
/** Milliseconds that telling what is pending may take. Applying takes as long as it takes. */
const PENDING_TIMEOUT = 600_000;

/** Addresses where no database is, to see whether a command asks the one that it is given. */
const NOWHERE: Record<Engine, string> = {
  postgres: 'postgres://changeline@127.0.0.1:1/nowhere',
  mysql: 'mysql://changeline@127.0.0.1:1/nowhere',
  mariadb: 'mysql://changeline@127.0.0.1:1/nowhere',
  sqlite: 'sqlite:/nonexistent/changeline/nowhere.db',
};

/**
 * Any tool that applies migrations. Its commands are run by `sh -c` with the URL of the database in
 * CHANGELINE_DATABASE_URL: the copy's in the rehearsal, the live one's afterwards. Throws `migration-failed` where a
 * command ends with another status than 0, or where something is pending still after all was applied.
 */
export function commandMigrator(commands: Commands): Migrator {
  const pending = async (database: Database) => found(await list(commands, database.url()));
  return {
    pending,
    check: (database, { pending: known }) => refuseDeaf(commands, database.engine, known),
    hold: (waiting) => ({ apply: waiting, held: [] }),
    apply: (database, options) =>
      withSession(database, (session) =>
        underMutex(session, { ...options, engine: database.engine }, () => applyAll(commands, database, options)),
      ),
    down: async () => ({ took: null, why: 'commands tell no way down' }),
  };
}

async function applyAll(commands: Commands, database: Database, options: RunOptions): Promise<Run> {
  const { pending } = found(await list(commands, database.url()));
  await options.before?.(pending);
  if (pending.length === 0) return { applied: [], migrations: [] };
  await options.pause?.();
  const began = performance.now();
  await perform(commands, 'apply', database.url(), options.signal);
  const took = performance.now() - began;
  const left = await list(commands, database.url());
  if (left.length > 0) throw stillPending(left);
  const file = 'migrate.commands.apply';
  const step = { version: file, name: `${pending.length} by command`, file, took, statements: [], retries: 0 };
  return { applied: [step], migrations: pending };
}

/** What a command of `pending` prints: a migration a line. */
export function pendingLines(printed: string): string[] {
  return printed
    .split(/\r?\n/)
    .map((line) => cutShort(line, 200))
    .filter((line) => line !== '');
}

async function list(commands: Commands, url: string): Promise<string[]> {
  return pendingLines((await perform(commands, 'pending', url, commands.signal)).stdout);
}

function found(lines: string[]): Found {
  const pending = lines.map(
    (line): Waiting => ({ version: line, name: line, file: line, kind: null, contracts: [], atomic: null }),
  );
  return { pending, applied: null, missing: [], late: [], unchecked: [] };
}

/** A command that tells the same of a database that is not there would migrate another one than the copy: production. */
async function refuseDeaf(commands: Commands, engine: Engine, known: Waiting[]): Promise<void> {
  const quiet = { ...commands, log: { ...commands.log, detail: () => {} } };
  const printed = await list(quiet, NOWHERE[engine]).catch((error: unknown) => {
    if (commands.signal.aborted) throw error;
    return null; // as it should be
  });
  if (printed === null || printed.join('\n') !== known.map(({ version }) => version).join('\n')) return;
  throw new Failure({
    code: 'config-invalid',
    what: 'the command says the same where there is no database, so it does not ask the one that it is given',
    where: 'migrate.commands.pending',
    untouched: 'nothing was applied, neither to a copy nor to the live database',
    next: 'let both commands use CHANGELINE_DATABASE_URL, or give the tool its own variable in migrate.env: {database-url} stands for the URL',
  });
}

/** Runs one of the commands to its end. Its output goes to the log a line at a time. */
async function perform(commands: Commands, which: 'pending' | 'apply', url: string, signal: AbortSignal) {
  const where = `migrate.commands.${which}`;
  const endless = new AbortController();
  const say = (line: string) => (which === 'apply' ? commands.log.info(line) : commands.log.detail(line));
  const lines = { stdout: lineByLine(which === 'apply' ? say : () => {}), stderr: lineByLine(say) };
  let printed = 0;
  const finished = await run({
    file: 'sh',
    args: ['-c', commands[which]],
    cwd: commands.cwd,
    env: environmentOf(commands.env, url),
    signal: AbortSignal.any([signal, endless.signal]),
    ...(which === 'pending' ? { timeout: PENDING_TIMEOUT } : {}),
    onOutput: (text, stream) => {
      printed += text.length;
      if (printed > LONGEST[which]) return endless.abort();
      lines[stream].take(text);
    },
  }).catch((error: unknown) => {
    if (signal.aborted) throw cancelled(which, where);
    if (endless.signal.aborted)
      throw ended(which, where, `it printed more than ${LONGEST[which] / 1e6} MB and was ended`);
    throw error;
  });
  lines.stdout.end();
  lines.stderr.end();
  if (finished.status !== 0 || finished.timedOut) throw failed(which, where, finished);
  return finished;
}

/** The variables of a command: the URL, and the user's own with the URL filled in. */
export function environmentOf(env: Record<string, string>, url: string): Record<string, string> {
  const filled = Object.entries(env).map(([name, value]) => [name, value.replaceAll('{database-url}', () => url)]);
  return { CHANGELINE_DATABASE_URL: url, ...Object.fromEntries(filled) };
}

/** Puts the pieces of a stream together to lines; a secret that is cut by a piece would not be seen. */
function lineByLine(say: (line: string) => void): { take(text: string): void; end(): void } {
  let rest = '';
  const tell = (line: string) => line.trim() !== '' && say(redact(line.trimEnd()));
  return {
    take(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      lines.forEach(tell);
    },
    end: () => void tell(rest),
  };
}

function failed(which: 'pending' | 'apply', where: string, finished: Finished): Failure {
  return ended(which, where, lastWords(finished));
}

function ended(which: 'pending' | 'apply', where: string, why: string): Failure {
  return new Failure({
    code: 'migration-failed',
    what: which === 'apply' ? 'the command that applies migrations failed' : 'what is pending could not be told',
    where,
    why,
    untouched:
      which === 'apply' ? 'what it did before it failed stays, unless its tool put it back' : 'nothing was applied',
    next:
      which === 'apply'
        ? 'look at what the tool has recorded, correct the migration, deliver again'
        : 'correct the command',
  });
}

function stillPending(left: string[]): Failure {
  return new Failure({
    code: 'migration-failed',
    what: `the command ended well, and ${left.length === 1 ? 'one is' : `${left.length} are`} still pending`,
    where: 'migrate.commands.apply',
    why: left.slice(0, 5).join(', '),
    untouched: 'what it has applied stays',
    next: 'let the command apply all that migrate.commands.pending prints, and end with another status than 0 where it cannot',
    facts: { pending: left.slice(0, 50) },
  });
}

function cancelled(which: 'pending' | 'apply', where: string): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled',
    where,
    untouched:
      which === 'apply'
        ? 'the command was ended; what it did before stays, unless its tool put it back'
        : 'nothing was applied',
    next: 'run it again',
  });
}
