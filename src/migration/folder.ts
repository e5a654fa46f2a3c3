/** A folder of migrations, in the forms that people keep them in. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Engine } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { invalid, type Migration, migrationFrom, type Source, upPart } from './script.ts';
import { compareVersions, versionKey } from './version.ts';

/** A file of the folder; the path is relative to it, with `/`. */
export interface FolderFile {
  path: string;
  text: string;
}

/**
 * Reads all migrations of a folder, oldest version first. Throws `migration-invalid` where the folder is not there,
 * or a file in it cannot be used: a script that nobody would ever run is an error, not something to pass over.
 */
export async function readMigrations(folder: string, engine: Engine): Promise<Migration[]> {
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

/** The migrations of a folder's files, oldest version first. Throws `migration-invalid`. */
export function arrange(files: FolderFile[], engine: Engine): Migration[] {
  const sources = files.flatMap((file) => sourceOf(file, files) ?? []);
  const tools = new Set(sources.map(({ tool }) => tool));
  if (tools.size > 1) {
    const other = sources.find(({ tool }) => tool !== sources[0]!.tool)!;
    throw invalid(
      other.file,
      null,
      `it lies beside ${sources[0]!.file}, which is named in another way`,
      "keep Flyway's names and others in folders of their own",
    );
  }
  const ordered = sources.toSorted((a, b) => compareVersions(a.version, b.version));
  ordered.forEach((source, index) => {
    const before = ordered[index - 1];
    if (!before || versionKey(before.version) !== versionKey(source.version)) return;
    throw invalid(source.file, null, `it has the same version as ${before.file}`, 'give one of them a later version');
  });
  return ordered.map((source) => migrationFrom(source, engine));
}

type Reader = (found: RegExpExecArray, file: FolderFile, all: FolderFile[]) => Source | null;

/** What a path says. The first that fits counts; null is a file that is known and never applied on its own. */
const FORMS: [RegExp, Reader][] = [
  [/^(\d+)[_-]?([^/]*)\/(?:migration|up)\.sql$/, plain],
  [
    /^(\d+)[_-]?([^/]*)\/down\.sql$/,
    needsUp((path) => [path.replace(/down\.sql$/, 'up.sql'), path.replace(/down\.sql$/, 'migration.sql')]),
  ],
  [/^(\d+)[_-]?([^/]*)\.up\.sql$/, plain],
  [/^(\d+)[_-]?([^/]*)\.down\.sql$/, needsUp((path) => [path.replace(/\.down\.sql$/, '.up.sql')])],
  [/^(\d+)[_-]?([^/]*)\.sql$/, oneFile],
  [/^V(\d+(?:[._]\d+)*)__([^/]*)\.sql$/, flyway],
  [/^U(\d+(?:[._]\d+)*)__[^/]*\.sql$/, () => null],
  [/^V\d+(?:[._]\d+)*__[^/]*\.sql\.conf$/, needsUp((path) => [path.replace(/\.conf$/, '')])],
];

function sourceOf(file: FolderFile, all: FolderFile[]): Source | null {
  for (const [form, read] of FORMS) {
    const found = form.exec(file.path);
    if (found) return read(found, file, all);
  }
  const repeatable = /(^|\/)R__[^/]*\.sql$/.test(file.path);
  throw invalid(
    file.path,
    null,
    repeatable
      ? 'repeatable migrations of Flyway are not supported'
      : 'its name is of no form that is known, so it would never be applied',
    'name it <version>_<name>.sql with -- migrate:up, <version>_<name>.up.sql, <version>_<name>/migration.sql or V<version>__<name>.sql, or move it out of the folder',
  );
}

function plain([, version, name]: RegExpExecArray, { path, text }: FolderFile): Source {
  return { version: version!, name: name!, tool: 'dbmate', file: path, sql: text, line: 1, transaction: true };
}

function oneFile([, version, name]: RegExpExecArray, { path, text }: FolderFile): Source {
  return { version: version!, name: name!, tool: 'dbmate', file: path, ...upPart(text, path) };
}

function flyway([, version, name]: RegExpExecArray, { path, text }: FolderFile, all: FolderFile[]): Source {
  const placeholder = text.split('\n').findIndex((line) => /\$\{[^}\n]*\}/.test(line));
  if (placeholder >= 0)
    throw invalid(path, placeholder + 1, 'placeholders of Flyway (${…}) are not filled in', 'write the value itself');
  const settings = all.find((file) => file.path === `${path}.conf`);
  const source = { version: version!.replaceAll('_', '.'), name: name!.replaceAll('_', ' '), tool: 'flyway' as const };
  return { ...source, file: path, sql: text, line: 1, transaction: settings ? inTransaction(settings) : true };
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

/** For files that mean nothing alone: a way down without a way up is a misspelt name. */
function needsUp(paths: (path: string) => string[]): Reader {
  return (_found, { path }, all) => {
    if (all.some((file) => paths(path).includes(file.path))) return null;
    throw invalid(path, null, 'the script that goes up is missing beside it', `add ${paths(path)[0]}, or remove it`);
  };
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(path, null, 'it is not UTF-8', 'save it as UTF-8');
  }
}
