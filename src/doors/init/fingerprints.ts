/** Host keys as a fleet answers them now, with their fingerprints for a person to compare. */
import { run } from '../../process/process.ts';

/** What one host answered. */
export interface HostKeys {
  host: string;
  /** Lines for known_hosts; empty where the host did not answer. */
  lines: string[];
  /** SHA256 fingerprints with their types. */
  fingerprints: string[];
}

/** Asks each host over SSH for its keys; a directory has none. */
export async function scanHostKeys(hosts: readonly string[]): Promise<HostKeys[]> {
  const remote = [...new Set(hosts)].filter((host) => !/^\.{0,2}\//.test(host));
  return Promise.all(remote.map(scan));
}

async function scan(host: string): Promise<HostKeys> {
  const [, name = host, port = '22'] = /^(?:[^@]*@)?(.*?)(?::(\d+))?$/.exec(host) ?? [];
  const { stdout } = await run({
    file: 'ssh-keyscan',
    args: ['-T', '5', '-p', port, '--', name.replace(/^\[|\]$/g, '')],
  });
  const lines = stdout.split('\n').filter((line) => line && !line.startsWith('#'));
  const shown = lines.length
    ? await run({ file: 'ssh-keygen', args: ['-l', '-f', '-'], input: `${lines.join('\n')}\n` })
    : null;
  const fingerprints = (shown?.stdout ?? '')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, print = '', , type = ''] = /^\d+ (\S+) (.*) \((\S+)\)$/.exec(line) ?? [];
      return `${type} ${print}`;
    });
  return { host, lines, fingerprints };
}
