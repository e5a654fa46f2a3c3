/** Runs a workflow file by real `act`, without containers, against the stand-in for GitHub. */
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { type ActResult, readActLog } from './act-log.ts';
import { permissionsFrom, type StandIn } from './github/stand-in.ts';

export { type ActResult, outputsIn } from './act-log.ts';

/** One run of one workflow. */
export interface WorkflowGiven {
  standIn: StandIn;
  /** The user's repository; it becomes a git repository with one commit where it is none. */
  workspace: string;
  /** Below `workspace`: `.github/workflows/deliver.yml`. */
  workflow: string;
  event: string;
  payload?: Record<string, unknown>;
  /** Who caused the event; octocat by default. */
  actor?: string;
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  secrets?: Record<string, string>;
  variables?: Record<string, string>;
  /** `acme/shop` by default. */
  repository?: string;
  /** GITHUB_RUN_ID; 1 by default. */
  run?: string;
  /** Local folders for actions of others, by `owner/name`; those of `PLAYED` need none. */
  actions?: Record<string, string>;
  /** Milliseconds until it is ended. */
  timeout?: number;
}

/** What a user's `uses: acme/changeline…@v1` gets: the published part of this repository. */
const PUBLISHED = ['action.yml', 'main.js', 'actions', 'dist', 'package.json'];
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PRELOAD = pathToFileURL(join(ROOT, 'test/support/github/job-header.mjs')).href;

/** Actions of others that do nothing here: act has laid the workspace out already. */
const PLAYED = ['actions/checkout', 'actions/setup-node', 'actions/upload-artifact', 'actions/download-artifact'];

/** The path of act; null where it is not installed. Under CI=true that is an error. */
export function actBinary(): string | null {
  const tools = process.env.CHANGELINE_TOOLS ?? join(homedir(), '.cache/changeline-tools');
  const file = join(tools, 'bin/act');
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    if (process.env.CI === 'true') throw new Error(`act is not at ${file}`);
    return null;
  }
}

/** The sha that a run in this workspace has as GITHUB_SHA: for the stand-in's `commit(branch, { sha })`. */
export function workspaceSha(workspace: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', workspace, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    return git('rev-parse', '--verify', 'HEAD').toString().trim();
  } catch {
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('-c', 'user.name=octocat', '-c', 'user.email=octocat@example.com', 'commit', '-q', '-m', 'The shop');
    return workspaceSha(workspace);
  }
}

/** Runs the workflow to its end. Each job's requests to the stand-in have the permissions that the file gives it. */
export async function runWorkflow(given: WorkflowGiven): Promise<ActResult> {
  const act = actBinary();
  if (!act) throw new Error('act is not installed');
  const home = await mkdtemp(join(tmpdir(), 'changeline-act-'));
  try {
    workspaceSha(given.workspace);
    const file = join(given.workspace, given.workflow);
    const workflow = parse(await readFile(file, 'utf8')) as Workflow;
    given.standIn.jobs = (job) => permissionsOf(workflow, decodeURIComponent(job));
    const args = [given.event, '--json', '-W', file, ...(await localActions(workflow, given, home))];
    args.push('-P', 'ubuntu-latest=-self-hosted', '--action-cache-path', join(home, 'cache'), '--no-cache-server');
    const inputs = given.inputs ? { inputs: given.inputs } : {};
    await writeFile(join(home, 'event.json'), JSON.stringify({ ...given.payload, ...inputs }));
    args.push('-e', join(home, 'event.json'), '--actor', given.actor ?? 'octocat', '--defaultbranch', 'main');
    for (const [name, value] of Object.entries(variablesOf(given))) args.push('--env', `${name}=${value}`);
    for (const [name, value] of Object.entries(given.variables ?? {})) args.push('--var', `${name}=${value}`);
    // Without a value act takes a secret from its environment: no command line shows it.
    const secrets = { ...given.secrets, GITHUB_TOKEN: given.standIn.token(permissionsFrom('write-all')) };
    for (const name of Object.keys(secrets)) args.push('-s', name);
    const { exitCode, output } = await ended(act, args, given, home, secrets);
    return readActLog(exitCode, output);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

interface Workflow {
  name?: string;
  permissions?: unknown;
  jobs: Record<string, { permissions?: unknown; steps?: { uses?: string }[] }>;
}

/** A job's own `permissions:` replace those of the workflow. The job is `<workflow>/<job id>`. */
function permissionsOf(workflow: Workflow, job: string) {
  const declared = workflow.jobs[job.slice(job.lastIndexOf('/') + 1)];
  return declared ? permissionsFrom(declared.permissions ?? workflow.permissions) : null;
}

/** Every action that the workflow uses, as a folder of this machine: nothing is fetched. */
async function localActions(workflow: Workflow, given: WorkflowGiven, home: string): Promise<string[]> {
  const uses = Object.values(workflow.jobs)
    .flatMap((job) => job.steps ?? [])
    .flatMap(({ uses: one }) => one ?? []);
  const args: string[] = [];
  for (const one of new Set(uses.filter((each) => !each.startsWith('./')))) {
    const [, name = '', ref = ''] = /^([^/@]+\/[^/@]+)[^@]*@(.+)$/.exec(one) ?? [];
    args.push('--local-repository', `${name}@${ref}=${await folderOf(name, given, home)}`);
  }
  return args;
}

async function folderOf(name: string, given: WorkflowGiven, home: string): Promise<string> {
  const known = given.actions?.[name];
  if (known) return known;
  const folder = join(home, 'actions', name);
  await mkdir(folder, { recursive: true });
  if (name === 'acme/changeline') {
    for (const part of PUBLISHED) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  } else if (PLAYED.includes(name)) {
    const runs = { using: 'composite', steps: [{ run: 'true', shell: 'bash' }] };
    await writeFile(join(folder, 'action.yml'), JSON.stringify({ name, runs }));
  } else {
    throw new Error(`no folder was given for ${name}`);
  }
  return folder;
}

function variablesOf(given: WorkflowGiven): Record<string, string> {
  const repository = given.repository ?? 'acme/shop';
  return {
    GITHUB_API_URL: given.standIn.url,
    GITHUB_REPOSITORY: repository,
    // act does not set it.
    GITHUB_WORKFLOW_REF: `${repository}/${given.workflow}@refs/heads/main`,
    GITHUB_RUN_ID: given.run ?? '1',
    NODE_OPTIONS: `--import=${PRELOAD}`,
    ...given.env,
  };
}

async function ended(act: string, args: string[], given: WorkflowGiven, home: string, secrets: Record<string, string>) {
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const env = { PATH: path, HOME: home, TMPDIR: process.env.TMPDIR ?? tmpdir(), ...secrets };
  const child = spawn(act, args, { cwd: given.workspace, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), given.timeout ?? 120_000);
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  clearTimeout(timer);
  return { exitCode, output };
}
