/** Which hosts go together: pure. */
import type { DeploySection } from '../config/config.ts';

/**
 * The hosts in waves. `waves` counts up: [1, 25%, 100%] of 60 hosts are 1, then 14 more (15 in all), then the other
 * 45. A share is rounded up; a wave that adds nothing is left out; the last one always takes all that remain.
 */
export function planWaves(hosts: readonly string[], section: Pick<DeploySection, 'waves'>): string[][] {
  const waves: string[][] = [];
  let done = 0;
  for (const wave of [...section.waves, '100%']) {
    const until = Math.min(hosts.length, typeof wave === 'number' ? wave : share(wave, hosts.length));
    if (until <= done) continue;
    waves.push(hosts.slice(done, until));
    done = until;
  }
  return waves;
}

/**
 * A wave in batches of which each leaves `min-in-service` of the `total` hosts serving; one host at least moves, for
 * nothing would ever be deployed otherwise.
 */
export function planBatches<T>(
  wave: readonly T[],
  total: number,
  section: Pick<DeploySection, 'min-in-service'>,
): T[][] {
  const width = Math.max(1, total - share(section['min-in-service'], total));
  return Array.from({ length: Math.ceil(wave.length / width) }, (_, batch) =>
    wave.slice(batch * width, (batch + 1) * width),
  );
}

/** `75%` of a number, rounded up. */
function share(percent: string, of: number): number {
  return Math.ceil((Math.min(100, Number.parseInt(percent, 10)) * of) / 100);
}
