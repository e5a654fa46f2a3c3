/** Opens what smoke checks are asked through: the hosts and databases that they name, and no others. */
import { type Database, openDatabase } from '../../database/database.ts';
import { type Fleet, openReachable } from '../../fleet/fleet.ts';
import type { Check, Reach } from '../../probe/probe.ts';
import { connect } from '../../transport/transport.ts';
import { fleetOptions } from '../fleet-options.ts';
import type { StageContext } from '../stage.ts';
import { openWay } from '../through.ts';

type Context = StageContext<'smoke-test'>;

/**
 * Runs `use` with what the checks need open, and closes it afterwards. A host or a database that cannot be opened fails
 * the checks that need it, not the others.
 */
export async function withReach<T>(
  context: Context,
  checks: readonly Check[],
  use: (reach: Reach) => Promise<T>,
): Promise<T> {
  const there = checks.some((check) => check.there);
  const fleet = there ? await openReachable(context.environment!, fleetOptions(context)) : null;
  const databases = new Databases(context);
  try {
    const here = await connect({ at: context.place.workspace, with: {} }, { ...fleetOptions(context), path: null });
    return await use({ here, host: (name) => hostOf(fleet, name), database: (name) => databases.open(name) });
  } finally {
    await databases.close();
    await fleet?.close();
  }
}

function hostOf(fleet: Fleet | null, name: string) {
  const host = fleet?.hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  throw fleet?.lost.find((one) => one.name === name)?.failure ?? new Error(`the host ${name} was not opened`);
}

/** Databases of the environment, each opened when it is first asked; one that cannot be is tried again by the next try. */
class Databases {
  readonly #context: Context;
  readonly #open = new Map<string, Promise<{ database: Database; close(): Promise<void> }>>();

  constructor(context: Context) {
    this.#context = context;
  }

  async open(name: string): Promise<Database> {
    const opening = this.#open.get(name) ?? this.#begin(name);
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return (await opening).database;
  }

  async #begin(name: string) {
    const section = this.#context.environment!.databases.find((one) => one.name === name)!;
    const way = await openWay(this.#context, section, this.#context.signal);
    try {
      const database = await openDatabase(section, way.options);
      return { database, close: () => database.close().finally(() => way.close()) };
    } catch (error) {
      await way.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (one) => (await one).close()));
  }
}
