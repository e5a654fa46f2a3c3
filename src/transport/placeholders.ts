/** `{name}` in the URLs and commands of changeline.yml, filled for one host: pure. */
import { Failure } from '../outcome/outcome.ts';
import { quote } from './quote.ts';

/** The host as placeholders see it: its `with`, and `{host}`, its name without user and port (or its directory). */
export interface Named {
  name: string;
  with: Record<string, string>;
}

/** A URL with its placeholders filled, each value encoded where it is more than a plain word. */
export function fillUrl(template: string, host: Named): URL {
  const filled = fill(template, host, (value) => (/^[\w.~:-]*$/.test(value) ? value : encodeURIComponent(value)));
  try {
    return new URL(filled);
  } catch {
    throw unusable(template, host, 'is not a URL', 'write it with http:// or https://');
  }
}

/** A path on the host with its placeholders filled. */
export function fillPath(template: string, host: Named): string {
  return fill(template, host, (value) => value);
}

/** A command with its placeholders filled, each value one word of the shell. */
export function fillCommand(template: string, host: Named): string {
  return fill(template, host, (value) => (/^[\w./:@%+=,-]+$/.test(value) ? value : quote(value)));
}

const PLACEHOLDER = /(?<!\$)\{([a-z][a-z0-9-]*)\}/g; // only words that look like our names: a shell's ${HOME} and a JSON body keep their braces

/** The names in a text that stand for something of a host, each once. */
export function placeholdersIn(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map(([, name]) => name!))];
}

/** What a host fills them with. */
export function valuesOf(host: Named): Record<string, string> {
  return { host: hostname(host.name), ...host.with };
}

function fill(template: string, host: Named, write: (value: string) => string): string {
  const values = valuesOf(host);
  return template.replace(PLACEHOLDER, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return write(value);
    throw unusable(template, host, `names ${whole}, which this host does not have`, `add ${name} to with: of the host`);
  });
}

function hostname(name: string): string {
  return /^\.{0,2}\//.test(name)
    ? name
    : name
        .replace(/^[^@]*@/, '')
        .replace(/:\d+$/, '')
        .replace(/^\[(.*)\]$/, '$1');
}

function unusable(template: string, host: Named, what: string, next: string): Failure {
  return new Failure({
    code: 'config-invalid',
    where: host.name,
    what: `${JSON.stringify(template.replaceAll(/(\w:\/\/)[^\s/]*@/g, '$1'))} ${what}`, // without a password
    untouched: 'nothing was touched',
    next,
  });
}
