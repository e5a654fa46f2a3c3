/** A folder of migrations, in the forms that people keep them in. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { Engine } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { readEfScript } from './ef-script.ts';
import { bothParts, invalid, type Migration, migrationFrom, type Part, type Source, type Tool } from './script.ts';
import { compareVersions, versionKey } from './version.ts';

/** A file of the folder; the path is relative to it, with `/`. */
export interface FolderFile {
  path: string;
  text: string;
}

/**
 * Reads all migrations of a folder, oldest version first, or those of an idempotent script of EF Core where `folder`
 * is a file. Throws `migration-invalid` where it is not there, or a file in it cannot be used: a script that nobody would ever run is an error, not something to pass over.
 */
export async function readMigrations(folder: string, engine: Engine): Promise<Migration[]> {
  if (/\.sql$/i.test(folder) && (await isFile(folder))) {
    const name = basename(folder);
    return readEfScript(decode(await readFile(folder), name), name, engine);
  }
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Failure({
        code: 'migration-invalid',
        what: 'the folder of migrations cannot be read',
        where: folder,
        why: error.code,
        untouched: 'no database was touched',
        next: 'say in `migrate.from` where the migrations lie inside the artifact',
      });
    },
  );
  const wanted = entries.filter((entry) => entry.isFile() && /\.sql(\.conf)?$/i.test(entry.name));
  const files = wanted.map(async (entry): Promise<FolderFile> => {
    const full = join(entry.parentPath, entry.name);
    const path = relative(folder, full).split(sep).join('/');
    return { path, text: decode(await readFile(full), path) };
  });
  return arrange(await Promise.all(files), engine);
}

/** The migrations of a folder's files for one engine, oldest version first. Throws `migration-invalid`. */
export function arrange(files: FolderFile[], engine: Engine): Migration[] {
  const scripts = files.map((file) => scriptOf(file));
  refuseTwoTools(scripts);
  for (const script of scripts) refuseAlone(script, scripts);
  const versions = Map.groupBy(scripts, ({ version }) => versionKey(version));
  return [...versions.values()]
    .map((group) => sourceOf(group, engine))
    .toSorted((a, b) => compareVersions(a.version, b.version))
    .map((source) => migrationFrom(source, engine));
}

/** What a path says of its file. */
interface Script extends FolderFile {
  version: string;
  name: string;
  tool: Tool;
  /** both: dbmate's one file; settings: Flyway's of one script. */
  role: 'up' | 'down' | 'both' | 'settings';
  /** What the files of one migration have in common in their paths. */
  stem: string;
  /** Which engine it is for; null for any. */
  variant: Engine | null;
}

/** The forms of paths, without what names an engine. The first that fits counts; groups: version, name. */
const FORMS: [form: RegExp, tool: Tool, role: Script['role'], stem: string][] = [
  [/^(\d+)[_-]?([^/]*)\/(?:migration|up)\.sql$/, 'dbmate', 'up', 'folder'],
  [/^(\d+)[_-]?([^/]*)\/down\.sql$/, 'dbmate', 'down', 'folder'],
  [/^(\d+)[_-]?([^/]*)\.up\.sql$/, 'dbmate', 'up', 'pair'],
  [/^(\d+)[_-]?([^/]*)\.down\.sql$/, 'dbmate', 'down', 'pair'],
  [/^(\d+)[_-]?([^/]*)\.sql$/, 'dbmate', 'both', 'file'],
  [/^V(\d+(?:[._]\d+)*)__([^/]*)\.sql$/, 'flyway', 'up', 'flyway'],
  [/^U(\d+(?:[._]\d+)*)__([^/]*)\.sql$/, 'flyway', 'down', 'flyway'],
  [/^V(\d+(?:[._]\d+)*)__([^/]*)\.sql\.conf$/, 'flyway', 'settings', 'flyway'],
];

const FOLDER_OF_ENGINE = /^(postgres|mysql|mariadb|sqlite)\//;
const NAME_OF_ENGINE = /\.(postgres|mysql|mariadb|sqlite)(?=(?:\.up|\.down)?\.sql(?:\.conf)?$)/;

function scriptOf({ path, text }: FolderFile): Script {
  const variant = (FOLDER_OF_ENGINE.exec(path)?.[1] ?? NAME_OF_ENGINE.exec(path)?.[1] ?? null) as Engine | null;
  const plain = path.replace(FOLDER_OF_ENGINE, '').replace(NAME_OF_ENGINE, '');
  for (const [form, tool, role, stem] of FORMS) {
    const [, version, name] = form.exec(plain) ?? [];
    if (version === undefined) continue;
    // Flyway finds a way back by its version alone
    const common = tool === 'flyway' ? `${stem} ${versionKey(version)}` : `${stem} ${version} ${name}`;
    return { path, text, version, name: name!, tool, role, stem: common, variant };
  }
  const repeatable = /(^|\/)R__[^/]*\.sql$/.test(path);
  throw invalid(
    path,
    null,
    repeatable
      ? 'repeatable migrations of Flyway are not supported'
      : 'its name is of no form that is known, so it would never be applied',
    'name it <version>_<name>.sql with -- migrate:up, <version>_<name>.up.sql, <version>_<name>/migration.sql or V<version>__<name>.sql, or move it out of the folder',
  );
}

