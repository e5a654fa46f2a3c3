/** The rows of the workflow that runs the gate: what starts it, and what its token may do. Pure. */
import { hasQueue } from './branch.ts';
import type { RepositoryFacts, WorkflowFile } from './facts.ts';
import { advice, type Finding, missing, named, ok, type Row, unknown } from './finding.ts';
import { type Found, foreignCalls, levelOf, stepsOf, workflowsOf } from './recognise.ts';
import { teamFindings } from './teams.ts';

const ABOUT = 'The workflow of the gate';
const COPY = 'take workflows-examples/pull-request.yml as the model';

/** Every row of the gate's workflow. A gate that was given an environment stands in a delivery and is none of these. */
export function gateWorkflowFindings(facts: RepositoryFacts, files: readonly WorkflowFile[]): Finding[] {
  const gates = stepsOf(files, 'gate').filter((found) => found.environment === '');
  const row: Row = { row: 'gate-workflow', about: ABOUT, asked: 'a workflow of the default branch runs the gate' };
  if (gates.length === 0) {
    const foreign = foreignCalls(files);
    return foreign.length > 0
      ? [unknown(row, `none here; workflows of other repositories are called: ${named(foreign)}`, 'look into them')]
      : [missing(row, 'no workflow uses actions/gate without an environment', `${COPY}, and merge it`)];
  }
  const events = new Set(gates.flatMap((found) => [...found.on.keys()]));
  return [
    ok(row, [...new Set(gates.map((found) => found.workflow.path))].join(', ')),
    onPullRequests(facts, gates, events),
    ...onQueue(facts, events),
    onRed(facts, gates, events),
    ...workflowNames(gates, files),
    ...onSchedule(facts, events),
    onComments(events),
    permissions(facts, gates),
    ...teamFindings({ row: 'override-teams', about: ABOUT }, facts.config?.gate?.override.from ?? [], gates),
  ];
}

function onPullRequests({ gated }: RepositoryFacts, gates: Found[], events: Set<string>): Finding {
  const row: Row = { row: 'trigger-pull-request', about: ABOUT, asked: 'every pull request gets the status' };
  if (!events.has('pull_request_target')) {
    const found = events.has('pull_request')
      ? 'it starts on pull_request, which has no token that can write for a fork'
      : 'it does not start on pull requests';
    return missing(row, found, 'on: pull_request_target, in the workflow of the gate, without a checkout');
  }
  const isWhole = (keys: Record<string, unknown>) =>
    !('paths' in keys) && !('paths-ignore' in keys) && !lacksTypes(keys) && covers(keys.branches, gated.name);
  const narrow = !keysOf(gates, 'pull_request_target').some(isWhole);
  return narrow
    ? missing(
        row,
        'pull_request_target is narrowed: a new head may be left without a status',
        `on: pull_request_target for ${gated.name} with no paths, and types opened, reopened, synchronize at least`,
      )
    : ok(row, 'pull_request_target');
}

function lacksTypes(keys: Record<string, unknown>): boolean {
  return 'types' in keys && !['opened', 'reopened', 'synchronize'].every((type) => list(keys.types).includes(type));
}

function onQueue(facts: RepositoryFacts, events: Set<string>): Finding[] {
  const row: Row = { row: 'trigger-queue', about: ABOUT, asked: 'the merge queue gets the status' };
  const queue = hasQueue(facts);
  if (queue === false) return [];
  if (events.has('merge_group')) return [ok(row, 'merge_group')];
  return queue === true
    ? [
        missing(
          row,
          'there is a merge queue and nothing starts on merge_group: the queue waits for ever',
          'on: merge_group, in the workflow of the gate',
        ),
      ]
    : [
        unknown(
          row,
          'it does not start on merge_group, and whether there is a queue cannot be seen',
          'add on: merge_group; it costs nothing without a queue',
        ),
      ];
}

function onRed({ gated }: RepositoryFacts, gates: Found[], events: Set<string>): Finding {
  const row: Row = { row: 'trigger-red', about: ABOUT, asked: 'it starts when the build of the branch ends' };
  const runs = keysOf(gates, 'workflow_run').some((keys) => {
    const isTold = !('types' in keys) || list(keys.types).includes('completed');
    return isTold && covers(keys.branches, gated.name);
  });
  if (runs) return ok(row, 'workflow_run');
  const isPushed = (keys: Record<string, unknown>) =>
    covers('branches' in keys || !('tags' in keys) ? keys.branches : [], gated.name);
  const pushed = gates.filter((found) => found.on.get('push')?.some(isPushed));
  if (pushed.some((found) => found.job.waits)) return ok(row, 'push, after other jobs');
  const next = 'on: workflow_run with types: [completed] and the workflows that test the branch';
  if (pushed.length > 0)
    return advice(row, 'push starts it before the build has ended; the schedule tells of a red build later', next);
  const found =
    events.has('workflow_run') || events.has('push')
      ? `not for ${gated.name}, or not at the end`
      : 'neither workflow_run nor push';
  return missing(row, `${found}: open pull requests keep a green status`, next);
}

