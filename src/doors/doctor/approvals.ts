/** The rows of the approvals: that an answer is heard, and can start the delivery. Pure. */
import { deliveriesTo } from './environments.ts';
import type { RepositoryFacts, WorkflowFile } from './facts.ts';
import { type Finding, missing, named, ok, type Row, unknown } from './finding.ts';
import { type Found, foreignCalls, levelOf, stepsOf } from './recognise.ts';
import { teamFindings } from './teams.ts';

const ABOUT = 'The approvals';
const COPY = 'workflows-examples/approve.yml';

/** Every row of the approvals; none where no asked environment has the section `approve`. */
export function approvalFindings(facts: RepositoryFacts, files: readonly WorkflowFile[]): Finding[] {
  const names = facts.asked.filter((name) => facts.config?.environments[name]?.approve);
  if (names.length === 0) return [];
  const answers = stepsOf(files, 'approve').filter((found) => found.on.has('issue_comment'));
  return [
    ...heard(facts, files, answers),
    ...names.map((name) => startable(name, facts, files)),
    ...teamFindings(
      { row: 'approve-teams', about: ABOUT },
      names.flatMap((name) => facts.config?.environments[name]?.approve?.from ?? []),
      [...answers, ...names.flatMap((name) => deliveriesTo(name, facts, files))],
    ),
  ];
}

function heard(facts: RepositoryFacts, files: readonly WorkflowFile[], answers: Found[]): Finding[] {
  const row: Row = { row: 'approve-workflow', about: ABOUT, asked: '`/approve` and `/reject because …` are heard' };
  if (answers.length === 0) {
    const foreign = foreignCalls(files);
    if (foreign.length > 0)
      return [unknown(row, `workflows of other repositories are called: ${named(foreign)}`, 'look into them')];
    return [missing(row, 'no workflow runs actions/approve on issue_comment', `add one; take ${COPY} as the model`)];
  }
  const rights: Row = {
    row: 'approve-permissions',
    about: ABOUT,
    asked: 'the job that answers can start the delivery',
  };
  const needs = ['actions', 'issues', ...(facts.ledger ? ['contents'] : [])];
  const lacking = answers
    .filter(({ token }) => token === 'job')
    .flatMap(({ workflow, job }) => {
      const names = needs.filter((name) => levelOf(job.permissions, name) !== 'write');
      return names.length > 0
        ? [`${workflow.path}, job ${job.id}: lacks ${names.map((name) => `${name}: write`).join(', ')}`]
        : [];
    });
  return [
    ok(row, [...new Set(answers.map(({ workflow }) => workflow.path))].join(', ')),
    lacking.length > 0
      ? missing(
          rights,
          lacking.join('; '),
          `permissions: { ${needs.map((name) => `${name}: write`).join(', ')} } on the job`,
        )
      : ok(rights, 'as declared in `permissions:`'),
  ];
}

function startable(name: string, facts: RepositoryFacts, files: readonly WorkflowFile[]): Finding {
  const row: Row = { row: 'approve-dispatch', about: ABOUT, asked: `the delivery to ${name} can be started` };
  const deliveries = deliveriesTo(name, facts, files);
  const next = 'on: workflow_dispatch with the input version, in the workflow that delivers';
  if (deliveries.length === 0)
    return unknown(row, 'no workflow here says that it delivers there', `see that it has ${next}`);
  const open = deliveries.filter(({ workflow }) => workflow.on.has('workflow_dispatch'));
  if (open.length > 0) return ok(row, [...new Set(open.map(({ workflow }) => workflow.path))].join(', '));
  const paths = [...new Set(deliveries.map(({ workflow }) => workflow.path))].join(', ');
  return missing(row, `${paths} has no workflow_dispatch: what was approved is never delivered`, next);
}
