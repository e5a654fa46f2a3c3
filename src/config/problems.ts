/** What is wrong with a changeline.yml, in words: what was found, and what is allowed. */
import { z } from 'zod';
import type { Config } from './schema.ts';
import { configSchema } from './schema.ts';
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
  const key = path.join('.') || 'the file';
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
    const texts = nested.map((branch) => branch[0]?.message).filter((text) => text);
    return [{ path, text: `${key} is ${shown(at(value, path))}; allowed: ${[...new Set(texts)].join(', or ')}` }];
  }
  const found = at(value, path);
  if (found === undefined) return [{ path, text: `${key} is missing` }];
  return [{ path, text: `${key} is ${shown(found)}; ${expectation(issue)}` }];
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type')
    return `it must be ${issue.expected === 'record' ? 'a mapping' : `of type ${issue.expected}`}`;
  return `it must be ${issue.message.replace(/^Invalid input: expected /, '')}`;
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
      if (text) problems.push({ path: ['environments', name, 'freeze', 'windows', index], text });
    });
    return problems;
  });
  return [...unknown, ...problems];
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown> | undefined)?.[key], value);
}

function shown(found: unknown): string {
  return (JSON.stringify(found) ?? String(found)).slice(0, 80);
}

function depth(branch: { path: PropertyKey[] }[]): number {
  return Math.max(0, ...branch.map((issue) => issue.path.length));
}

interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
}

/** The keys that the schema knows at a path. */
function allowedKeys(path: readonly (string | number)[]): string[] {
  let shapes: Shape[] = [z.toJSONSchema(configSchema, { io: 'input' }) as Shape];
  for (const key of path) {
    shapes = shapes.flatMap(alternatives).flatMap((shape) => {
      const next = typeof key === 'number' ? shape.items : (shape.properties?.[key] ?? shape.additionalProperties);
      return typeof next === 'object' ? [next] : [];
    });
  }
  return [...new Set(shapes.flatMap(alternatives).flatMap((shape) => Object.keys(shape.properties ?? {})))];
}

function alternatives(shape: Shape): Shape[] {
  return shape.anyOf ? shape.anyOf.flatMap(alternatives) : [shape];
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
