/** k6 built from its source with the machine's Go, whose checksum database vouches for what is fetched. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { lastWords, must } from '../process/process.ts';

/** What to build, and in which directory. */
export interface Build {
  version: string;
  directory: string;
  log: Log;
  signal: AbortSignal;
}

const BUILDS_WITHIN = 15 * 60_000;

/** Where Go fetches from, keeps things, and how it reaches the network. Not for k6 itself. */
const GO_VARIABLES = [
  ...[
    'GOPATH',
    'GOROOT',
    'GOCACHE',
    'GOMODCACHE',
    'GOPROXY',
    'GOSUMDB',
    'GONOSUMDB',
    'GONOPROXY',
    'GOPRIVATE',
    'GOFLAGS',
  ],
  ...['GOTOOLCHAIN', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
];

/** The Go module that holds a version of k6. */
export function modulePath(version: string): string {
  const major = Number(version.split('.')[0]);
  return major < 2 ? 'go.k6.io/k6' : `go.k6.io/k6/v${major}`;
}

/**
 * Builds k6 and fulfils with the program's path. A module that requires k6 is built, since `go install` of a version also
 * asks k6's own site, which not every machine with a module proxy reaches. Throws a Failure that says why it could not.
 */
export async function buildK6({ version, directory, log, signal }: Build): Promise<string> {
  const module = modulePath(version);
  await writeFile(join(directory, 'go.mod'), `module changeline/k6\n\ngo 1.24\n\nrequire ${module} v${version}\n`);
  const program = join(directory, process.platform === 'win32' ? 'k6.exe' : 'k6');
  log.info(`building k6 ${version} with Go, about a minute`);
  await must(
    {
      file: 'go',
      args: ['build', '-mod=mod', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', program, module],
      cwd: directory,
      env: goEnvironment(process.env),
      timeout: BUILDS_WITHIN,
      signal,
      onOutput: (text) => log.progress(`building k6: ${text.trim().split('\n').at(-1)?.slice(0, 100) ?? ''}`),
    },
    (finished) =>
      new Failure({ code: 'k6-unavailable', what: 'go build failed', why: lastWords(finished), next: 'see why' }),
  );
  return program;
}

/** Go's own variables of this process. */
export function goEnvironment(all: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(GO_VARIABLES.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}
