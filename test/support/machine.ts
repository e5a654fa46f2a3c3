/** The machines of a project, as far as a test has to know them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One machine: where it is for changeline.yml, and where the shop answers. */
export interface Machine {
  at: string;
  directory: string;
  port: number;
  with: Record<string, string | number>;
}

/** The machines as changeline.yml names them. */
export function hostsOf(machines: Machine[]) {
  return machines.map(({ at, with: values }) => ({ at, with: values }));
}

/** Ends the shop's process on a machine, if one runs there. */
export function stopShop(directory: string): void {
  const file = join(directory, 'shared/shop.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/src/server.js')) process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
