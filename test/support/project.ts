/** A user's project: a repository with the shop in it, its GitHub, and the machines that it is delivered to. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Change, EnvironmentState } from '../../src/ledger/ledger.ts';
import { type ActResult, runWorkflow, type WorkflowGiven, workspaceSha } from './act.ts';
import { dispatchEvent, runEvent } from './github/events.ts';
import type { Run } from './github/records.ts';
import { type GitHubEvent, type JobGiven, type Repository, type StandIn, startStandIn } from './github/stand-in.ts';
import { inputsOf, type WorkflowFile, workflowsAt } from './github/workflows.ts';
import { hostsOf, type Machine, stopShop } from './machine.ts';
import { withoutPermission } from './permission.ts';
import { freePort } from './ports.ts';
import { type SshdFleet, startSshds } from './sshd.ts';

const EXAMPLES = fileURLToPath(new URL('../../workflows-examples', import.meta.url));
const UPLOAD = fileURLToPath(new URL('./actions/upload-artifact', import.meta.url));
const WORKFLOWS = '.github/workflows';

/** What the ledger's branch holds of one environment. Changes are in the order of their fences. */
export interface Recorded {
  state: EnvironmentState;
  changes: Change[];
}

/** What the project is made of. */
export interface ProjectGiven {
  /** Machines of production. */
  hosts: number;
  /** `run:shop-{version}` by default. */
  artifact?: string;
  /** Production is reached over SSH; else all machines are directories. */
  ssh: boolean;
  /** The gate's section, and sections of the environments beside hosts, path, database, migrate and deploy. */
  gate?: object;
  uat?: object;
  production?: object;
}

/** How a run is begun: `number` is the run's number, which names versions. */
type RunOptions = Partial<WorkflowGiven> & { number?: number };

/** Any version can be built: the newest sound code of the shop, under the name that the pipeline gives it. */
const BUILD = `import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTree } from './widgets/build.js';
const [version, file] = process.argv.slice(2);
const tree = mkdtempSync(join(tmpdir(), 'shop-'));
buildTree('1.1.0', tree);
writeFileSync(join(tree, 'VERSION'), version + '\\n');
execFileSync('tar', ['-czf', file, '-C', tree, '.']);
`;

const FILES = {
  'build.js': BUILD,
  'package.json': '{ "name": "shop", "private": true, "type": "module" }\n',
  '.gitignore': '*.tar.gz\nbackups/\n',
};

export class Project {
  readonly home = mkdtempSync(join(tmpdir(), 'changeline-project-'));
  readonly workspace = join(this.home, 'shop');
  readonly standIn: StandIn;
  readonly shop: Repository;
  readonly sshds: SshdFleet | null;
  readonly uat: Machine[] = [];
  readonly production: Machine[] = [];
  readonly #given: ProjectGiven;
  sha = '';

  private constructor(standIn: StandIn, sshds: SshdFleet | null, given: ProjectGiven) {
    this.standIn = standIn;
    this.shop = standIn.repository('acme', 'shop');
    this.sshds = sshds;
    this.#given = given;
  }

