/** The command lines of k6 and the environment its scripts see. Pure. */
import { Failure } from '../outcome/outcome.ts';

/** One run of one script, as far as the command line goes. */
export interface RunLine {
  /** Absolute. */
  script: string;
  /** Where k6 writes its summary. */
  summary: string;
  /** The user's own arguments, one an entry. */
  args: readonly string[];
}

/** Where k6 records what it measures, and the length of a tick in seconds. */
interface Recorded {
  file: string;
  tick: number;
}

/** What the trends of the summary hold; p(99) because thresholds often ask for it. */
const TREND_STATS = 'avg,min,med,max,p(90),p(95),p(99)';

/**
 * The web dashboard's recording: one line of JSON a tick, aggregated inside k6. Its port cannot be closed, so it is one of
 * loopback that the system picks (`port=-1` would open one on every interface). `tag=-` is a tag that no sample has:
 * without one each group would be a metric of its own. Against the other ways measured on two cores, 10,000 requests a
 * second: the recording costs k6 8 % of processor time a request, a CSV stream 56 %, OpenTelemetry 49 %; the REST API
 * gives no percentiles of a tick.
 */
function recordingOutput({ file, tick }: Recorded): string {
  const period = `${Math.round(tick * 1000)}ms`;
  return `web-dashboard=host=127.0.0.1&port=0&tag=-&period=${period}&record=${encodeURIComponent(file)}`;
}

/** True where a version of k6 has the recording. */
export function canRecord(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major! > 0 || minor! >= 49;
}

/**
 * Arguments and variables with the recording among the outputs. It goes where the user's own stand, since k6 forgets
 * K6_OUT where it is given `--out`; that variable may hold a password, and stays a variable.
 */
export function withRecording(
  args: readonly string[],
  env: Record<string, string>,
  record: Recorded,
): { args: string[]; env: Record<string, string> } {
  const output = recordingOutput(record);
  if (args.some((arg) => /^(--out(=|$)|-o)/.test(arg))) return { args: ['--out', output, ...args], env };
  return { args: [...args], env: { ...env, K6_OUT: env.K6_OUT ? `${env.K6_OUT},${output}` : output } };
}

/**
 * The arguments of `k6 run`. The summary is asked for in its first form: only that one holds the thresholds. The REST
 * API is off (its fixed port would make two runs on one machine collide), as are usage reports and everything that
 * would wait for a person.
 */
export function runArguments({ script, summary, args }: RunLine): string[] {
  return [
    'run',
    '--no-usage-report',
    '--no-color',
    '--paused=false',
    '--linger=false',
    ...['--address', ''],
    ...['--log-format', 'json'],
    ...['--log-output', 'stderr'],
    ...['--summary-trend-stats', TREND_STATS],
    ...['--summary-time-unit', 'ms'],
    ...['--summary-export', summary],
    ...args,
    script,
  ];
}

/** The arguments that only load a script and print its options. Of the user's arguments `k6 inspect` knows `--env`. */
export function inspectArguments(script: string, args: readonly string[]): string[] {
  const env = args.flatMap((arg, index) => {
    if (arg === '-e' || arg === '--env') return args.slice(index, index + 2);
    return /^(--env=|-e.)/.test(arg) ? [arg] : [];
  });
  return ['inspect', '--include-system-env-vars', '--address', '', '--log-format', 'json', ...env, script];
}

/** The variables that scripts see as __ENV, besides the few that every program gets. */
export function scriptEnvironment(
  url: string | undefined,
  env: Record<string, string | number> = {},
): Record<string, string> {
  const texts = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  return { K6_NO_USAGE_REPORT: 'true', ...(url === undefined ? {} : { BASE_URL: url }), ...texts };
}

/** Arguments that would blind the verdict or make k6 wait for ever, with the reason. */
const KEPT: Record<string, string> = {
  '--summary-export': 'the verdict is read from it',
  '--summary-mode': 'the verdict is read from the summary',
  '--new-machine-readable-summary': 'it holds no thresholds',
  '--log-format': 'exceptions of the script are read from the log',
  '--log-output': 'exceptions of the script are read from the log',
  '--address': 'two runs on one machine would collide',
  '-a': 'two runs on one machine would collide',
  '--paused': 'k6 would wait for ever',
  '-p': 'k6 would wait for ever',
  '--linger': 'k6 would wait for ever',
  '-l': 'k6 would wait for ever',
  '--no-thresholds': 'a run without thresholds proves nothing',
};

/** Throws a Failure `input-invalid` for a user argument that this stage keeps for itself. */
export function refuseArguments(args: readonly string[]): void {
  for (const arg of args) {
    const name = arg.split('=')[0]!;
    const reason = Object.hasOwn(KEPT, name) ? KEPT[name] : undefined;
    if (reason === undefined) continue;
    throw new Failure({
      code: 'input-invalid',
      what: `the k6 argument ${name} cannot be given: ${reason}`,
      where: 'args',
      untouched: 'nothing was run',
      next: `remove ${name} from args`,
    });
  }
}