function workflowNames(gates: Found[], files: readonly WorkflowFile[]): Finding[] {
  const entries = keysOf(gates, 'workflow_run').flatMap((keys) => list(keys.workflows));
  if (entries.length === 0) return [];
  const row: Row = { row: 'workflow-names', about: ABOUT, asked: 'workflow_run names workflows that are there' };
  const workflows = workflowsOf(files);
  const names = workflows.map((workflow) => workflow.name);
  const globs = entries.filter((entry) => /[+[\]*?!]/.test(entry.replace(/\\./g, '')));
  const meant = globs.filter((entry) => names.includes(entry));
  if (meant.length > 0) {
    const next = `write a backslash before each of + [ ] * ? ! in ${named(meant)}, or rename the workflow`;
    return [missing(row, `${named(meant)} is read as a pattern and does not match the workflow of that name`, next)];
  }
  const plain = entries.filter((entry) => !globs.includes(entry)).map((entry) => entry.replace(/\\(.)/g, '$1'));
  const tests = workflows.filter((workflow) => workflow.on.has('push') || workflow.on.has('merge_group'));
  if (globs.length === 0 && !plain.some((entry) => tests.some((workflow) => workflow.name === entry))) {
    const candidates = tests.length > 0 ? `; on push run ${named(tests.map((workflow) => workflow.name))}` : '';
    return [
      missing(
        row,
        `none of ${named(plain)} is a workflow that runs on push${candidates}`,
        'name the workflows that test the branch in `workflows:`',
      ),
    ];
  }
  const absent = plain.filter((entry) => !names.includes(entry));
  if (absent.length > 0)
    return [advice(row, `${named(absent)} is no workflow of the default branch`, 'remove it, or correct the name')];
  if (globs.length > 0)
    return [advice(row, `${named(globs)} is a pattern`, 'see that it matches the workflows that test the branch')];
  return [ok(row, named(plain))];
}

function onSchedule({ isPublic }: RepositoryFacts, events: Set<string>): Finding[] {
  const row: Row = { row: 'trigger-schedule', about: ABOUT, asked: 'a schedule repairs what a lost event left behind' };
  if (!events.has('schedule')) {
    return [
      missing(
        row,
        'no schedule: a lost event leaves a wrong status, and a freeze of the calendar begins late',
        'on: schedule with cron "*/15 * * * *"',
      ),
    ];
  }
  const idle: Row = { row: 'schedule-idle', about: ABOUT, asked: 'the schedule stays on' };
  const found = 'GitHub turns schedules off in a public repository after 60 days without activity';
  return [
    ok(row, 'schedule'),
    ...(isPublic
      ? [advice(idle, found, 'Actions > the workflow > Enable workflow, when GitHub writes that it was disabled')]
      : []),
  ];
}

function onComments(events: Set<string>): Finding {
  const row: Row = { row: 'trigger-comment', about: ABOUT, asked: '`/override because …` is heard' };
  return events.has('issue_comment')
    ? ok(row, 'issue_comment')
    : advice(
        row,
        'it does not start on issue_comment: only who may bypass the rules gets a fix in while the branch is red',
        `on: issue_comment; ${COPY}`,
      );
}

const READS = ['actions', 'checks', 'contents', 'pull-requests'];

function permissions(facts: RepositoryFacts, gates: Found[]): Finding {
  const row: Row = { row: 'gate-permissions', about: ABOUT, asked: 'its token can write statuses and little else' };
  const wrong = gates.flatMap((found) =>
    wrongIn(found, facts).map((text) => `${found.workflow.path}, job ${found.job.id}: ${text}`),
  );
  if (wrong.length === 0) return ok(row, 'as declared in `permissions:`');
  const next = `permissions: { statuses: write, ${READS.map((name) => `${name}: read`).join(', ')} } on the job; contents and pull-requests: write only on the job that answers comments`;
  return missing(row, wrong.join('; '), next);
}

function wrongIn({ job, on, token }: Found, { config }: RepositoryFacts): string[] {
  const { permissions } = job;
  if (permissions === null) return ['no `permissions:`, so the default decides: too wide, or without statuses: write'];
  if (permissions === 'write-all') return ['write-all'];
  const hears = on.has('issue_comment') && !/event_name\s*!=\s*'issue_comment'/.test(job.if);
  const allowed = ['statuses', ...(hears ? ['contents', 'pull-requests', 'issues'] : [])];
  const wide =
    typeof permissions === 'string'
      ? []
      : Object.keys(permissions).filter((name) => permissions[name] === 'write' && !allowed.includes(name));
  const reads = [...READS, ...(config?.gate?.['fix-brings-test'] ? ['issues'] : [])];
  const lacking =
    token === 'own'
      ? []
      : [
          ...(levelOf(permissions, 'statuses') === 'write' ? [] : ['statuses: write']),
          ...reads
            .filter((name) => !['read', 'write'].includes(levelOf(permissions, name) ?? ''))
            .map((name) => `${name}: read`),
        ];
  return [
    ...(lacking.length > 0 ? [`lacks ${lacking.join(', ')}`] : []),
    ...(wide.length > 0 ? [`too wide: ${wide.map((name) => `${name}: write`).join(', ')}`] : []),
  ];
}

/** The keys of an event, wherever it starts one of them. */
function keysOf(gates: Found[], event: string): Record<string, unknown>[] {
  return gates.flatMap((found) => found.on.get(event) ?? []);
}

/** Whether a `branches:` filter lets a branch through; a pattern counts as if it did. */
function covers(filter: unknown, branch: string): boolean {
  if (filter === undefined) return true;
  return list(filter).some((entry) => entry === branch || /[*+?[!]/.test(entry));
}

function list(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}
