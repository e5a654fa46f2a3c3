/** How a run comes to its change: it opens one, joins the one of its job, or ends a dead one first. */
import { checkVersion } from '../../artifact/artifact.ts';
import { runIsAlive } from '../../github/github.ts';
import type { EnvironmentState, Holder, LedgerEvent } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';
import { refuseOtherConfig } from '../approving/approved.ts';
import { ACTIONS, type Verb } from '../contract.ts';
import { type Admission, admission, type Liveness } from './admission.ts';
import { Book } from './book.ts';
import type { Doorway, Prepared } from './context.ts';
import { isProcessAlive } from './liveness.ts';
import { recover } from './recovery.ts';

/** The open change of this run; null where none is kept. Throws change-open, version-invalid, and what recovery throws. */
export async function openOrJoin<V extends Verb>(verb: V, door: Doorway, prepared: Prepared<V>): Promise<Book | null> {
  const { ledger, loaded, inputs } = prepared;
  if (!ledger || !loaded?.environment) return null;
  const { name } = loaded.environment;
  const version = 'version' in inputs && typeof inputs.version === 'string' && inputs.version ? inputs.version : null;
  // Before anything is opened: text that is no version gets into no ledger.
  if (version) checkVersion(version);
  const plansOnly = verb === 'deliver' && (inputs as { plan?: boolean }).plan === true;
  if (plansOnly) return null;
  const touches = ACTIONS[verb].environment === 'touches';
  const joined = await Book.join(ledger, door.place.handover, name);
  if (joined) {
    if (touches) {
      refuseSecondChange(verb, version, joined);
      refuseOtherConfig(joined.change, loaded.digest);
    }
    if (version && !joined.change.version) await joined.learn({ version });
    if (touches && !joined.exclusive)
      await whenFree(door, prepared, () => joined.takePlace((state) => admit(verb, state, door, prepared)));
    return joined;
  }
  const opening = {
    verb,
    version,
    digest: null,
    commit: door.runner?.sha ?? null,
    config: loaded.digest,
    holder: door.holder,
  };
  return whenFree(door, prepared, () =>
    Book.open(ledger, door.place.handover, name, opening, door.step, async (state) => {
      // What only reads holds nothing: a backup at night must not stand in the way of a rollback.
      if (!touches) return { exclusive: false, events: [] };
      return { exclusive: true, events: await admit(verb, state, door, prepared) };
    }),
  );
}

/** One job carries one version to one environment; what it did is put back at its end, not in its middle. */
function refuseSecondChange(verb: Verb, version: string | null, book: Book): void {
  const { change } = book;
  const other = version !== null && change.version !== null && change.version !== version;
  const back = verb === 'rollback' && change.verb !== 'rollback' && book.exclusive;
  if (!other && !back && !book.committed) return;
  throw new Failure({
    code: 'change-open',
    what: `this job already carries ${change.version ?? 'a change'} to this environment`,
    where: change.environment,
    why: back && !book.committed ? 'what it did is put back by itself at the end of the job' : 'one job is one change',
    untouched: 'nothing was changed',
    next: 'do this in a job of its own',
  });
}

/**
 * Throws where another holds the environment or a freeze is on; `Unfinished` where its holder is gone: that one's change
 * is ended first, freeze or not. Returns what is to be recorded of it: an override that let it pass.
 */
async function admit<V extends Verb>(
  verb: V,
  state: EnvironmentState,
  door: Doorway,
  prepared: Prepared<V>,
): Promise<LedgerEvent[]> {
  const decided = admission(state, door.holder, { touches: true }, await livenessOf(state, door.holder, prepared));
  if (decided.kind === 'recover' || decided.kind === 'join') throw new Unfinished(decided);
  // Loaded where it is needed: most runs only read, and time zones take their while.
  const { refuseFrozen } = await import('../holding/frozen.ts');
  const { inputs, loaded, github } = prepared;
  const override = 'override' in inputs ? String(inputs.override) : '';
  const asking = { inputs: { override }, config: loaded!.config, runner: door.runner, change: door, github };
  return refuseFrozen(verb, asking, loaded!.environment!, state);
}

async function whenFree<T, V extends Verb>(
  door: Doorway,
  prepared: Prepared<V>,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt();
  } catch (thrown) {
    if (!(thrown instanceof Unfinished)) throw thrown;
    await recover(door, prepared, thrown.admission);
    return attempt();
  }
}

/** A change is open whose holder is gone, or is this very run without its pages: it is ended before a new one begins. */
class Unfinished extends Error {
  readonly admission: Extract<Admission, { kind: 'recover' | 'join' }>;

  constructor(found: Extract<Admission, { kind: 'recover' | 'join' }>) {
    super('an open change must be ended first');
    this.admission = found;
  }
}

async function livenessOf<V extends Verb>(
  state: EnvironmentState,
  me: Holder,
  prepared: Prepared<V>,
): Promise<Liveness> {
  const holder = state.open?.holder;
  if (!holder) return 'dead';
  if (holder.kind === 'shell') return isProcessAlive(holder, me);
  if (me.kind === 'actions' && me.repository === holder.repository && me.run === holder.run) {
    // The same run: an earlier attempt is over; another job of this attempt may still go on.
    return me.attempt === holder.attempt ? 'alive' : 'dead';
  }
  return runIsAlive(prepared.github(), holder.run);
}
