/**
 * What holds a change back is what the default branch says: the checkout may be of another branch, from before a rule or
 * without one, and the input `config` may name another file.
 */
import { posix } from 'node:path';
import type { Config, Loaded } from '../../config/config.ts';
import { COMMON_INPUTS, type Verb } from '../contract.ts';
import type { Doorway, Prepared } from './context.ts';
import { type OnDefaultBranch, readDefaultBranch } from './default-branch.ts';

/**
 * The verbs that people, freezes or another environment may hold back; a watch too, where somebody wants to override
 * it. The way back is no matter of rules.
 */
const HELD: readonly Verb[] = ['deliver', 'approve', 'migrate', 'deploy'];

/**
 * The prepared run under the rules of the default branch: who approves, which freezes are on, what comes first, who may
 * override. Its own where that branch has no such file, and in a shell. Throws what `readDefaultBranch` throws.
 */
export async function ruled<V extends Verb>(verb: V, door: Doorway, prepared: Prepared<V>): Promise<Prepared<V>> {
  const { loaded } = prepared;
  const isHeld =
    HELD.includes(verb) || (verb === 'watch' && 'override' in prepared.inputs && prepared.inputs.override !== '');
  if (!door.runner || !loaded?.environment || !isHeld) return prepared;
  const there = await rulesThere(door, prepared);
  if (there === null || there.digest === loaded.digest) return prepared;
  door.log.info(`gate, freeze, approve and after are those of ${there.file} on the default branch`);
  return { ...prepared, loaded: underRules(loaded, there.config) };
}

/** A file that lies nowhere in the repository, or not on that branch, is ruled by the one that has the usual name. */
async function rulesThere<V extends Verb>(door: Doorway, { inputs, github }: Prepared<V>): Promise<Loaded | null> {
  const usual = COMMON_INPUTS.config.default;
  const own = posix.normalize(inputs.config);
  const isInside = !posix.isAbsolute(own) && !own.startsWith('..');
  for (const path of new Set(isInside ? [own, usual] : [usual])) {
    const { loaded }: OnDefaultBranch = await readDefaultBranch(github(), { path, required: false, env: door.env });
    if (loaded) return loaded;
  }
  return null;
}

/** Pure. An environment that only the checkout has keeps its own rules. */
export function underRules(loaded: Loaded, rules: Config): Loaded {
  const environments = Object.fromEntries(
    Object.entries(loaded.config.environments).map(([name, own]) => [name, heldAs(name, own, rules)]),
  );
  const { gate: _gate, ...config } = loaded.config;
  return {
    ...loaded,
    config: { ...config, ...(rules.gate && { gate: rules.gate }), environments },
    environment: loaded.environment && heldAs(loaded.environment.name, loaded.environment, rules),
  };
}

type Rules = Pick<Config['environments'][string], 'approve' | 'freeze' | 'after'>;

function heldAs<T extends Rules>(name: string, own: T, { environments }: Config): T {
  if (!Object.hasOwn(environments, name)) return own;
  const { approve, freeze, after } = environments[name]!;
  const { approve: _approve, freeze: _freeze, after: _after, ...rest } = own;
  return { ...rest, ...(approve && { approve }), ...(freeze && { freeze }), ...(after && { after }) } as T;
}
