/** How the stages of this run connect to hosts. */
import type { FleetOptions } from '../fleet/fleet.ts';
import type { StageContext } from './stage.ts';

/** The connection of a context whose action has the input ssh-key. */
export function fleetOptions(
  context: StageContext<'deploy' | 'rollback' | 'migrate' | 'backup' | 'watch' | 'smoke-test'>,
): FleetOptions {
  const { scratch, workspace } = context.place;
  return { key: context.inputs['ssh-key'] || null, knownHosts: null, scratch, workspace, signal: context.signal };
}
