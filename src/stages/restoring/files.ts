/** The config files of a backup, put back on their hosts; what was there is kept beside. */
import { buffer } from 'node:stream/consumers';
import { type ConfigPart, readPart } from '../../backup/backup.ts';
import type { Host } from '../../transport/transport.ts';
import type { Vault } from '../../vault/vault.ts';

/** What became of the files. */
export interface FilesBack {
  /** host: path, with what was there now at path.replaced-<id>. */
  written: string[];
  /** host: path of those that could not be written. */
  missed: string[];
}

/** $1 root, $2 file below shared/, $3 id; the bytes come by standard input. Mode and owner stay those of the file. */
const REPLACE = `set -eu
file="$1/shared/$2"; kept="$file.replaced-$3"; next="$file.changeline-$3"
umask 077
mkdir -p "$(dirname "$file")"
if [ -e "$file" ]; then [ -e "$kept" ] || cp -p "$file" "$kept"; cp -p "$file" "$next"; fi
cat > "$next"
mv -f "$next" "$file"`;

/** Writes back the files whose bytes differ from those on their host. Throws what vault, backup and hosts throw. */
export async function filesBack(
  parts: readonly ConfigPart[],
  { hosts, vault, identity, id }: { hosts: readonly Host[]; vault: Vault; identity: string | null; id: string },
): Promise<FilesBack> {
  const back: FilesBack = { written: [], missed: [] };
  for (const part of parts) {
    const host = hosts.find(({ name }) => name === part.host);
    // A manifest that the ledger does not know may say anything.
    if (!host || part.path.startsWith('/') || part.path.split('/').includes('..')) {
      back.missed.push(`${part.host}: ${part.path}`);
      continue;
    }
    const bytes = await buffer(await readPart(vault, part, identity));
    const there = await host.read(`shared/${part.path}`).catch(() => null);
    if (there?.equals(bytes)) continue;
    const { status, stderr } = await host.sh(REPLACE, { args: [host.path, part.path, id], input: bytes });
    if (status === 0) back.written.push(`${part.host}: ${part.path}, what was there is ${part.path}.replaced-${id}`);
    else back.missed.push(`${part.host}: ${part.path} (${stderr.trim().slice(0, 120)})`);
  }
  return back;
}
