/** The address of a vault taken apart. Pure. */
import { isAbsolute, resolve } from 'node:path';
import { Failure } from '../outcome/outcome.ts';

/** Where a vault is. `host` is the address of a host as changeline.yml has it; `prefix` has no slash at its ends and may be empty. */
export type VaultPlace =
  | { kind: 'directory'; path: string }
  | { kind: 'ssh'; host: string; path: string }
  | { kind: 's3'; bucket: string; prefix: string };

const SSH = /^ssh:\/\/((?:[\w.-]+@)?(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d{1,5})?)(\/.*)$/s;
const S3 = /^s3:\/\/([A-Za-z0-9][\w.-]{1,61}[A-Za-z0-9])(?:\/(.*))?$/s;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/**
 * Takes a directory (a relative one is below `workspace`), `ssh://user@host[:port]/absolute/path` or `s3://bucket/prefix`
 * apart. Paths and prefixes stand for themselves: nothing is decoded. Throws `config-invalid`.
 */
export function parsePlace(to: string, workspace: string): VaultPlace {
  const scheme = SCHEME.exec(to)?.[1]?.toLowerCase();
  if (hasControl(to) || to === '') throw invalid(scheme, 'it is empty, or has a control character');
  if (scheme === 'ssh') return parseSsh(to);
  if (scheme === 's3') return parseS3(to);
  if (scheme !== undefined) throw invalid(scheme, `${scheme}: is not a kind of vault`);
  const path = isAbsolute(to) ? resolve(to) : resolve(workspace, to);
  if (path === resolve(path, '..')) throw invalid(undefined, 'the root of a disk is no vault');
  return { kind: 'directory', path };
}

function parseSsh(to: string): VaultPlace {
  const [, host, rest] = SSH.exec(to) ?? [];
  const path = rest?.replace(/\/+$/, '');
  if (host === undefined || host.startsWith('-'))
    throw invalid('ssh', 'it is not ssh://user@host[:port]/absolute/path');
  if (!path) throw invalid('ssh', 'the root of a host is no vault');
  if (path.split('/').includes('..')) throw invalid('ssh', 'its path has ..');
  return { kind: 'ssh', host, path };
}

function parseS3(to: string): VaultPlace {
  const [, bucket, rest = ''] = S3.exec(to) ?? [];
  if (bucket === undefined || bucket.includes('..')) throw invalid('s3', 'it is not s3://bucket/prefix');
  const prefix = rest.replace(/^\/+|\/+$/g, '');
  if (prefix !== '' && prefix.split('/').some((part) => ['', '.', '..'].includes(part)))
    throw invalid('s3', 'its prefix has an empty part, . or ..');
  return { kind: 's3', bucket, prefix };
}

function hasControl(text: string): boolean {
  return [...text].some((letter) => letter < ' ' || letter === '\x7f');
}

/** The text itself is not shown: someone may have written a password into it. */
function invalid(scheme: string | undefined, why: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'this is no place for backups',
    where: scheme === undefined ? 'backup.to' : `backup.to: ${scheme}:…`,
    why,
    untouched: 'nothing was touched',
    next: 'name a directory, ssh://user@host/absolute/path, or s3://bucket/prefix',
  });
}
