/** Reads changeline.yml: YAML, then ${VARIABLES}, then the schema, then what the schema cannot say. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { Failure } from '../outcome/outcome.ts';
import { type Environment, normalEnvironment } from './environment.ts';
import { describeIssues, meaningProblems, type Problem } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
import { fillVariables } from './variables.ts';

/** A configuration that was read and holds. */
export interface Loaded {
  config: Config;
  /** The chosen environment; null where none was asked for and there are several. */
  environment: Environment | null;
  /** sha256 of the file as it was read. */
  digest: string;
  /** The file, as it was named. */
  file: string;
}

/** What to read, and for which environment. An empty `environment` takes the only one. */
export interface Wanted {
  file: string;
  /** The name of the file for messages, relative to the workspace. */
  name: string;
  environment: string;
  /** True where an environment must be chosen: several and none named is then an error. */
  choose: boolean;
  /** True: only the ledger is asked, so the variables of the environment may be unset and stay as they stand. */
  looksOnly?: boolean;
  env: Record<string, string | undefined>;
}

/** Reads and checks a file. Throws config-missing, config-invalid, config-variable-unset, environment-unknown. */
export async function loadConfig(wanted: Wanted): Promise<Loaded> {
  const text = await readFile(wanted.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure({
      code: 'config-missing',
      what: 'the configuration cannot be read',
      where: wanted.name,
      why: error.code ?? error.message,
      untouched: 'nothing was changed',
      next: 'write it with `npx github:acme/changeline#v1 init`, check the repository out before this step, or name it with the input `config`',
    });
  });
  return parseConfig(text, wanted);
}

/** The pure part of `loadConfig`. */
export function parseConfig(text: string, wanted: Omit<Wanted, 'file'>): Loaded {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken) {
    throw invalid(wanted.name, [
      { line: lines.linePos(broken.pos[0]).line, text: `not valid YAML: ${broken.message}` },
    ]);
  }
  const lineOf = (path: readonly PropertyKey[]) => nearestLine(document, lines, path);
  const raw: unknown = document.toJS() ?? {};
  const names = environmentNames(raw);
  const chosen = chooseEnvironment(names, wanted);
  const { value, problems } = fillVariables(raw, wanted.looksOnly ? null : chosen, wanted.env);
  const unset = problems.find((problem) => problem.unset);
  if (unset) {
    throw new Failure({
      code: 'config-variable-unset',
      what: `\${${unset.unset}} is not set`,
      where: `${wanted.name}:${lineOf(unset.path)}: ${unset.path.join('.')}`,
      untouched: 'nothing was changed',
      next: `set ${unset.unset} in the environment (in a workflow: env: ${unset.unset}: \${{ secrets.${unset.unset} }})`,
    });
  }
  const parsed = configSchema.safeParse(value);
  const found: Problem[] = [
    ...problems.map((problem) => ({ line: lineOf(problem.path), text: problem.text })),
    ...(parsed.success
      ? meaningProblems(parsed.data).map(({ path, text }) => ({ line: lineOf(path), text }))
      : describeIssues(parsed.error.issues, value).map(({ path, text }) => ({ line: lineOf(path), text }))),
  ];
  if (found.length > 0 || !parsed.success) throw invalid(wanted.name, found);
  return {
    config: parsed.data,
    environment: chosen === null ? null : normalEnvironment(parsed.data, chosen),
    digest: createHash('sha256').update(text).digest('hex'),
    file: wanted.name,
  };
}

function environmentNames(raw: unknown): string[] {
  const environments = (raw as { environments?: unknown })?.environments;
  return environments && typeof environments === 'object' ? Object.keys(environments) : [];
}

function chooseEnvironment(names: string[], wanted: Omit<Wanted, 'file'>): string | null {
  if (wanted.environment) {
    if (names.includes(wanted.environment)) return wanted.environment;
    throw new Failure({
      code: 'environment-unknown',
      what: `there is no environment "${wanted.environment}"`,
      where: wanted.name,
      why: names.length ? `it has ${names.join(', ')}` : 'it has none',
      untouched: 'nothing was changed',
      next: 'name one of these, or add it to the file',
    });
  }
  if (names.length === 1) return names[0]!;
  if (!wanted.choose || names.length === 0) return null;
  throw new Failure({
    code: 'input-missing',
    what: 'the input environment is empty and there are several environments',
    where: wanted.name,
    why: `it has ${names.join(', ')}`,
    untouched: 'nothing was changed',
    next: 'name one of these in the input environment (--environment in a shell)',
  });
}

function invalid(name: string, problems: Problem[]): Failure {
  const [first, ...rest] = problems.sort((a, b) => a.line - b.line);
  return new Failure({
    code: 'config-invalid',
    what: first!.text,
    where: `${name}:${first!.line}`,
    why: rest.length ? `also ${rest.map((problem) => `line ${problem.line}: ${problem.text}`).join('; ')}` : undefined,
    untouched: 'nothing was changed',
    next: 'correct the file; changeline.schema.json completes and checks it in an editor',
  });
}

/** The line of the deepest node on a path that exists. */
function nearestLine(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const items = (parent as { items?: { key?: unknown; value?: unknown }[] } | null)?.items ?? [];
    const pair = items.find((item) => isScalar(item.key) && item.key.value === key);
    const node = (pair?.key ?? (typeof key === 'number' ? items[key] : undefined)) as ParsedNode | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
