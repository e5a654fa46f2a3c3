/** Secrets of this process: what was once named here never leaves through the log, the ledger or a report. */

const known = new Set<string>();
const listeners: ((value: string) => void)[] = [];

/** Has every secret, known or to come, told to a door that can hide it too (GitHub's runner masks its log). */
export function whenHidden(listener: (value: string) => void): void {
  listeners.push(listener);
  known.forEach(listener);
}

/**
 * Names a secret. The forms in which tools repeat one are hidden too: each of its lines, encoded as a part of a URL, as
 * a URL's path, in JSON, in base64. Values under 4 characters cannot be hidden.
 */
export function hide(secret: string): void {
  for (const value of [secret, ...secret.split(/\r?\n/)]) {
    if (value.length < 4) continue;
    for (const form of formsOf(value)) {
      if (known.has(form)) continue;
      known.add(form);
      for (const listener of listeners) listener(form);
    }
  }
}

function formsOf(value: string): string[] {
  const base = 'http://h/';
  const inPath = URL.canParse(base + value) ? new URL(base + value).href.slice(base.length) : '';
  const inJson = JSON.stringify(value).slice(1, -1);
  const forms = [value, encodeURIComponent(value), inPath, inJson, Buffer.from(value).toString('base64')];
  return forms.filter((form) => form.length >= 4);
}

/** The text with every known secret replaced by `***`. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of [...known].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '***');
  return clean;
}

/** A copy of a JSON value with every known secret replaced in each of its texts, keys included. */
export function redactAll<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(redactAll) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [redact(key), redactAll(child)])) as T;
}

/** A URL for people: user and host stay, the password and the query go. Text that is no URL comes back as `(hidden)`. */
export function withoutCredentials(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.password = '';
    parsed.search = '';
    return parsed.toString();
  } catch {
    return '(hidden)';
  }
}

/** A URL without user and password, which fetch refuses, and the header that they stand for. Hides the password. */
export function credentialsAsHeader(url: string): { url: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { url, headers: {} };
  parsed.username = '';
  parsed.password = '';
  const pair = `${decoded(username)}:${decoded(password)}`;
  if (password !== '') for (const secret of [password, decoded(password), pair]) hide(secret);
  return { url: parsed.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % stands for itself
  }
}
