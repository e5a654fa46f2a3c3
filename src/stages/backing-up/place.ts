/** Where throwaway servers run: the section backup.verify of the environment. */
import type { ThrowawayPlace } from '../../database/database.ts';
import { Failure } from '../../outcome/outcome.ts';
import { connect } from '../../transport/transport.ts';
import { fleetOptions } from '../fleet-options.ts';
import type { StageContext } from '../stage.ts';

/** A place that was opened; `close` ends the connection to its host, where it has one. */
export interface OpenPlace {
  at: ThrowawayPlace;
  close(): Promise<void>;
}

/**
 * The place of backup.verify; without the section this machine, in the folder for temporary files. Throws
 * `config-invalid` where the section lacks what its `at` needs, and the Failures of `connect`.
 */
export async function placeOf(context: StageContext<'backup' | 'migrate' | 'rollback'>): Promise<OpenPlace> {
  const verify = context.environment?.backup?.verify;
  const { at = 'runner', scratch = null } = verify ?? {};
  const here = async () => {};
  if (at === 'url') return { at: { kind: 'url', url: given(verify?.url, 'url', at) }, close: here };
  if (at === 'container') return { at: { kind: 'container', image: verify?.image ?? null, scratch }, close: here };
  if (at === 'runner') return { at: { kind: 'runner', scratch }, close: here };
  const address = { at: given(verify?.host, 'host', at), with: {} };
  const host = await connect(address, { ...fleetOptions(context), path: '/' });
  return { at: { kind: 'host', host, scratch }, close: () => host.close() };
}

function given(value: string | undefined, key: string, at: string): string {
  if (value !== undefined) return value;
  throw new Failure({
    code: 'config-invalid',
    what: `backup.verify says at: ${at}, and not which`,
    where: `backup.verify.${key}`,
    untouched: 'nothing was touched',
    next: `add ${key} to the section`,
  });
}
