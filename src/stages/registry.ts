/** The stages by their verbs, each loaded when it is called: a gate need not read the code of a deploy. */
import type { Verb } from './contract.ts';
import type { Stage } from './stage.ts';

const STAGES: { [V in Verb]: () => Promise<{ stage: Stage<V> }> } = {
  deliver: () => import('./deliver.ts'),
  gate: () => import('./gate.ts'),
  freeze: () => import('./freeze.ts'),
  approve: () => import('./approve.ts'),
  'load-test': () => import('./load-test.ts'),
  backup: () => import('./backup.ts'),
  migrate: () => import('./migrate.ts'),
  deploy: () => import('./deploy.ts'),
  'smoke-test': () => import('./smoke-test.ts'),
  watch: () => import('./watch.ts'),
  rollback: () => import('./rollback.ts'),
};

/** Loads one stage. */
export async function loadStage<V extends Verb>(verb: V): Promise<Stage<V>> {
  return (await STAGES[verb]()).stage;
}
