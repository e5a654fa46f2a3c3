/** The one error that users see: what, where, why, what was left untouched, and the next thing to do. */
import type { Code } from './codes.ts';
import type { Facts, Outcome } from './outcome.ts';

/** The parts of a failure. All text is for people and holds no secret. */
export interface FailureParts {
  code: Code;
  /** What went wrong, in one sentence without the place: "the host refused the login". */
  what: string;
  /** Where: file and line, host, URL without credentials, table. */
  where?: string | undefined;
  /** Why, as far as it is known: the answer of the tool, its first telling lines. */
  why?: string | undefined;
  /** What was left untouched, or what state things are in now. */
  untouched?: string | undefined;
  /** The next thing to do. */
  next: string;
  facts?: Facts;
  /** `failed` unless said otherwise. */
  outcome?: Extract<Outcome, 'failed' | 'inconclusive' | 'waiting'>;
  cause?: unknown;
}

/** Thrown by nouns and stages; the frame turns it into a result, an annotation and an exit code. */
export class Failure extends Error {
  readonly code: Code;
  readonly what: string;
  readonly where: string | undefined;
  readonly why: string | undefined;
  readonly untouched: string | undefined;
  readonly next: string;
  readonly facts: Facts;
  readonly outcome: Extract<Outcome, 'failed' | 'inconclusive' | 'waiting'>;

  constructor(parts: FailureParts) {
    super(sentence(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'Failure';
    this.code = parts.code;
    this.what = parts.what;
    this.where = parts.where;
    this.why = parts.why;
    this.untouched = parts.untouched;
    this.next = parts.next;
    this.facts = parts.facts ?? {};
    this.outcome = parts.outcome ?? 'failed';
  }
}

/** Anything thrown, as a Failure; what is not one is a defect of ours and says so. */
export function failureFrom(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new Failure({
    code: 'internal',
    what: `a defect in Changeline: ${error.message}`,
    why: error.stack?.split('\n')[1]?.trim(),
    next: 'please report it with the log of this run',
    cause: error,
  });
}

function sentence(parts: FailureParts): string {
  const place = parts.where ? `${parts.where}: ` : '';
  const why = parts.why ? ` (${parts.why})` : '';
  const untouched = parts.untouched ? `. ${capital(parts.untouched)}` : '';
  return `${place}${parts.what}${why}${untouched}. Next: ${parts.next}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
