/** Whether the process that opened a change in a shell still lives. */
import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import type { Holder } from '../../ledger/ledger.ts';
import type { Liveness } from './admission.ts';

type Shell = Extract<Holder, { kind: 'shell' }>;

/** Only a process of this machine can be known; `started` tells it from a later one that got the same number. */
export async function isProcessAlive(holder: Shell, me: Holder): Promise<Liveness> {
  if (me.kind !== 'shell' || me.machine !== holder.machine) return 'unknown';
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'dead';
  }
  return (await processStart(holder.pid)) === holder.started ? 'alive' : 'dead';
}

/** When a process was started, in a form that is only good for comparing: the kernel's clock ticks, or '' elsewhere. */
async function processStart(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Field 22; the second field, the name in parentheses, may itself hold spaces and parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** This very process as the holder of a change. */
export async function shellHolder(env: Record<string, string | undefined>): Promise<Holder> {
  const actor = env.CHANGELINE_ACTOR || env.GITHUB_ACTOR || userInfo().username;
  return { kind: 'shell', machine: hostname(), pid: process.pid, started: await processStart(process.pid), actor };
}
