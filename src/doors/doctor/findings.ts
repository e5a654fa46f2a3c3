/** The doctor's judgement: everything that is known of a repository becomes rows. Pure. */
import { approvalFindings } from './approvals.ts';
import { branchFindings } from './branch.ts';
import { environmentFindings } from './environments.ts';
import type { RepositoryFacts } from './facts.ts';
import { type Finding, isSeen, unknown } from './finding.ts';
import { gateWorkflowFindings } from './gate-workflow.ts';
import { ledgerFindings } from './ledger.ts';
import { defaultTokenFindings, workflowFindings } from './workflows.ts';

export type { Finding } from './finding.ts';

/**
 * Every row, in the order of the table. Without changeline.yml the rows of the gate alone: no ledger, no environment,
 * no approval.
 */
export function findings(facts: RepositoryFacts): Finding[] {
  const files = isSeen(facts.files) ? facts.files.value : null;
  const unread = isSeen(facts.files)
    ? []
    : [
        unknown(
          { row: 'workflows', about: 'All workflows', asked: 'the workflows of the default branch can be read' },
          facts.files,
          'read .github/workflows yourself',
        ),
      ];
  return [
    ...branchFindings(facts),
    ...(files ? gateWorkflowFindings(facts, files) : []),
    ...unread,
    ...(files ? workflowFindings(facts, files) : []),
    ...defaultTokenFindings(facts),
    ...(facts.config ? ledgerFindings(facts) : []),
    ...(facts.config ? environmentFindings(facts, files) : []),
    ...(facts.config && files ? approvalFindings(facts, files) : []),
  ];
}
