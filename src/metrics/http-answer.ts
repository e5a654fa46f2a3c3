/** The one number of an HTTP answer: JSON, the Prometheus text form, or the number alone. Pure. */
import type { MetricSection } from '../config/config.ts';
import type { Json } from '../outcome/outcome.ts';
import { jsonPath, valueAt } from '../text/text.ts';
import { seriesIn } from './exposition.ts';

/** Why an answer holds no number; `missing` where it does not have what is asked for, and may have it under another name. */
export interface Numberless {
  why: string;
  missing: boolean;
}

/** Reads the number out of a body. */
export function readerOf(metric: MetricSection): (body: string) => number | Numberless {
  const { path } = metric;
  if (path === undefined) return (body) => isPage(body) ?? asNumber(body.trim(), 'the answer');
  const keys = jsonPath(path);
  return (body) => isPage(body) ?? (keys === null ? fromExposition(body, path) : fromJson(body, path, keys));
}

/** An error page, a login page: an answer with status 200 that is for people. */
function isPage(body: string): Numberless | null {
  return /^\s*<(!doctype|html|\?xml)/i.test(body) ? wrong('the answer is an HTML page, no numbers') : null;
}

function fromJson(body: string, path: string, keys: readonly string[]): number | Numberless {
  let value: Json;
  try {
    value = JSON.parse(body);
  } catch {
    return wrong('the answer is not JSON');
  }
  const found = valueAt(value, keys);
  return found === undefined ? { why: `the answer has no ${path}`, missing: true } : asNumber(found, path);
}

function fromExposition(body: string, name: string): number | Numberless {
  const values = seriesIn(body, name);
  if (values.length === 0)
    return {
      why: `the answer has no series ${name}${isJson(body) ? '; it is JSON, whose places are written $.users' : ''}`,
      missing: true,
    };
  return asNumber(
    values.reduce((sum, value) => sum + value, 0),
    name,
  );
}

function asNumber(value: unknown, what: string): number | Numberless {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isFinite(number)
    ? number
    : wrong(
        `${what} is no number${typeof value === 'string' && isJson(value) ? '; it is JSON: name the number with path, as in $.users' : ''}`,
      );
}

function isJson(body: string): boolean {
  try {
    return typeof JSON.parse(body) === 'object';
  } catch {
    return false;
  }
}

function wrong(why: string): Numberless {
  return { why, missing: false };
}

/** When an answer was made, as its headers say (RFC 9110, Date; RFC 9111, Age), in milliseconds; NaN where they do not. */
export function answeredAt(headers: { date?: string | undefined; age?: string | undefined }): number {
  return Date.parse(headers.date ?? '') + 1000 * (Number(headers.age) || 0);
}

/** Why a status is no answer; null for 200. `location` is where a redirect leads, without credentials. */
export function refusal(status: number, location: string | null): string | null {
  if (status === 200) return null;
  if (status >= 300 && status < 400 && location !== null)
    return `HTTP ${status}: it redirects to ${location}; redirects are not followed, so write the address that answers`;
  return `HTTP ${status}`;
}