function refuseTwoTools(scripts: Script[]): void {
  const other = scripts.find(({ tool }) => tool !== scripts[0]!.tool);
  if (!other) return;
  throw invalid(
    other.path,
    null,
    `it lies beside ${scripts[0]!.path}, which is named in another way`,
    "keep Flyway's names and others in folders of their own",
  );
}

/** A way down without a way up is a misspelt name. */
function refuseAlone({ path, role, stem }: Script, all: Script[]): void {
  if (isUp({ role }) || all.some((one) => isUp(one) && one.stem === stem)) return;
  const up = path
    .replace(/down\.sql$/, 'up.sql')
    .replace(/(^|\/)U(?=[^/]*$)/, '$1V')
    .replace(/\.conf$/, '');
  throw invalid(path, null, 'the script that goes up is missing beside it', `add ${up}, or remove it`);
}

function isUp({ role }: Pick<Script, 'role'>): boolean {
  return role === 'up' || role === 'both';
}

/** The source of one version for an engine: its own variant, or the one for any engine. Throws `migration-invalid`. */
function sourceOf(group: Script[], engine: Engine): Source {
  const ups = group.filter(isUp);
  ups.forEach((one, index) => {
    const before = ups.find((other, place) => place < index && other.variant === one.variant);
    if (!before) return;
    throw invalid(one.path, null, `it has the same version as ${before.path}`, 'give one of them a later version');
  });
  const up = fitting(ups, engine);
  if (!up) {
    const there = ups.map(({ variant }) => variant).join(', ');
    throw invalid(
      ups[0]!.path,
      null,
      `there is a variant for ${there}, and none for ${engine}`,
      `add one for ${engine}, or one for any engine`,
    );
  }
  const sameStem = (role: Script['role']) => group.filter((one) => one.role === role && one.stem === up.stem);
  const down = fitting(
    sameStem('down').filter(({ variant }) => variant === up.variant || variant === null),
    engine,
  );
  const settings = fitting(
    sameStem('settings').filter(({ path }) => path === `${up.path}.conf`),
    engine,
  );
  return read(up, down, settings);
}

/** The one for this engine; MariaDB takes MySQL's where it has none of its own; else the one for any engine. */
function fitting(scripts: Script[], engine: Engine): Script | undefined {
  const order: (Engine | null)[] = engine === 'mariadb' ? ['mariadb', 'mysql', null] : [engine, null];
  return order.map((variant) => scripts.find((one) => one.variant === variant)).find(Boolean);
}

function read(up: Script, down: Script | undefined, settings: Script | undefined): Source {
  const { version, name, tool, path, text } = up;
  if (up.role === 'both') return { version, name, tool, ...bothParts(text, path) };
  const part = (script: Script, transaction: boolean): Part => ({
    file: script.path,
    sql: script.text,
    line: 1,
    transaction,
  });
  const back = down ? part(down, true) : null;
  if (tool === 'dbmate') return { version, name, tool, ...part(up, true), head: '', down: back };
  for (const script of down ? [up, down] : [up]) refusePlaceholders(script);
  return {
    version: version.replaceAll('_', '.'),
    name: name.replaceAll('_', ' '),
    tool,
    ...part(up, settings ? inTransaction(settings) : true),
    head: '',
    down: back,
  };
}

function refusePlaceholders({ path, text }: Script): void {
  const placeholder = text.split('\n').findIndex((line) => /\$\{[^}\n]*\}/.test(line));
  if (placeholder < 0) return;
  throw invalid(path, placeholder + 1, 'placeholders of Flyway (${…}) are not filled in', 'write the value itself');
}

/** Flyway's settings of one script; only the one that matters here is understood. */
function inTransaction({ path, text }: FolderFile): boolean {
  let transaction = true;
  text.split(/\r?\n/).forEach((line, index) => {
    const setting = /^\s*executeInTransaction\s*=\s*(true|false)\s*$/.exec(line);
    if (setting) transaction = setting[1] === 'true';
    else if (line.trim() && !/^\s*[#!]/.test(line))
      throw invalid(
        path,
        index + 1,
        'a setting that is not supported',
        'the only one is executeInTransaction=true|false',
      );
  });
  return transaction;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(path, null, 'it is not UTF-8', 'save it as UTF-8');
  }
}
