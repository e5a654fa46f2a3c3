/** What an HTTP answer fails to be. Pure. */
import { inWords } from '../duration/duration.ts';
import type { Json } from '../outcome/outcome.ts';
import { jsonPath, valueAt } from '../text/text.ts';
import type { Objection, WantedAnswer } from './check.ts';
import { extent, type Read, textObjections } from './text.ts';
import { valueObjections } from './value.ts';
import { short, shownUrl } from './words.ts';

/** One answer, as far as it was read. */
export interface Answer extends Read {
  status: number;
  /** Names in small letters; several of one name are joined by a comma. */
  headers: Record<string, string>;
  /** The URL that answered: another than the one asked where redirects were followed. */
  url: string;
  /** Why no further redirect was followed, where one should have been. */
  stopped: string | null;
  /** Milliseconds for which the certificate is still valid; null without TLS. */
  validFor: number | null;
}

/** Everything in the answer that is not as expected; empty where all is well. */
export function answerObjections(wanted: WantedAnswer, answer: Answer): Objection[] {
  const plain = [...status(wanted, answer), ...location(wanted, answer), ...certificate(wanted, answer)];
  return [
    ...plain.map((words) => ({ words })),
    ...wanted.headers.flatMap(([name, value]) =>
      valueObjections(`header ${name}`, value, answer.headers[name.toLowerCase()]),
    ),
    ...textObjections('the body', wanted, answer),
    ...json(wanted, answer),
  ];
}

function status({ status: { inWords: wanted, ranges } }: WantedAnswer, answer: Answer): string[] {
  const { status: found, stopped } = answer;
  if (ranges.some(([from, to]) => found >= from && found <= to)) return stopped === null ? [] : [stopped];
  const to = found >= 300 && found < 400 ? answer.headers.location : undefined;
  const where = stopped ?? (to === undefined ? null : `redirected to "${short(shownUrl(to))}"`);
  return [`status ${found} instead of ${wanted}${where === null ? '' : `, ${where}`}`];
}

function location({ location: wanted }: WantedAnswer, { headers, url }: Answer): string[] {
  if (wanted === null) return [];
  const given = headers.location;
  if (given === undefined) return [`there is no redirect to ${shownUrl(wanted)}`];
  const found = URL.canParse(given, url) ? new URL(given, url).href : given;
  if (found === wanted) return [];
  const same = shownUrl(found) === shownUrl(wanted);
  return [
    `it redirects to ${short(shownUrl(found))}${same ? ' with another query' : ` instead of ${shownUrl(wanted)}`}`,
  ];
}

function certificate({ tls }: WantedAnswer, { validFor }: Answer): string[] {
  if (tls === null) return [];
  if (validFor === null) return ['there is no certificate: it was answered without TLS'];
  if (validFor >= tls) return [];
  return [`the certificate is valid for ${inWords(validFor)} more and not for ${inWords(tls)}`];
}

function json({ json: wanted }: WantedAnswer, answer: Answer): Objection[] {
  if (wanted.length === 0) return [];
  let document: Json;
  try {
    document = JSON.parse(answer.text);
  } catch {
    return [{ words: `the body is no JSON${extent(answer)}` }];
  }
  return wanted.flatMap(([path, value]) => valueObjections(path, value, valueAt(document, jsonPath(path)!)));
}
