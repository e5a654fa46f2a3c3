/** The gate in a repository of the stand-in, as a run of GitHub Actions starts it. */
import { type Config, type GateSection, parseConfig } from '../../src/config/config.ts';
import { openGitHub, type Runner } from '../../src/github/github.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openBranchLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import { Copies } from '../../src/stages/frame/copies.ts';
import { stage } from '../../src/stages/gate.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import type { Permissions, Repository, StandIn } from './github/stand-in.ts';

export const CONTEXT = 'changeline/gate';

/** What the example workflow gives the gate, and the comment's job. */
export const LEAST: Permissions = {
  actions: 'read',
  checks: 'read',
  contents: 'read',
  issues: 'read',
  'pull-requests': 'read',
  statuses: 'write',
};
export const ANSWERING: Permissions = { ...LEAST, contents: 'write', 'pull-requests': 'write' };

/** What started the run. A push to main where nothing is said. */
export interface GateGiven {
  event?: string;
  payload?: Record<string, unknown>;
  permissions?: Permissions;
  /** The section of changeline.yml; without it there is no changeline.yml. */
  gate?: Partial<GateSection>;
  environments?: Record<string, unknown>;
  /** The branch of the stand-in where there is a configuration. */
  ledger?: Ledger;
  ref?: string;
  run?: string;
  actor?: string;
  override?: string;
  /** Milliseconds of GitHub's minute. */
  window?: number;
  log?: RecordingLog;
}

/** A run of the gate as GitHub's runner describes it. */
export function gateRunner(standIn: StandIn, repository: Repository, given: GateGiven): Runner {
  return {
    repository: repository.full,
    event: given.event ?? 'push',
    payload: given.payload ?? {},
    sha: repository.branches.get('main') ?? '',
    ref: given.ref ?? 'refs/heads/main',
    run: given.run ?? '1',
    attempt: '1',
    hosted: false,
    job: 'gate',
    workflow: 'Gate',
    actor: given.actor ?? 'octocat',
    serverUrl: 'https://github.com',
    apiUrl: standIn.url,
    url: 'https://github.com/acme/shop/actions/runs/1/attempts/1',
  };
}

/** The context of the gate by itself. */
export function gateContext(standIn: StandIn, repository: Repository, given: GateGiven): StageContext<'gate'> {
  const runner = gateRunner(standIn, repository, given);
  const token = standIn.token(given.permissions ?? LEAST);
  const options = { token, apiUrl: standIn.url, repository: repository.full, runner, pause: 1 };
  const github = openGitHub({ ...options, window: given.window ?? 50 });
  const config = given.gate ? configOf(given.gate, given.environments) : null;
  return {
    verb: 'gate',
    inputs: { environment: '', config: '', token, override: given.override ?? '' },
    config,
    environment: null,
    change: null,
    book: null,
    ledger: given.ledger ?? (config ? openBranchLedger({ github }) : null),
    runner,
    log: given.log ?? new RecordingLog(),
    signal: new AbortController().signal,
    place: { workspace: '', scratch: '', handover: '', cache: '', reports: '' },
    copies: new Copies(),
    github: () => github,
  };
}

/** Runs the gate by itself. */
export async function runGate(standIn: StandIn, repository: Repository, given: GateGiven = {}): Promise<Result> {
  return stage.run(gateContext(standIn, repository, given));
}

/** changeline.yml with this gate section. */
export function gateFile(
  gate: Partial<GateSection>,
  environments: Record<string, unknown> = { production: {} },
): string {
  return JSON.stringify({ name: 'shop', artifact: 'release:shop-{version}.tar.gz', gate, environments });
}

function configOf(gate: Partial<GateSection>, environments?: Record<string, unknown>): Config {
  const wanted = { name: 'changeline.yml', environment: '', choose: false, looksOnly: true, env: {} };
  return parseConfig(gateFile(gate, environments), wanted).config;
}
