/** Runs of workflows. */
import { Failure } from '../outcome/outcome.ts';
import type { GitHub } from './client.ts';

/** Whether a run still goes on; unknown where this token cannot see it or GitHub does not answer. */
export async function runIsAlive(github: GitHub, runId: string): Promise<'alive' | 'dead' | 'unknown'> {
  const id = Number(runId);
  if (!Number.isSafeInteger(id) || id <= 0) return 'unknown';
  try {
    const { rest } = await github.client();
    const { data } = await rest.actions.getWorkflowRun({ ...github.at, run_id: id });
    return data.status === 'completed' ? 'dead' : 'alive';
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code !== 'cancelled') return 'unknown';
    throw thrown;
  }
}
