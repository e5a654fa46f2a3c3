/** The same work on every host: at most so many at once, all failures kept. */
import { Failure, failureFrom } from '../outcome/outcome.ts';

/** What came of the work on one host. */
export type Settled<T> = { ok: true; value: T } | { ok: false; failure: Failure };

const AT_ONCE = 16;

/** So many hosts, for people. */
export function hostCount(hosts: number): string {
  return hosts === 1 ? '1 host' : `${hosts} hosts`;
}

/** Does the work for each item; never rejects. The answers are in the order of the items. */
export async function onEach<I, T>(
  items: readonly I[],
  work: (item: I) => Promise<T>,
  atOnce = AT_ONCE,
): Promise<Settled<T>[]> {
  const answers: Settled<T>[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      answers[index] = await work(items[index]!).then(
        (value): Settled<T> => ({ ok: true, value }),
        (error): Settled<T> => ({ ok: false, failure: failureFrom(error) }),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return answers;
}

/** The values; throws one Failure that names every host that failed. */
export function allOrThrow<T>(answers: readonly Settled<T>[], untouched: string): T[] {
  const failures = answers.flatMap((answer) => (answer.ok ? [] : [answer.failure]));
  if (failures.length > 0) throw combined(failures, untouched);
  return answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
}

/** Several failures as one: the code of the first, every place, every reason. One failure stays as it is. */
export function combined(failures: readonly Failure[], untouched?: string): Failure {
  const [first, ...rest] = failures;
  if (first === undefined) throw new Error('no failure to combine');
  const where = failures.map((failure) => failure.where).filter((place) => place !== undefined);
  if (rest.length === 0) {
    return untouched === undefined ? first : new Failure({ ...partsOf(first), untouched });
  }
  const cancelled = failures.find((failure) => failure.code === 'cancelled');
  const reasons = failures.map(
    (failure) => `${failure.where ?? '?'}: ${failure.what}${failure.why ? ` (${failure.why})` : ''}`,
  );
  return new Failure({
    code: cancelled?.code ?? first.code,
    where: where.join(', '),
    what: `${failures.length} hosts failed`,
    why: reasons.join('; '),
    untouched: untouched ?? first.untouched,
    next: [...new Set(failures.map((failure) => failure.next))].join('; '),
    facts: {
      failures: failures.map((failure) => ({ host: failure.where ?? null, code: failure.code, what: failure.what })),
    },
    cause: first,
  });
}

function partsOf(failure: Failure) {
  const { code, what, where, why, next, facts, outcome } = failure;
  return { code, what, where, why, next, facts, outcome, cause: failure };
}
