/** The way to a database: directly, or through the host of its `via`. */
import type { DatabaseSection } from '../config/config.ts';
import type { OpenOptions } from '../database/database.ts';
import { connect } from '../transport/transport.ts';
import { fleetOptions } from './fleet-options.ts';
import type { StageContext } from './stage.ts';

type Context = StageContext<'backup' | 'migrate' | 'rollback'>;

/**
 * Runs `use` with what opens the databases of a section, and ends the way afterwards. `signal` ends what is asked of
 * them: the run's own, unless it is given. Throws as `connect` does.
 */
export async function through<T>(
  context: Context,
  section: DatabaseSection,
  use: (options: OpenOptions) => Promise<T>,
  signal: AbortSignal = context.signal,
): Promise<T> {
  const { workspace, scratch } = context.place;
  const host =
    section.via === undefined
      ? null
      : await connect({ at: section.via, with: {} }, { ...fleetOptions(context), path: '/' });
  const tunnel = host ? (hostname: string, port: number) => host.tunnel(hostname, port) : undefined;
  try {
    return await use({ workspace, scratch, tunnel, signal });
  } finally {
    await host?.close();
  }
}
