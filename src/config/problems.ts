/** What is wrong with a changeline.yml, in words: what was found, and what is allowed. */
import type { z } from 'zod';
import type { ApproveSection } from './control.ts';
import type { Config } from './schema.ts';
import { allowedKeys, kindInWords } from './shape.ts';
import { windowProblem } from './windows.ts';

/** One problem at a line of the file. */
export interface Problem {
  line: number;
  text: string;
}

interface AtPath {
  path: (string | number)[];
  text: string;
}

/** The schema's issues as sentences. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): AtPath[] {
  return issues.flatMap((issue) => describe(issue, value));
}

function describe(issue: z.core.$ZodIssue, value: unknown): AtPath[] {
  const path = issue.path as (string | number)[];
  const key = inWords(path) || 'the file';
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedKeys(path);
    return issue.keys.map((wrong) => {
      const meant = closest(wrong, allowed);
      return {
        path: [...path, wrong],
        text: `unknown key "${wrong}"${path.length ? ` in ${key}` : ''}${meant ? `; did you mean "${meant}"?` : ''} (allowed: ${allowed.join(', ')})`,
      };
    });
  }
  if (issue.code === 'invalid_union') {
    const nested = issue.errors.map((branch) => branch.map((inner) => ({ ...inner, path: [...path, ...inner.path] })));
    const deepest = nested.sort((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > path.length) return describeIssues(deepest as z.core.$ZodIssue[], value);
    const texts = nested.flatMap(([first]) => (first ? [wanted(first as z.core.$ZodIssue, path)] : []));
    return [{ path, text: `${key} is ${shown(at(value, path))}; it must be ${[...new Set(texts)].join('; or ')}` }];
  }
  if (issue.code === 'invalid_key')
    return [{ path, text: `the name ${shown(path.at(-1))} cannot be used; allowed: ${issue.issues[0]?.message}` }];
  const found = at(value, path);
  if (found === undefined) return [{ path, text: `${key} is missing; it must be ${wanted(issue, path)}` }];
  if (issue.code === 'invalid_value')
    return [{ path, text: `${key} is ${shown(found)}; allowed: ${issue.values.join(', ')}` }];
  return [{ path, text: `${key} is ${shown(found)}; it must be ${wanted(issue, path)}` }];
}

/** What would be right, to be read after "it must be". */
function wanted(issue: z.core.$ZodIssue, path: readonly (string | number)[]): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type') return kindInWords(issue.expected, path);
  if (issue.code === 'too_small' && issue.origin === 'array')
    return `${kindInWords('array', path)}, with ${issue.minimum} or more entries`;
  if (issue.code === 'too_small' && issue.origin !== 'string') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin !== 'string') return `at most ${issue.maximum}`;
  return issue.message;
}

/** `gate.checks[0]` */
function inWords(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${key}`)).join('');
}

/** What the schema cannot say: keys that need each other. */
export function meaningProblems(config: Config): AtPath[] {
  const names = Object.keys(config.environments);
  if (names.length === 0) return [{ path: ['environments'], text: 'environments is empty; it needs at least one' }];
  const unknown = (config.gate?.freezes ?? []).flatMap((name, index): AtPath[] =>
    names.includes(name)
      ? []
      : [
          {
            path: ['gate', 'freezes', index],
            text: `gate.freezes names "${name}"; it must be an environment of this file (${names.join(', ')})`,
          },
        ],
  );
  const problems = names.flatMap((name) => {
    const environment = config.environments[name]!;
    const at = (key: string, text: string): AtPath => ({ path: ['environments', name, key], text });
    const problems: AtPath[] = [];
    if (environment.after !== undefined && (environment.after === name || !names.includes(environment.after)))
      problems.push(
        at(
          'after',
          `after names "${environment.after}"; it must be another environment of this file (${names.join(', ')})`,
        ),
      );
    if (environment.deploy && !environment.hosts) problems.push(at('deploy', 'deploy needs hosts'));
    const remote = environment.hosts?.some((host) => !/^\.{0,2}\//.test(typeof host === 'string' ? host : host.at));
    if (remote && !environment.path)
      problems.push(at('hosts', 'hosts over SSH need path: where the versions lie on them'));
    if (environment.migrate && !environment.database) problems.push(at('migrate', 'migrate needs database'));
    if (environment.backup && !environment.database && !environment['config-files'])
      problems.push(at('backup', 'backup needs database or config-files: there is nothing to back up'));
    if (environment['config-files'] && !environment.hosts)
      problems.push(at('config-files', 'config-files needs hosts'));
    environment.freeze?.windows.forEach((window, index) => {
      const text = windowProblem(window);
      if (text)
        problems.push({
          path: ['environments', name, 'freeze', 'windows', index],
          text: `freeze.windows[${index}]: ${text}`,
        });
    });
    if (environment.approve && tooFew(environment.approve)) problems.push(at('approve', tooFew(environment.approve)!));
    return problems;
  });
  return [...unknown, ...problems];
}

/** Where only persons are named, there must be as many of them as must approve. */
function tooFew({ from, required }: ApproveSection): string | null {
  if (from.some((entry) => entry.includes(':'))) return null;
  const people = new Set(from.map((login) => login.toLowerCase())).size;
  if (people >= required) return null;
  return `approve.required is ${required}, but approve.from names ${people}: nobody else's word counts`;
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown> | undefined)?.[key], value);
}

function shown(found: unknown): string {
  if (found === null) return 'empty';
  return (JSON.stringify(found) ?? String(found)).slice(0, 80);
}

function depth(branch: { path: PropertyKey[] }[]): number {
  return Math.max(0, ...branch.map((issue) => issue.path.length));
}

/** The allowed word that a misspelt one most likely stands for: at most two edits away (three for long words). */
export function closest(word: string, allowed: readonly string[]): string | null {
  const near = allowed
    .map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= (candidate.length > 7 ? 3 : 2))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate ?? null;
}

/** Insertions, deletions and substitutions between two words (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
