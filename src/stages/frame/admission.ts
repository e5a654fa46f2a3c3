/** Whether a run may open a change, joins the one it holds, runs beside another's, or is refused. Pure. */
import { type EnvironmentState, type Holder, holderInWords, sameHolder } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';

/** What is known of the process that holds an open change. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** What the run does about the environment's one open place. */
export type Admission =
  | { kind: 'open' }
  | { kind: 'join'; change: string }
  | { kind: 'beside' }
  /** Its holder is gone: finish or put back what it left, then open. */
  | { kind: 'recover'; change: string; committed: boolean };

/**
 * Decides from the ledger's present. A stage that only reads runs beside another's open change; one that touches the
 * environment is refused with who holds it, since when and where (Failure change-open).
 */
export function admission(
  state: EnvironmentState,
  me: Holder,
  stage: { touches: boolean },
  holderIs: Liveness,
): Admission {
  const open = state.open;
  if (open === null) return { kind: 'open' };
  if (sameHolder(open.holder, me)) return { kind: 'join', change: open.change };
  if (!stage.touches) return { kind: 'beside' };
  if (holderIs === 'dead') return { kind: 'recover', change: open.change, committed: open.committed };
  throw new Failure({
    code: 'change-open',
    what: `another change is open${open.version ? ` (version ${open.version})` : ''}`,
    where: state.environment,
    why: `held by ${holderInWords(open.holder)} since ${open.since}`,
    untouched: 'nothing was changed',
    next:
      holderIs === 'alive'
        ? 'wait for it or cancel it, then start again'
        : `if that process no longer lives, run \`changeline unlock --environment ${state.environment} --why "…"\`, then start again`,
    facts: { change: open.change, since: open.since, holder: holderInWords(open.holder) },
  });
}
