/** How a run can be started again as it was. Pure. */
import type { Runner } from '../../github/github.ts';
import type { ApprovalRequest } from '../../ledger/ledger.ts';

/**
 * The workflow, where it stands and with which inputs; null where it cannot be repeated. Only what was started by hand
 * has inputs, and with an override it takes a person: that counts only from who starts the run.
 */
export function workflowOf(runner: Runner | null): ApprovalRequest['workflow'] {
  if (runner?.event !== 'workflow_dispatch') return null;
  const file = /\/([^/]+\.ya?ml)@/.exec(runner.workflowRef ?? '')?.[1];
  const ref = /^refs\/(?:heads|tags)\/(.+)$/.exec(runner.ref)?.[1];
  const inputs = Object.entries((runner.payload.inputs ?? {}) as Record<string, unknown>).map(
    ([name, value]): [string, string] => [name, String(value ?? '')],
  );
  const isOverride = inputs.some(([name, value]) => name === 'override' && value !== '');
  return file && ref && !isOverride ? { file, ref, inputs: Object.fromEntries(inputs) } : null;
}
