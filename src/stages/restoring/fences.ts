/** Lets writes in again where a restore that was killed has left them held off. */
import { liftFence } from '../../database/database.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import { through } from '../through.ts';
import { adminOf, type RollbackContext } from './reach.ts';

/**
 * Lifts what fences are left on the databases of the environment, and answers on which. Only for whoever holds the
 * environment: a fence that stands then belongs to nobody. A database that does not answer is a warning, since the way
 * back of the code must not depend on it.
 */
export async function liftFences(context: RollbackContext): Promise<string[]> {
  // What was begun is put back although the run was cancelled.
  const own: RollbackContext = Object.create(context, { signal: { value: new AbortController().signal } });
  const lifted: string[] = [];
  for (const section of context.environment!.databases) {
    const admin = adminOf(context, section);
    try {
      if (!/^postgres/i.test(section.url)) continue;
      if (!(await through(own, section, (options) => liftFence(section, { ...options, admin })))) continue;
      lifted.push(section.name);
      context.log.warn(
        `${section.name}: writes were still held off by a restore that was killed, and are let in again`,
      );
    } catch (thrown) {
      context.log.warn(
        `${section.name}: whether a restore that was killed still holds off writes is not known (${failureFrom(thrown).message}); by hand: ALTER DATABASE … RESET default_transaction_read_only`,
      );
    }
  }
  return lifted;
}
