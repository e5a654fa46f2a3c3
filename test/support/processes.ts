/** What runs on this machine, as /proc shows it (Linux only). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One process: its command line with spaces, and where it works. */
export interface Running {
  pid: number;
  command: string;
  cwd: string;
}

/** Every process that may be looked at, but this one. */
export function running(): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name): Running[] => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), command, cwd: readlinkSync(`/proc/${name}/cwd`) }];
      } catch {
        return []; // it has ended
      }
    });
}

/** Those that work below a folder or name it on their command line. */
export function runningUnder(folder: string): Running[] {
  return running().filter(({ command, cwd }) => cwd.startsWith(folder) || command.includes(folder));
}
