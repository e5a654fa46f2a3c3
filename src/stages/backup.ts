/** Backs up every database and config file of an environment under one manifest, and proves it by restoring. */

import { drill } from './backing-up/drilling.ts';
import { GONE_WITH_THE_RUNNER, planBackup, UNENCRYPTED } from './backing-up/planning.ts';
import { recentOne } from './backing-up/recent.ts';
import { take } from './backing-up/taking.ts';
import { type BackupContext, liesHere, vaultOf, type Wanted, wantedOf } from './backing-up/wanted.ts';
import type { Stage } from './stage.ts';

/** The stage of the verb `backup`. */
export const stage: Stage<'backup'> = {
  verb: 'backup',

  async plan(context) {
    const wanted = wantedOf(context);
    if (wanted === null)
      return [{ kind: 'blind', text: 'no backup is configured: what a migration loses cannot be had back' }];
    return planBackup(context, wanted);
  },

  async run(context) {
    const wanted = wantedOf(context);
    if (wanted === null)
      return {
        outcome: 'skipped',
        code: 'not-configured',
        summary: 'no backup is configured',
        facts: {},
        outputs: { backup: '', level: '' },
      };
    const vault = await vaultOf(context, wanted);
    try {
      if (context.inputs.drill) return await drill(context, wanted, vault);
      const recent = await recentOne(context, wanted, vault);
      if (recent) return recent;
      warn(context, wanted);
      return await take(context, wanted, vault);
    } finally {
      await vault.close();
    }
  },
};

function warn({ runner, log }: BackupContext, { to, recipients }: Wanted): void {
  if (runner?.hosted && liesHere(to)) log.warn(GONE_WITH_THE_RUNNER);
  if (recipients.length === 0) log.warn(UNENCRYPTED);
}
