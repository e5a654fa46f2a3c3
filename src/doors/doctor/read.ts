/** Reads a repository's rules, all at once. What GitHub refuses is a fact too: not seen, and the permission it takes. */
import type { Config } from '../../config/config.ts';
import type { GitHub } from '../../github/github.ts';
import { type Code, Failure } from '../../outcome/outcome.ts';
import type {
  Branch,
  BranchFacts,
  ClassicCheck,
  GitHubEnvironment,
  Protection,
  RepositoryFacts,
  Rule,
  Ruleset,
  Seen,
  WorkflowFile,
} from './facts.ts';
import { isSeen } from './finding.ts';
import { workflowFrom } from './workflow.ts';

type At = { owner: string; repo: string };
type Rest = Awaited<ReturnType<GitHub['client']>>;

/** The branch of the ledger. */
const LEDGER_BRANCH = 'changeline';
const FOLDER = '.github/workflows';
/** Files that are read at the same time. */
const AT_ONCE = 20;

/** Failures that are an answer to what this token can see; all others end the command. */
const ANSWERS: Code[] = ['github-denied', 'github-not-found', 'github-refused', 'github-unreachable'];

/**
 * Everything that the doctor judges. Rejects with a Failure where the repository itself cannot be read; whatever
 * else is refused is `unseen`. `asked` are the environments of `config` to look at.
 */
export async function readRepository(
  github: GitHub,
  config: Config | null,
  asked: readonly string[],
): Promise<RepositoryFacts> {
  const client = await github.client();
  const { data: about } = await client.rest.repos.get(github.at);
  const branch = config?.gate?.branch ?? about.default_branch;
  const ledger = config ? ledgerRepository(config, github.repository) : null;
  const reading = readBranch(client, github.at, branch);
  const [gated, queue, defaults, environments, ofLedger, files] = await Promise.all([
    reading,
    readQueue(github, branch),
    readDefaults(client, github.at),
    config ? readEnvironments(client, github.at, asked) : { value: [] },
    ledger ? readBranch(client, atOf(ledger), LEDGER_BRANCH) : null,
    reading.then((seen) => readFiles(client, github.at, about.default_branch, isSeen(seen.branch))),
  ]);
  return {
    repository: github.repository,
    isPublic: !about.private,
    defaultBranch: about.default_branch,
    gated,
    queue,
    files,
    defaults,
    environments,
    ledger: ledger && ofLedger ? { repository: ledger, facts: ofLedger } : null,
    config,
    asked: [...asked],
  };
}

/** owner/name of the repository that holds the ledger; null where it is a directory. */
function ledgerRepository({ ledger = 'github' }: Config, own: string): string | null {
  if (ledger === 'github') return own;
  return /^[\w-][\w.-]*\/[\w.-]+$/.test(ledger) ? ledger : null;
}

function atOf(repository: string): At {
  const [owner = '', repo = ''] = repository.split('/');
  return { owner, repo };
}

async function readBranch({ rest, paginate }: Rest, at: At, name: string): Promise<BranchFacts> {
  const where = { ...at, branch: name };
  const [rules, branch, protection] = await Promise.all([
    seen('Metadata: read', async () => {
      const all = await paginate(rest.repos.getBranchRules, { ...where, per_page: 100 });
      return all.map((rule) => ruleOf(rule as Record<string, unknown>));
    }),
    seen('Contents: read', () =>
      rest.repos.getBranch(where).then(
        ({ data }) => branchOf(data),
        (thrown) => nothingWhere(thrown, /Branch not found/),
      ),
    ),
    seen('Administration: read', () =>
      rest.repos.getBranchProtection(where).then(
        ({ data }) => protectionOf(data),
        (thrown) => nothingWhere(thrown, /Branch not (?:protected|found)/),
      ),
    ),
  ]);
  const ids = isSeen(rules) ? rules.value.filter(({ type }) => type === 'required_status_checks') : [];
  const known = [...new Set(ids.flatMap(({ ruleset }) => ruleset ?? []))];
  const rulesets = await Promise.all(known.map(async (id) => [id, await readRuleset(rest, at, id)] as const));
  return { name, rules, branch, protection, rulesets: new Map(rulesets) };
}

