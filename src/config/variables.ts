/** `${NAME}` in changeline.yml: filled from the environment, for the chosen environment only. */
import { hide } from '../secret/secret.ts';

/** Something wrong with a variable or a literal secret; `unset` names the variable where that is it. */
export interface VariableProblem {
  path: (string | number)[];
  text: string;
  unset?: string;
}

/** In these keys a `${NAME}` belongs to the shell that runs the command: filled here it would stand on a command line. */
const COMMAND_KEYS = new Set(['restart', 'drain', 'admit', 'isolate', 'log', 'command']);
const VARIABLE = /\$\{([A-Z_][A-Z0-9_]*)\}/g;
/** Keys whose value is a secret, whatever its variable is called. */
const SECRET_KEYS = new Set(['prometheus-token']);
const SECRET_NAME = /PASS|SECRET|TOKEN|KEY|URL|DSN/;

/**
 * A copy of the value with the variables of the top level and of the chosen environment filled in. Other environments
 * stay as they are, so that a delivery to UAT does not need the secrets of production.
 */
export function fillVariables(
  value: unknown,
  chosen: string | null,
  env: Record<string, string | undefined>,
): { value: unknown; problems: VariableProblem[] } {
  const problems: VariableProblem[] = [];
  const fill = (node: unknown, path: (string | number)[]): unknown => {
    if (typeof node === 'string') return fillText(node, path);
    if (Array.isArray(node)) return node.map((item, index) => fill(item, [...path, index]));
    if (node === null || typeof node !== 'object') return node;
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, fill(child, [...path, key])]));
  };
  const fillText = (text: string, path: (string | number)[]): string => {
    const isDatabase = inDatabase(path);
    if (isDatabase && hasLiteralPassword(text)) {
      problems.push({ path, text: 'a literal password; take it from the environment: ${DATABASE_PASSWORD}' });
      return text;
    }
    const isSecret = SECRET_KEYS.has(String(path.at(-1)));
    if (isSecret && text.replace(VARIABLE, '') !== '') {
      problems.push({ path, text: 'a literal secret; take it from the environment: ${PROMETHEUS_TOKEN}' });
      return text;
    }
    const other = path[0] === 'environments' && path[1] !== chosen;
    if (other || COMMAND_KEYS.has(String(path.at(-1)))) return text;
    const filled = text.replace(VARIABLE, (whole: string, name: string, at: number) => {
      const found = env[name];
      if (found === undefined || found === '') {
        problems.push({ path, text: `\${${name}} is not set`, unset: name });
        return whole;
      }
      if (isDatabase ? at > 0 : isSecret || SECRET_NAME.test(name)) hide(found);
      return isDatabase && at > 0 ? encodeURIComponent(found) : found;
    });
    if (isDatabase && filled !== text) hideDatabaseUrl(filled);
    return filled;
  };
  return { value: fill(value, []), problems };
}

function inDatabase(path: (string | number)[]): boolean {
  return path[0] === 'environments' && path[2] === 'database' && (path.length === 3 || path[4] === 'url');
}

function hasLiteralPassword(text: string): boolean {
  const password = /^[a-z]+:\/\/[^/@:]*:([^@]+)@/.exec(text)?.[1];
  return password !== undefined && password.replace(VARIABLE, '') !== '';
}

function hideDatabaseUrl(url: string): void {
  if (!URL.canParse(url)) return;
  const { password } = new URL(url);
  if (!password) return;
  hide(password);
  try {
    hide(decodeURIComponent(password));
  } catch {
    // a lone % in it: the undecoded form, hidden above, is the password itself
  }
}
