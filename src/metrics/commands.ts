/** Numbers from the user's own commands: lines of a log on each host, or one number printed here. */
import type { MetricSection } from '../config/config.ts';
import { cutShort } from '../escape/escape.ts';
import type { Kind } from '../judge/judge.ts';
import { Failure } from '../outcome/outcome.ts';
import { lastWords, run } from '../process/process.ts';
import { matchingLines } from '../text/text.ts';
import type { Host } from '../transport/transport.ts';
import { metricError } from './failures.ts';
import { meaningInWords, unitOfName } from './meaning.ts';
import { PATIENCE_MS, type Past, type Sample, type Source, type SourceContext, type Span } from './types.ts';

/** Lines of a log that match: `log` runs on each host in its path, or here where there are none. */
export function openLog(metric: MetricSection, context: SourceContext): Source {
  const pattern = new RegExp(metric.match!);
  const { hosts } = context;
  const where = hosts.length > 0 ? `on ${hosts.length} host${hosts.length === 1 ? '' : 's'}` : 'here';
  return new CommandSource(metric, context, {
    kind: { value: 'count', from: 'lines are counted' },
    where: `its log ${where}`,
    places: hosts.length > 0 ? hosts : [null],
    script: metric.log!,
    numberOf: (text) => matchingLines(pattern, text),
  });
}

/** One number printed by a command that runs here. */
export function openCommand(metric: MetricSection, context: SourceContext): Source {
  return new CommandSource(metric, context, {
    kind: { value: 'gauge', from: 'the command prints a level' },
    where: 'a command that runs here',
    places: [null],
    script: metric.command!,
    numberOf: printedNumber,
  });
}

/** The user's command with {seconds} filled by the length of the span. Pure. */
export function withSeconds(command: string, span: Span): string {
  return command.replaceAll('{seconds}', String(Math.round(span.to - span.from) / 1000));
}

/** The number that a text is; throws where it is none. Pure. */
export function printedNumber(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text.trim());
  if (!Number.isFinite(number))
    throw new Error(`the command printed no number, but ${text.trim() === '' ? 'nothing' : `"${cutShort(text, 60)}"`}`);
  return number;
}

/** Why a command gave nothing, from how it ended. grep's status 1 is told apart: it is "no line", not a failure. Pure. */
export function endedBadly(finished: Parameters<typeof lastWords>[0], script: string): string {
  const words = lastWords(finished);
  const silent = finished.status === 1 && !finished.timedOut && (finished.stdout + finished.stderr).trim() === '';
  return silent && /\bgrep\b/.test(script)
    ? `${words}: grep ends so where no line matches; let the command write all lines and match pick them`
    : words;
}

/** What a command metric is made of. */
interface Made {
  kind: { value: Kind; from: string };
  where: string;
  places: readonly (Host | null)[];
  script: string;
  numberOf(output: string): number;
}

class CommandSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly unit: string | null;
  readonly notes: string[];
  readonly keepsHistory = false;
  readonly replays = false;
  readonly cadence = 0;
  readonly window = null;
  private readonly context: SourceContext;
  private readonly made: Made;

  constructor(metric: MetricSection, context: SourceContext, made: Made) {
    this.metric = metric;
    this.context = context;
    this.made = made;
    this.kind = metric.kind ?? made.kind.value;
    this.unit = metric.unit ?? unitOfName(metric.name);
    this.notes = [made.where, ...meaningInWords(metric, made.kind, this.unit)];
  }

  history(): Promise<Past[]> {
    return Promise.reject(metricError(this.metric, this.made.where, 'a command keeps no history'));
  }

  sample(span: Span): Promise<Sample[]> {
    return Promise.all(
      this.made.places.map(async (place) => {
        const host = place?.name ?? null;
        try {
          return { at: span.to, host, value: this.made.numberOf(await this.output(span, place)), why: null };
        } catch (error) {
          const why = error instanceof Failure ? (error.why ?? error.what) : (error as Error).message;
          if (host === null) throw metricError(this.metric, this.made.where, why);
          return { at: span.to, host, value: null, why: `${host}: ${why}` };
        }
      }),
    );
  }

  /** What the command writes there. Throws an Error where it fails or takes too long. */
  private async output(span: Span, host: Host | null): Promise<string> {
    const script = withSeconds(this.made.script, span);
    const { signal, workspace, patience: timeout = PATIENCE_MS } = this.context;
    const { env } = this.metric;
    const finished =
      host === null
        ? await run({ file: 'sh', args: ['-c', script], cwd: workspace, env, timeout, signal })
        : {
            signal: null,
            ...(await host.sh(`cd -- "$1" || exit\n${script}`, { args: [host.path], env, timeout, signal })),
          };
    if (finished.status !== 0 || finished.timedOut) throw new Error(endedBadly(finished, script));
    return finished.stdout;
  }

  async close(): Promise<void> {}
}