function readRuleset(rest: Rest['rest'], at: At, id: number): Promise<Seen<Ruleset>> {
  return seen('Metadata: read', async () => {
    const { data } = await rest.repos.getRepoRuleset({ ...at, ruleset_id: id });
    const bypass = data.bypass_actors?.map((actor) => ({
      type: actor.actor_type,
      id: actor.actor_id ?? null,
      mode: actor.bypass_mode ?? 'always',
    }));
    return { id, name: data.name, bypass: bypass ?? null, own: data.current_user_can_bypass ?? null };
  });
}

function readQueue(github: GitHub, branch: string): Promise<Seen<boolean>> {
  const query =
    'query($owner: String!, $name: String!, $branch: String!) { repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { id } } }';
  return seen('Contents: read', async () => {
    const variables = { owner: github.owner, name: github.repo, branch };
    const answer = await github.graphql<{ repository: { mergeQueue: { id: string } | null } | null }>(query, variables);
    return Boolean(answer.repository?.mergeQueue);
  });
}

function readDefaults({ rest }: Rest, at: At): Promise<RepositoryFacts['defaults']> {
  return seen('Administration: read', async () => {
    const { data } = await rest.actions.getGithubActionsDefaultWorkflowPermissionsRepository(at);
    return { token: data.default_workflow_permissions, approves: data.can_approve_pull_request_reviews };
  });
}

function readEnvironments(client: Rest, at: At, asked: readonly string[]): Promise<Seen<GitHubEnvironment[]>> {
  const { rest, paginate } = client;
  return seen('Actions: read', async () => {
    // The types of paginate do not know that it takes this list out of its wrapper too.
    const all = (await paginate(rest.repos.getAllEnvironments, {
      ...at,
      per_page: 100,
    })) as unknown as RawEnvironment[];
    const wanted = all.filter(({ name }) => asked.some((one) => one.toLowerCase() === name.toLowerCase()));
    return Promise.all(wanted.map((environment) => environmentOf(client, at, environment)));
  });
}

type RawEnvironment = NonNullable<
  Awaited<ReturnType<Rest['rest']['repos']['getAllEnvironments']>>['data']['environments']
>[number];

async function environmentOf(client: Rest, at: At, raw: RawEnvironment): Promise<GitHubEnvironment> {
  const policy = raw.deployment_branch_policy;
  const branches = !policy ? 'all' : policy.protected_branches ? 'protected' : 'chosen';
  const reviewers = (raw.protection_rules ?? []).flatMap((rule) => ('reviewers' in rule ? (rule.reviewers ?? []) : []));
  return {
    name: raw.name,
    reviewers: reviewers.length,
    branches,
    policies: branches === 'chosen' ? await readPolicies(client, at, raw.name) : { value: [] },
  };
}

function readPolicies({ rest, paginate }: Rest, at: At, name: string): Promise<GitHubEnvironment['policies']> {
  return seen('Actions: read', async () => {
    const all = await paginate(rest.repos.listDeploymentBranchPolicies, {
      ...at,
      environment_name: name,
      per_page: 100,
    });
    return all.map((policy) => ({ name: policy.name ?? '', type: policy.type ?? 'branch' }));
  });
}

