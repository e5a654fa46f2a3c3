/** The way to a database: directly, or through the host of its `via`. */
import type { DatabaseSection } from '../config/config.ts';
import type { OpenOptions } from '../database/database.ts';
import { connect } from '../transport/transport.ts';
import { fleetOptions } from './fleet-options.ts';
import type { StageContext } from './stage.ts';

type Context = StageContext<'backup' | 'migrate' | 'rollback' | 'smoke-test'>;

/** An open way: what opens databases through it, and its end. */
export interface Way {
  options: OpenOptions;
  close(): Promise<void>;
}

/** Opens the way to the databases of a section. `signal` ends what is asked of them. Throws as `connect` does. */
export async function openWay(context: Context, section: DatabaseSection, signal: AbortSignal): Promise<Way> {
  const { workspace, scratch } = context.place;
  const host =
    section.via === undefined
      ? null
      : await connect({ at: section.via, with: {} }, { ...fleetOptions(context), path: '/' });
  const tunnel = host ? (hostname: string, port: number) => host.tunnel(hostname, port) : undefined;
  return { options: { workspace, scratch, tunnel, signal }, close: async () => host?.close() };
}

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
  const way = await openWay(context, section, signal);
  try {
    return await use(way.options);
  } finally {
    await way.close();
  }
}
