/** The rows of all workflows: what a writing token meets, and names that collide. Pure. */
import { GATE_CONTEXT } from '../../gate/gate.ts';
import type { RepositoryFacts, WorkflowFile } from './facts.ts';
import { advice, type Finding, isSeen, missing, named, ok, type Row, unknown } from './finding.ts';
import { workflowsOf } from './recognise.ts';
import type { Job, Workflow } from './workflow.ts';

const ABOUT = 'All workflows';
const GENERAL = 'Settings > Actions > General > Workflow permissions';

/** Every row that is asked of all workflows of the default branch. */
export function workflowFindings(facts: RepositoryFacts, files: readonly WorkflowFile[]): Finding[] {
  const jobs = workflowsOf(files).flatMap((workflow) => workflow.jobs.map((job) => ({ workflow, job })));
  return [...broken(files), namesake(jobs), untrusted(jobs), pinned(facts, jobs)];
}

/** The rows of the repository's default for tokens. */
export function defaultTokenFindings({ defaults }: RepositoryFacts): Finding[] {
  const row: Row = { row: 'default-token', about: ABOUT, asked: "the default of a job's token is to read" };
  if (!isSeen(defaults)) return [unknown(row, defaults, `look at ${GENERAL}`)];
  const { token, approves } = defaults.value;
  const reads =
    token === 'read'
      ? ok(row, 'read')
      : missing(
          row,
          'a job without `permissions:` can write statuses, contents and more',
          `${GENERAL}: Read repository contents and packages permissions`,
        );
  const review: Row = { row: 'actions-approve', about: ABOUT, asked: 'no workflow can approve a pull request' };
  return [
    reads,
    approves
      ? advice(
          review,
          "a workflow's approval counts as a review in GitHub's own rules",
          `${GENERAL}: switch off "Allow GitHub Actions to create and approve pull requests"`,
        )
      : ok(review, 'Actions may not approve'),
  ];
}

function broken(files: readonly WorkflowFile[]): Finding[] {
  return files.flatMap((file) =>
    'broken' in file
      ? [
          missing(
            { row: 'workflow-broken', about: ABOUT, asked: `${file.path} can be read` },
            file.broken,
            'correct the file; GitHub does not run it either',
          ),
        ]
      : [],
  );
}

interface Place {
  workflow: Workflow;
  job: Job;
}

function namesake(jobs: Place[]): Finding {
  const row: Row = { row: 'job-name', about: ABOUT, asked: `no job has the name ${GATE_CONTEXT}` };
  const same = jobs.filter(({ job }) => job.name === GATE_CONTEXT);
  if (same.length === 0) return ok(row, 'none has');
  const found = `${same.map(({ workflow, job }) => `${workflow.path}, job ${job.id}`).join('; ')}: its check and the status are taken for each other`;
  return missing(row, found, 'give the job another name');
}

const PRIVILEGED = ['pull_request_target', 'workflow_run', 'issue_comment'];
const HEAD = /pull_request\.head|head_ref|refs\/pull|merge_commit_sha|issue\.number|event\.number/;
const RUN_HEAD = /workflow_run\.(?:head_|pull_requests)/;
const FETCHED =
  /\bgh pr checkout\b|\bgit\s+(?:fetch|checkout|switch|pull|clone|worktree)\b[^\n]*(?:pull\/|head_ref|pull_request\.head)/;

function untrusted(jobs: Place[]): Finding {
  const row: Row = {
    row: 'untrusted-checkout',
    about: ABOUT,
    asked: 'no job with secrets checks out what a pull request brings',
  };
  const wrong = jobs.filter(
    ({ workflow, job }) => PRIVILEGED.some((event) => workflow.on.has(event)) && checksHeadOut(job),
  );
  if (wrong.length === 0) return ok(row, 'none found');
  return missing(
    row,
    wrong.map(({ workflow, job }) => `${workflow.path}, job ${job.id}`).join('; '),
    'build pull requests on pull_request, which has no secrets; the gate needs no checkout',
  );
}

function checksHeadOut(job: Job): boolean {
  const isOwn = /workflow_run\.(?:event|head_repository)/.test(job.if);
  return job.steps.some((step) => {
    const asked = `${step.with.ref ?? ''} ${step.with.repository ?? ''}`;
    const isCheckout = /^actions\/checkout@/i.test(step.uses);
    return (isCheckout && (HEAD.test(asked) || (!isOwn && RUN_HEAD.test(asked)))) || FETCHED.test(step.run);
  });
}

function pinned({ repository, defaults }: RepositoryFacts, jobs: Place[]): Finding {
  const row: Row = {
    row: 'pinned-actions',
    about: ABOUT,
    asked: 'third-party actions beside a token that writes are pinned',
  };
  const owner = repository.split('/')[0]!;
  const loose = jobs.flatMap(({ job }) => {
    const uses = [job.calls, ...job.steps.map((step) => step.uses)].filter((one) => isLoose(one, owner));
    return uses.map((one) => ({ one, writes: writes(job, defaults) }));
  });
  const next = 'write the full commit sha after the @, with the version as a comment';
  const sure = loose.filter(({ writes }) => writes === true).map(({ one }) => one);
  if (sure.length > 0) return missing(row, `${named(sure)}: whoever moves the tag has the token`, next);
  const unsure = loose.filter(({ writes }) => writes === null).map(({ one }) => one);
  if (unsure.length > 0) {
    return unknown(
      row,
      `${named(unsure)} in jobs without \`permissions:\`, whose default cannot be seen`,
      `${next}, or declare permissions`,
    );
  }
  return ok(row, 'by their full sha, or there is none');
}

/** True for what another owner can change under its name. GitHub's own actions and Changeline are none of these. */
function isLoose(uses: string, owner: string): boolean {
  if (uses === '' || uses.startsWith('./') || uses.includes('${{')) return false;
  if (uses.startsWith('docker://')) return !/@sha256:[0-9a-f]{64}$/.test(uses);
  const [, by = '', repo = '', ref = ''] = /^([^/\s]+)\/([^/@\s]+)[^@]*@(.+)$/.exec(uses) ?? [];
  if (by === '' || repo.toLowerCase() === 'changeline') return false;
  if (['actions', 'github', owner.toLowerCase()].includes(by.toLowerCase())) return false;
  return !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}

/** Whether a job's token can write anything; null where the default decides and cannot be seen. */
function writes({ permissions }: Job, defaults: RepositoryFacts['defaults']): boolean | null {
  if (permissions === null) return isSeen(defaults) ? defaults.value.token === 'write' : null;
  if (typeof permissions === 'string') return permissions === 'write-all';
  return Object.values(permissions).includes('write');
}
