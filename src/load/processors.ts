/** How busy the machine was that made the load. Pure. */
import type { CpuInfo } from 'node:os';

/** The part of the processors' time between two readings of `os.cpus()` that was not idle; of 1. */
export function busyShare(before: readonly CpuInfo[], after: readonly CpuInfo[]): number {
  const total = (all: readonly CpuInfo[], idleOnly: boolean) =>
    all.reduce(
      (sum, { times: { user, nice, sys, irq, idle } }) => sum + (idleOnly ? idle : user + nice + sys + irq + idle),
      0,
    );
  const passed = total(after, false) - total(before, false);
  return passed > 0 ? 1 - (total(after, true) - total(before, true)) / passed : 0;
}
