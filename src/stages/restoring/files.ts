/** The config files of a backup, put back on their hosts; what was there is kept beside. */
import { buffer } from 'node:stream/consumers';
import { type ConfigPart, readPart } from '../../backup/backup.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import type { Host } from '../../transport/transport.ts';
import type { Vault } from '../../vault/vault.ts';

/** The hosts of the environment: those that answer, and those that do not. */
export type Hosts = Pick<Fleet, 'hosts' | 'lost'>;

/** A config file as the backup holds it. */
export interface FileThen {
  host: string;
  path: string;
  bytes: Buffer;
}

/** What became of the files. */
export interface FilesBack {
  /** host: path, with what was there now at path.replaced-<id>. */
  written: string[];
  /** host: path of those that should have been written and could not be, with why. */
  missed: string[];
  /** What nobody has to do anything about: hosts that are gone or new since the backup. */
  left: string[];
}

/**
 * $1 root, $2 file below shared/, $3 id; the bytes come by standard input. Mode and owner stay those of the file: where
 * this login may not give a new file the old owner, the old file itself is written. A link stays one.
 */
const REPLACE = `set -eu
file="$1/shared/$2"
if [ -L "$file" ]; then file=$(readlink -f "$file"); fi
kept="$file.replaced-$3"; next="$file.changeline-$3"
umask 077
owner() { set -- $(ls -lnd "$1"); echo "$3:$4"; }
if [ -e "$file" ]; then
  [ -e "$kept" ] || cp -p "$file" "$kept"
  cp -p "$file" "$next"
  if [ "$(owner "$file")" != "$(owner "$next")" ]; then
    rm -f "$next"
    [ -w "$file" ] || { echo "its owner could not be kept" >&2; exit 1; }
    cat > "$file"
    exit 0
  fi
else mkdir -p "$(dirname "$file")"; echo made; fi
cat > "$next"
mv -f "$next" "$file"`;

/** The config files of a backup, all read before anything is touched. Throws what vault and backup throw. */
export async function readFiles(
  parts: readonly ConfigPart[],
  vault: Vault,
  identity: string | null,
): Promise<FileThen[]> {
  const files: FileThen[] = [];
  for (const part of parts)
    files.push({ host: part.host, path: part.path, bytes: await buffer(await readPart(vault, part, identity)) });
  return files;
}

/** Writes back the files whose bytes differ from those on their host. Never throws: the data are back already. */
export async function filesBack(files: readonly FileThen[], { hosts, lost }: Hosts, id: string): Promise<FilesBack> {
  const back: FilesBack = { written: [], missed: [], left: [] };
  for (const file of files) {
    const name = `${file.host}: ${file.path}`;
    const host = hosts.find((each) => each.name === file.host);
    const away = lost.find((each) => each.name === file.host);
    // A manifest that the ledger does not know may say anything.
    if (file.path.startsWith('/') || file.path.split('/').includes('..'))
      back.missed.push(`${name} (no path below shared)`);
    else if (away) back.missed.push(`${name} (${away.failure.what})`);
    else if (!host) back.left.push(`${name} (the environment has this host no more)`);
    else
      await fileBack(file, host, id, back).catch((error) => back.missed.push(`${name} (${failureFrom(error).what})`));
  }
  const then = new Set(files.map(({ host }) => host));
  if (files.length > 0)
    for (const { name } of hosts)
      if (!then.has(name)) back.left.push(`those of ${name}, which is new since the backup`);
  return back;
}

async function fileBack({ path, bytes }: FileThen, host: Host, id: string, back: FilesBack): Promise<void> {
  const there = await host.read(`shared/${path}`).catch(() => null);
  if (there?.equals(bytes)) return;
  const { status, stdout, stderr } = await host.sh(REPLACE, { args: [host.path, path, id], input: bytes });
  const was =
    stdout.trim() === 'made' ? 'made anew, readable by its owner alone' : `what was there is ${path}.replaced-${id}`;
  if (status === 0) back.written.push(`${host.name}: ${path}, ${was}`);
  else back.missed.push(`${host.name}: ${path} (${stderr.trim().slice(0, 120)})`);
}
