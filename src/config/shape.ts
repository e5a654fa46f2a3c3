/** What the schema says at one place of changeline.yml: the keys, the kind of value, an example. Pure. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from './schema.ts';

type Path = readonly (string | number)[];

interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
  examples?: unknown[];
}

/** The keys that the schema knows at a path. */
export function allowedKeys(path: Path): string[] {
  return [...new Set(shapesAt(path).flatMap((shape) => Object.keys(shape.properties ?? {})))];
}

/** The kind of value that is expected at a path, in words, with an example or the keys where the schema has some. */
export function kindInWords(expected: string, path: Path): string {
  if (expected === 'boolean') return 'true or false';
  if (expected === 'object' || expected === 'record') return `a mapping${suchAs(path, isMapping) || withKeys(path)}`;
  if (expected === 'array') return `a list${suchAs(path, Array.isArray)}`;
  if (expected === 'string') return `a text${suchAs(path, (example) => typeof example === 'string')}`;
  const whole = shapesAt(path).some(({ type }) => type === 'integer');
  return `${whole ? 'a whole number' : 'a number'}${suchAs(path, (example) => typeof example === 'number')}`;
}

function suchAs(path: Path, fits: (example: unknown) => boolean): string {
  const example = examplesAt(path).find(fits);
  return example === undefined
    ? ''
    : `, such as ${stringify(example, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()}`;
}

function withKeys(path: Path): string {
  const keys = allowedKeys(path);
  return keys.length > 0 ? ` (its keys: ${keys.join(', ')})` : '';
}

/** The examples of a key; those of an entry stand in the examples of its list. */
function examplesAt(path: Path): unknown[] {
  const own = shapesAt(path).flatMap(({ examples }) => examples ?? []);
  if (own.length > 0 || typeof path.at(-1) !== 'number') return own;
  return examplesAt(path.slice(0, -1))
    .filter((example) => Array.isArray(example))
    .flat();
}

function shapesAt(path: Path): Shape[] {
  let shapes: Shape[] = [z.toJSONSchema(configSchema, { io: 'input' }) as Shape];
  for (const key of path) {
    shapes = shapes.flatMap(alternatives).flatMap((shape) => {
      const next = typeof key === 'number' ? shape.items : (shape.properties?.[key] ?? shape.additionalProperties);
      return typeof next === 'object' ? [next] : [];
    });
  }
  return shapes.flatMap(alternatives);
}

/** The shape and the shapes that it may have instead. */
function alternatives(shape: Shape): Shape[] {
  return shape.anyOf ? [shape, ...shape.anyOf.flatMap(alternatives)] : [shape];
}

function isMapping(example: unknown): boolean {
  return typeof example === 'object' && example !== null && !Array.isArray(example);
}
