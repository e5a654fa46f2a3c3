/** Makes the context of a stage from what a door brings: the one place that looks at the environment of the process. */
import { randomUUID } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Loaded, loadConfig } from '../config/config.ts';
import { type GitHub, openGitHub, type Runner, repositoryOfCheckout } from '../github/github.ts';
import type { Holder, Ledger } from '../ledger/ledger.ts';
import type { Log } from '../log/log.ts';
import type { Book } from './book.ts';
import { ACTIONS, type Inputs, type Verb } from './contract.ts';
import { type InputStyle, readInputs } from './inputs.ts';
import { ledgerOf } from './ledger-of.ts';
import type { Place, StageContext } from './stage.ts';

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
}

/** Reads inputs and configuration and finds the ledger. Touches nothing. `looksOnly`: as in `Wanted`. */
export async function prepare<V extends Verb>(verb: V, door: Doorway, looksOnly = false): Promise<Prepared<V>> {
  const inputs = readInputs(verb, door.given, door.env, door.style);
  const found = await configFor(verb, inputs, door, looksOnly);
  const alone = ACTIONS[verb].environment === 'asked' && !inputs.environment;
  const loaded = found && alone ? { ...found, environment: null } : found;
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
  const ledger = loaded?.environment
    ? await ledgerOf(door, {
        key: loaded.config.ledger,
        details: loaded.config['ledger-details'] ?? false,
        environment: loaded.environment,
        repository,
        github,
        sshKey: 'ssh-key' in inputs ? String(inputs['ssh-key']) : '',
        urgent: verb === 'rollback',
      })
    : null;
  return { inputs, loaded, github, ledger };
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
    github: prepared.github,
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

async function configFor<V extends Verb>(
  verb: V,
  inputs: Inputs<V>,
  door: Doorway,
  looksOnly: boolean,
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
    choose: ACTIONS[verb].config === 'needed',
    looksOnly,
    env: door.env,
  });
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
