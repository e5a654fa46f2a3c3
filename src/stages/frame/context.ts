/** Makes the context of a stage from what a door brings: the one place that looks at the environment of the process. */
import { randomUUID } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Loaded, loadConfig } from '../../config/config.ts';
import { type GitHub, openGitHub, type Runner, repositoryOfCheckout } from '../../github/github.ts';
import type { Holder, Ledger } from '../../ledger/ledger.ts';
import type { Log } from '../../log/log.ts';
import { Failure } from '../../outcome/outcome.ts';
import { ACTIONS, type Inputs, type Verb } from '../contract.ts';
import type { Place, StageContext } from '../stage.ts';
import type { Book } from './book.ts';
import { Copies } from './copies.ts';
import { readDefaultBranch } from './default-branch.ts';
import { type InputStyle, readInputs } from './inputs.ts';
import { ledgerOf } from './ledger-of.ts';

/** What a door brings: GitHub's runner or a shell. */
export interface Doorway {
  given: Record<string, string>;
  style: InputStyle;
  env: Record<string, string | undefined>;
  log: Log;
  signal: AbortSignal;
  runner: Runner | null;
  holder: Holder;
  /** Names this step within the job: whoever opens a change closes it. */
  step: string;
  place: Place;
}

/** All that is known before a change is opened. */
export interface Prepared<V extends Verb> {
  inputs: Inputs<V>;
  loaded: Loaded | null;
  ledger: Ledger | null;
  github: () => GitHub;
  /** The name of the default branch, where it was read on the way. */
  defaultBranch?: string;
  /** As in `StageContext`. */
  unread?: Failure;
}

/** True for a run without an environment and a change of its own: see `environment` in the contract. */
export function standsAlone(verb: Verb, door: Doorway): boolean {
  const { environment } = ACTIONS[verb];
  if (environment === 'answers') return door.runner?.event === 'issue_comment';
  return environment === 'asked' && !readInputs(verb, door.given, door.env, door.style).environment;
}

/** Reads inputs and configuration and finds the ledger. Touches nothing. `looksOnly`: as in `Wanted`. */
export async function prepare<V extends Verb>(verb: V, door: Doorway, looksOnly = false): Promise<Prepared<V>> {
  const inputs = readInputs(verb, door.given, door.env, door.style);
  const repository = door.runner?.repository ?? (await repositoryInShell(door));
  const github = lazily(() =>
    openGitHub({
      token: inputs.token || (door.env.GITHUB_TOKEN ?? ''),
      apiUrl: door.runner?.apiUrl ?? door.env.GITHUB_API_URL ?? 'https://api.github.com',
      repository,
      runner: door.runner,
      signal: door.signal,
    }),
  );
  const found = await configOf(verb, inputs, door, { github, looksOnly });
  const { loaded } = found;
  const ledger = loaded ? await ledgerFor(verb, inputs, door, { loaded, repository, github }) : null;
  return { inputs, github, ledger, ...found };
}

/** The context of a stage in this run. */
export function contextOf<V extends Verb>(
  verb: V,
  door: Doorway,
  prepared: Prepared<V>,
  book: Book | null,
): StageContext<V> {
  return {
    verb,
    inputs: prepared.inputs,
    config: prepared.loaded?.config ?? null,
    environment: prepared.loaded?.environment ?? null,
    get change() {
      return book?.change ?? null;
    },
    book,
    ledger: prepared.ledger,
    runner: door.runner,
    log: door.log,
    signal: door.signal,
    place: door.place,
    copies: new Copies(),
    github: prepared.github,
    ...(prepared.defaultBranch === undefined ? {} : { defaultBranch: prepared.defaultBranch }),
    ...(prepared.unread === undefined ? {} : { unread: prepared.unread }),
  };
}

/** The places of a run below a folder for temporary files; `scratch` is this step's own. */
export async function placeAt(workspace: string, temporary: string, cache: string, reports: string): Promise<Place> {
  const place = {
    workspace,
    scratch: join(temporary, 'scratch', randomUUID()),
    handover: join(temporary, 'handover'),
    cache,
    reports,
  };
  for (const directory of [place.scratch, place.handover, reports])
    await mkdir(directory, { recursive: true, mode: 0o700 });
  return place;
}

/** Where tools are kept between runs. */
export function cacheDirectory(env: Record<string, string | undefined>): string {
  return env.CHANGELINE_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'changeline');
}

async function repositoryInShell({ env, place }: Doorway): Promise<string> {
  return (
    env.GITHUB_REPOSITORY || ((await repositoryOfCheckout(place.workspace, env.GITHUB_SERVER_URL || undefined)) ?? '')
  );
}

type Found = Pick<Prepared<Verb>, 'loaded' | 'defaultBranch' | 'unread'>;

/** changeline.yml: of the checkout or, for a gate that stands alone on a runner, of the default branch. */
async function configOf<V extends Verb>(
  verb: V,
  inputs: Inputs<V>,
  door: Doorway,
  { github, looksOnly }: { github: () => GitHub; looksOnly: boolean },
): Promise<Found> {
  const alone = standsAlone(verb, door);
  if (alone && verb === 'gate' && door.runner) {
    // The checkout may be that of a pull request, and who may override the gate stands in this file.
    const wanted = { path: inputs.config, required: Boolean(door.given.config), env: door.env };
    try {
      const { branch, loaded } = await readDefaultBranch(github(), wanted);
      return { loaded, ...(branch === null ? {} : { defaultBranch: branch }) };
    } catch (thrown) {
      if (!(thrown instanceof Failure) || !['config-invalid', 'config-missing'].includes(thrown.code)) throw thrown;
      return { loaded: null, unread: thrown };
    }
  }
  const loaded = await configFor(verb, inputs, door, { alone, looksOnly });
  return { loaded: loaded && alone ? { ...loaded, environment: null } : loaded };
}

async function configFor<V extends Verb>(
  verb: V,
  inputs: Inputs<V>,
  door: Doorway,
  { alone, looksOnly }: { alone: boolean; looksOnly: boolean },
): Promise<Loaded | null> {
  const file = resolve(door.place.workspace, inputs.config);
  const asked = door.given.config || inputs.environment;
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (!there && !asked && ACTIONS[verb].config === 'optional') return null;
  return loadConfig({
    file,
    name: inputs.config,
    environment: inputs.environment,
    choose: ACTIONS[verb].config === 'needed' && !alone,
    // A freeze writes to the ledger alone: it must not need the secrets of the environment.
    looksOnly: looksOnly || alone || verb === 'freeze',
    env: door.env,
  });
}

/** The ledger of the environment, or of all of them for a run that stands alone; null where there is no such run. */
async function ledgerFor<V extends Verb>(
  verb: V,
  inputs: Inputs<V>,
  door: Doorway,
  { loaded, repository, github }: { loaded: Loaded; repository: string; github: () => GitHub },
): Promise<Ledger | null> {
  const { config, environment } = loaded;
  const alone = standsAlone(verb, door);
  if (!environment && !alone) return null;
  try {
    return await ledgerOf(door, {
      key: config.ledger,
      details: config['ledger-details'] ?? false,
      environment,
      repository,
      github,
      sshKey: 'ssh-key' in inputs ? String(inputs['ssh-key']) : '',
      urgent: verb === 'rollback',
    });
  } catch (thrown) {
    // In a shell without a token a gate that stands alone is skipped: it has no use for a ledger.
    if (alone && thrown instanceof Failure && thrown.code === 'not-configured') return null;
    throw thrown;
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
