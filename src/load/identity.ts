/** Whether two runs made the same load: a digest over all that shapes it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../process/process.ts';
import { redact } from '../secret/secret.ts';
import { scriptEnvironment } from './command.ts';
import type { K6 } from './k6.ts';
import type { ScriptRun } from './run.ts';

/** What decides whether loads are equal. */
type Loading = Pick<ScriptRun, 'script' | 'url' | 'env' | 'args' | 'tick' | 'workspace' | 'signal'> & { k6: K6 };

/**
 * sha256 of the script, of what it imports (k6 names it), its arguments, its variables and its URL, of k6's version and
 * the length of a tick. Secrets are left out of it, since it is published. Data that the script opens is not part of it,
 * nor is what lies behind an imported URL. null where this k6 does not tell the imports. Throws `cancelled` where
 * `signal` fires.
 */
export async function loadDigest(loading: Loading): Promise<string | null> {
  const { script, args = [], url, env, k6, tick = null } = loading;
  const imports = await importsOf(loading);
  if (imports === null) return null;
  const given = Object.entries(scriptEnvironment(url === undefined ? url : withoutPassword(url), env)).sort();
  const hash = createHash('sha256');
  hash.update(redact(JSON.stringify({ k6: k6.version, tick, args, env: given })));
  for (const file of imports) {
    const local = file.startsWith('file:') ? fileURLToPath(file) : null;
    const content = local === null ? '' : await readFile(local, 'utf8').catch(() => '');
    hash.update(JSON.stringify([local === null ? file : relative(dirname(script.file), local), content]));
  }
  return `sha256:${hash.digest('hex')}`;
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}

/** The script and all it imports, as `k6 deps` names them; null where that k6 does not know. */
async function importsOf({ k6, script, workspace, signal }: Loading): Promise<string[] | null> {
  const args = ['deps', '--json', script.file];
  const finished = await run({ file: k6.file, args, cwd: workspace, timeout: 30_000, signal });
  if (finished.status !== 0) return null;
  try {
    const { imports } = JSON.parse(finished.stdout) as { imports: string[] };
    return imports.length > 0 ? imports.map(String).sort() : null;
  } catch {
    return null;
  }
}