  /** Makes machines, databases and repository, and pushes the first commit; its build is green. */
  static async start(given: ProjectGiven): Promise<Project> {
    const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin`;
    const sshds = given.ssh ? await startSshds(given.hosts, [], path) : null;
    const project = new Project(await startStandIn(), sshds, given);
    project.uat.push(await project.#machine('uat', null));
    for (let index = 0; index < given.hosts; index++)
      project.production.push(await project.#machine(`host${index + 1}`, sshds?.hosts[index] ?? null));
    cpSync(join(EXAMPLES, 'widgets'), join(project.workspace, 'widgets'), { recursive: true });
    for (const name of readdirSync(EXAMPLES).filter((each) => each.endsWith('.yml')))
      project.#write(`${WORKFLOWS}/${name}`, readFileSync(join(EXAMPLES, name), 'utf8'));
    for (const [file, text] of Object.entries(FILES)) project.#write(file, text);
    if (sshds) copyFileSync(sshds.knownHosts, join(project.workspace, '.github/known_hosts'));
    project.push();
    return project;
  }

  /** The database of an environment, which both its machines and Changeline use. */
  database(environment: string): string {
    return `sqlite:${join(this.home, `${environment}.db`)}`;
  }

  get secrets(): Record<string, string> {
    const key = this.sshds ? { SSH_KEY: this.sshds.key } : {};
    return { ...key, SHOP_DATABASE_URL: this.database('production') };
  }

  /** A new commit on main, with other sections where they are given. Its build is green unless said otherwise. */
  push(sections: Pick<ProjectGiven, 'gate' | 'uat' | 'production'> = {}, ci: JobGiven = { name: 'test' }): string {
    Object.assign(this.#given, sections);
    this.#write('.github/changeline.yml', this.#config());
    if (this.sha) {
      const who = ['-c', 'user.name=octocat', '-c', 'user.email=octocat@example.com'];
      execFileSync('git', ['-C', this.workspace, 'add', '-A']);
      execFileSync('git', ['-C', this.workspace, ...who, 'commit', '-q', '--allow-empty', '-m', 'A change']);
    }
    this.sha = workspaceSha(this.workspace);
    this.shop.commit('main', { sha: this.sha, files: this.#read() });
    this.shop.run(this.sha, { jobs: [ci] });
    return this.sha;
  }

  /** Builds a version into the repository's folder, as the workflows do. */
  build(version: string): void {
    execFileSync(process.execPath, ['build.js', version, `shop-${version}.tar.gz`], { cwd: this.workspace });
  }

  /** A run of a workflow, under way. Nobody has told GitHub how it ends. */
  begin(workflow: string, event: string, actor = 'octocat'): Run {
    return this.shop.run(this.sha, { workflow, event, actor, jobs: [{ name: workflow, status: 'in_progress' }] });
  }

  /** Runs one of the example workflows by act to its end. */
  async run(workflow: string, event: string, given: RunOptions = {}): Promise<ActResult> {
    const { number = 1, env, ...more } = given;
    const run = this.begin(this.#workflow(workflow).name, event, given.actor);
    const result = await runWorkflow({
      standIn: this.standIn,
      workspace: this.workspace,
      workflow: `${WORKFLOWS}/${workflow}.yml`,
      event,
      run: String(run.id),
      env: { GITHUB_RUN_NUMBER: String(number), ...env },
      secrets: this.secrets,
      actions: { 'actions/upload-artifact': UPLOAD },
      ...more,
    });
    this.end(run, result.exitCode === 0 ? 'success' : 'failure');
    return result;
  }

  /** Runs every workflow of main that GitHub starts by this event, by the names of their files. */
  async follow(event: GitHubEvent): Promise<Record<string, ActResult>> {
    const results: Record<string, ActResult> = {};
    for (const { workflow, event: name } of this.shop.startedBy(event)) {
      const { payload, actor } = event;
      results[basename(workflow.path, '.yml')] = await this.run(basename(workflow.path, '.yml'), name, {
        payload,
        actor,
      });
    }
    return results;
  }

  /** Somebody chooses Run workflow on main; what is not filled in has its default. Throws where GitHub refuses it. */
  press(workflow: string, inputs: Record<string, string>, given: RunOptions = {}): Promise<ActResult> {
    const known = this.#workflow(workflow);
    const filled = inputsOf(known, inputs);
    if (typeof filled === 'string') throw new Error(filled);
    const event = dispatchEvent(this.shop, known.path, 'refs/heads/main', filled, given.actor ?? 'octocat');
    return this.run(workflow, event.name, { payload: event.payload, ...given });
  }

  /** Somebody comments on an issue or a pull request: what it starts. */
  comment(number: number, by: string, body: string): Promise<Record<string, ActResult>> {
    this.shop.comment(number, { by, body });
    return this.follow(this.standIn.takeEvent('issue_comment'));
  }

  /** The newest run of a workflow on main has ended: what that starts. */
  completed(workflow: string): Promise<Record<string, ActResult>> {
    return this.follow(
      runEvent(this.shop, this.shop.runs.findLast((run) => run.workflow.name === workflow)!, 'completed'),
    );
  }

  /** A copy of an example in which a job lacks a permission. Returns its path in the repository. */
  lacking(workflow: string, permission: string, job: string): string {
    const text = readFileSync(join(this.workspace, `${WORKFLOWS}/${workflow}.yml`), 'utf8');
    const file = `.github/lacking/${workflow}.yml`;
    this.#write(file, withoutPermission(text, permission, job));
    return file;
  }

  /** GitHub learns how a run ended. Its job is no broken build: it failed in a step of Changeline's or not at all. */
  end(run: Run, conclusion: string): void {
    Object.assign(run, { status: 'completed', conclusion });
    const steps = [{ name: 'Run acme/changeline@v1', conclusion }];
    for (const check of this.shop.checkRuns.filter((one) => one.suite === run.suite))
      Object.assign(check, { status: 'completed', conclusion, steps });
  }

  /** Which version each machine answers with; null where none answers. */
  async versions(machines: Machine[]): Promise<(string | null)[]> {
    return Promise.all(
      machines.map(async ({ port }) => {
        const answer = await fetch(`http://127.0.0.1:${port}/version`).catch(() => null);
        return answer ? ((await answer.json()) as { version: string }).version : null;
      }),
    );
  }

  ledger(environment: string): Recorded {
    const head = this.shop.branches.get('changeline');
    const files = head ? this.shop.filesAt(head) : new Map<string, string>();
    const of = (part: string) => [...files].filter(([path]) => path.startsWith(`${environment}/${part}`));
    const changes = of('changes/').map(([, text]) => JSON.parse(text) as Change);
    const [, state = 'null'] = of('state.json')[0] ?? [];
    return { state: JSON.parse(state) as EnvironmentState, changes: changes.sort((a, b) => a.fence - b.fence) };
  }

  /** Stops every machine and removes everything. */
  async stop(): Promise<void> {
    for (const { directory } of [...this.uat, ...this.production]) stopShop(directory);
    await this.sshds?.stop();
    await this.standIn.close();
    execFileSync('chmod', ['-R', 'u+w', this.home]);
    rmSync(this.home, { recursive: true, force: true });
  }

  async #machine(name: string, sshd: SshdFleet['hosts'][number] | null): Promise<Machine> {
    const directory = sshd?.directory ?? join(this.home, name);
    const port = await freePort();
    const database = this.database(name === 'uat' ? 'uat' : 'production').slice('sqlite:'.length);
    mkdirSync(join(directory, 'shared'), { recursive: true });
    writeFileSync(join(directory, 'shared/app.env'), `PORT=${port}\nDATABASE=${database}\n`);
    new DatabaseSync(database).close();
    return { at: sshd?.at ?? directory, directory, port, with: { name, port } };
  }

  #config(): string {
    const { gate, uat, production, ssh } = this.#given;
    const deploy = {
      restart: 'current/bin/shop restart',
      health: { url: 'http://127.0.0.1:{port}/health', within: '20s' },
      version: { url: 'http://127.0.0.1:{port}/version' },
    };
    const common = { migrate: { from: 'db/migrations' }, deploy };
    const environments = {
      uat: { ...common, database: this.database('uat'), ...uat, hosts: hostsOf(this.uat) },
      production: {
        after: 'uat',
        ...common,
        database: '${SHOP_DATABASE_URL}',
        ...(ssh ? { path: join(this.sshds!.folder, '{name}', 'srv') } : {}),
        ...production,
        hosts: hostsOf(this.production),
      },
    };
    const artifact = this.#given.artifact ?? 'run:shop-{version}';
    return stringify({ name: 'shop', artifact, ...(gate ? { gate } : {}), environments });
  }

  /** A workflow of main, by the name of its file. */
  #workflow(name: string): WorkflowFile {
    return workflowsAt(this.shop, this.sha).find(({ path }) => path === `${WORKFLOWS}/${name}.yml`)!;
  }

  /** What is read of the repository through GitHub: the configuration and the workflows. */
  #read(): Record<string, string> {
    const workflows = readdirSync(join(this.workspace, WORKFLOWS)).map((name) => `${WORKFLOWS}/${name}`);
    const files = ['.github/changeline.yml', ...workflows];
    return Object.fromEntries(files.map((file) => [file, readFileSync(join(this.workspace, file), 'utf8')]));
  }

  #write(file: string, text: string): void {
    mkdirSync(dirname(join(this.workspace, file)), { recursive: true });
    writeFileSync(join(this.workspace, file), text);
  }
}