/** `canRead`: this token reads contents, so that a folder which is not found is not there. */
function readFiles({ rest }: Rest, at: At, ref: string, canRead: boolean): Promise<Seen<WorkflowFile[]>> {
  return seen('Contents: read', async () => {
    const listed = await rest.repos.getContent({ ...at, path: FOLDER, ref }).then(
      ({ data }) => data,
      (thrown) => (canRead ? nothingWhere(thrown, /404/) : Promise.reject(thrown)),
    );
    const paths = (Array.isArray(listed) ? listed : [])
      .filter(({ type, name }) => type === 'file' && /\.ya?ml$/.test(name))
      .map(({ path }) => path);
    const files: WorkflowFile[] = [];
    for (let from = 0; from < paths.length; from += AT_ONCE) {
      files.push(
        ...(await Promise.all(paths.slice(from, from + AT_ONCE).map((path) => readFile(rest, at, path, ref)))),
      );
    }
    return files;
  });
}

async function readFile(rest: Rest['rest'], at: At, path: string, ref: string): Promise<WorkflowFile> {
  const { data } = await rest.repos.getContent({ ...at, path, ref });
  if (Array.isArray(data) || !('content' in data) || data.encoding !== 'base64')
    return { path, broken: 'no text file' };
  return workflowFrom(path, Buffer.from(data.content, 'base64').toString('utf8'));
}

/** A look that may be refused. `needs` is the permission of a fine-grained token or an App, in GitHub's words. */
async function seen<T>(needs: string, ask: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await ask() };
  } catch (thrown) {
    if (!(thrown instanceof Failure) || !ANSWERS.includes(thrown.code)) throw thrown;
    const why = thrown.why ?? thrown.what;
    const isPermission = ['github-denied', 'github-not-found'].includes(thrown.code) && !/upgrade/i.test(why);
    return { unseen: why, needs: isPermission ? needs : null };
  }
}

/** Null for a 404 whose text says that there is nothing; every other failure goes on. */
function nothingWhere(thrown: unknown, text: RegExp): null {
  if (thrown instanceof Failure && thrown.code === 'github-not-found' && text.test(thrown.why ?? '')) return null;
  throw thrown;
}

function ruleOf(raw: Record<string, unknown>): Rule {
  const parameters = typeof raw.parameters === 'object' && raw.parameters !== null ? { ...raw.parameters } : {};
  const ruleset = typeof raw.ruleset_id === 'number' ? raw.ruleset_id : null;
  return { type: String(raw.type), parameters, ruleset };
}

interface RawChecks {
  contexts?: string[];
  checks?: { context: string; app_id?: number | null }[];
  enforcement_level?: string;
  strict?: boolean;
}

function branchOf(data: {
  protected: boolean;
  protection: { enabled?: boolean; required_status_checks?: RawChecks };
}): Branch {
  const required = data.protection?.required_status_checks;
  return {
    protected: data.protected,
    classic: data.protection?.enabled ?? null,
    checks: checksOf(required),
    enforcement: required?.enforcement_level ?? null,
  };
}

function protectionOf(data: {
  required_status_checks?: RawChecks;
  enforce_admins?: { enabled: boolean };
  required_pull_request_reviews?: object;
  allow_force_pushes?: { enabled?: boolean };
  allow_deletions?: { enabled?: boolean };
  restrictions?: object;
}): Protection {
  return {
    checks: checksOf(data.required_status_checks),
    strict: data.required_status_checks?.strict ?? false,
    admins: data.enforce_admins?.enabled ?? false,
    pullRequest: Boolean(data.required_pull_request_reviews),
    forcePushes: data.allow_force_pushes?.enabled ?? false,
    deletions: data.allow_deletions?.enabled ?? false,
    restricted: Boolean(data.restrictions),
  };
}

/** The required checks; `contexts` is the older form, which knows no apps. */
function checksOf(raw: RawChecks | undefined): ClassicCheck[] {
  const checks = raw?.checks ?? [];
  const others = (raw?.contexts ?? []).filter((context) => !checks.some((check) => check.context === context));
  return [
    // -1 is GitHub's number for any app.
    ...checks.map(({ context, app_id }) => ({ context, app: app_id === -1 ? null : (app_id ?? null) })),
    ...others.map((context) => ({ context, app: null })),
  ];
}
