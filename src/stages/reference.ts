/** Samples of what keeps no history, from the first stage on: the watch after the deploy is held against them. */
import { failureFrom } from '../outcome/outcome.ts';
import type { StageContext } from './stage.ts';
import { isFirstVersion, openWatch } from './watching.ts';

/** Begins to sample; null where nothing is watched or compared. `end` seals the samples, and may be called again. */
export async function recordReference(context: StageContext<'watch'>): Promise<{ end(): Promise<void> } | null> {
  if (!context.environment?.watch || (await isFirstVersion(context))) return null;
  const open = await openWatch(context).catch((thrown) => {
    context.log.warn(`the watch has no samples from before the deploy: ${failureFrom(thrown).what}`);
    return null;
  });
  if (open === null) return null;
  open.watcher.startReference();
  let ended: Promise<void> | null = null;
  const end = async () => {
    await open.watcher.endReference();
    await open.close();
  };
  return { end: () => (ended ??= end()) };
}
