/** Numbers from the user's own commands: lines of a log on each host, or one number printed here. */
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';
import { lastWords, run } from '../process/process.ts';
import type { Host } from '../transport/transport.ts';
import { metricError, metricInvalid } from './failures.ts';
import type { Sample, Source, SourceContext, Span } from './types.ts';

const TIMEOUT_MS = 15_000;

/** Lines of a log that match: `log` runs on each host in its path, or here where there are none. Throws `config-invalid`. */
export function openLog(metric: MetricSection, context: SourceContext): Source {
  let pattern: RegExp;
  try {
    pattern = new RegExp(metric.match!);
  } catch (error) {
    throw metricInvalid(metric, `match is not a regular expression: ${(error as Error).message}`, 'correct it');
  }
  const places = context.hosts.length > 0 ? context.hosts : [null];
  const read = async (span: Span, host: Host | null) =>
    countLines(await output(withSeconds(metric.log!, span), host, context), pattern);
  return new CommandSource(
    metric,
    'count',
    `its log ${context.hosts.length > 0 ? `on ${places.length} host${places.length === 1 ? '' : 's'}` : 'here'}`,
    places,
    read,
  );
}

/** One number printed by a command that runs here. */
export function openCommand(metric: MetricSection, context: SourceContext): Source {
  const read = async (span: Span) => printedNumber(await output(withSeconds(metric.command!, span), null, context));
  return new CommandSource(metric, 'gauge', 'a command that runs here', [null], read);
}

/** The user's command with {seconds} filled by the length of the span. Pure. */
export function withSeconds(command: string, span: Span): string {
  return command.replaceAll('{seconds}', String(Math.round(span.to - span.from) / 1000));
}

/** How many lines match. Pure. */
export function countLines(text: string, pattern: RegExp): number {
  return text.split('\n').filter((line) => pattern.test(line)).length;
}

/** The number that a text is; throws where it is none. Pure. */
export function printedNumber(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text.trim());
  if (!Number.isFinite(number)) throw new Error('the command printed no number');
  return number;
}

async function output(script: string, host: Host | null, context: SourceContext): Promise<string> {
  if (host !== null) {
    const options = { args: [host.path], timeout: TIMEOUT_MS, signal: context.signal };
    const { status, stdout, stderr, timedOut } = await host.sh(`cd -- "$1" || exit\n${script}`, options);
    if (status !== 0 || timedOut) throw new Error(lastWords({ status, stdout, stderr, timedOut, signal: null }));
    return stdout;
  }
  const finished = await run({
    file: 'sh',
    args: ['-c', script],
    cwd: context.workspace,
    timeout: TIMEOUT_MS,
    signal: context.signal,
  });
  if (finished.status !== 0 || finished.timedOut) throw new Error(lastWords(finished));
  return finished.stdout;
}

class CommandSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly notes: string[];
  readonly keepsHistory = false;
  readonly cadence = 0;
  readonly window = null;
  private readonly places: readonly (Host | null)[];
  private readonly read: (span: Span, host: Host | null) => Promise<number>;

  constructor(
    metric: MetricSection,
    kind: Kind,
    where: string,
    places: readonly (Host | null)[],
    read: (span: Span, host: Host | null) => Promise<number>,
  ) {
    this.metric = metric;
    this.kind = metric.kind ?? kind;
    this.notes = [where, ...(metric.kind ? [] : [`taken as a ${kind}`])];
    this.places = places;
    this.read = read;
  }

  history(): Promise<never> {
    return Promise.reject(metricError(this.metric, this.notes[0]!, 'a command keeps no history'));
  }

  sample(span: Span): Promise<Sample[]> {
    return Promise.all(
      this.places.map(async (host) => {
        try {
          return { at: span.to, host: host?.name ?? null, value: await this.read(span, host), why: null };
        } catch (error) {
          return {
            at: span.to,
            host: host?.name ?? null,
            value: null,
            why: `${host ? `${host.name}: ` : ''}${(error as Error).message}`,
          };
        }
      }),
    );
  }

  async close(): Promise<void> {}
}
