/** From the patterns that a user wrote to the scripts they mean. */
import { glob, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Failure } from '../outcome/outcome.ts';

/** One k6 script. */
export interface Script {
  /** Absolute. */
  file: string;
  /** As people know it: relative to the workspace, with `/`. */
  name: string;
}

/**
 * The scripts that the patterns mean, each once: in the order of the patterns, within one sorted by name. Throws a
 * Failure `input-invalid` for a pattern that matches no file.
 */
export async function findScripts(patterns: readonly string[], workspace: string): Promise<Script[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const files = await matches(pattern, workspace);
    if (files.length === 0) {
      throw new Failure({
        code: 'input-invalid',
        what: `no load test script matches ${pattern}`,
        where: 'script',
        untouched: 'nothing was run',
        next: 'correct the path or the pattern; it is relative to the root of the repository',
      });
    }
    for (const file of files) found.add(file);
  }
  return [...found].map((file) => ({ file, name: relative(workspace, file).replaceAll('\\', '/') }));
}

/** A name with `[` or `*` in it may also be the name of a file as it stands. */
async function matches(pattern: string, workspace: string): Promise<string[]> {
  const literal = resolve(workspace, pattern);
  if (await isFile(literal)) return [literal];
  const files: string[] = [];
  for await (const entry of glob(pattern, { cwd: workspace })) {
    const file = resolve(workspace, entry);
    if (await isFile(file)) files.push(file);
  }
  return files.sort();
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
