/** Waits while a replica is behind: what is applied here has to be applied there too, before more comes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';

export interface LagOptions {
  /** Seconds that the slowest replica is behind; null where that is not shown. */
  lag: () => Promise<number | null>;
  /** Seconds that it may be behind. */
  longest: number;
  /** Milliseconds that it is waited for at one place. */
  patience?: number;
  log: Log;
  signal: AbortSignal;
  /** Milliseconds since any moment, and a wait of so many. Only tests give others. */
  clock?: { now(): number; wait(ms: number): Promise<void> };
}

const PATIENCE = 600_000;
/** Milliseconds between two looks; what was waited is told at every tenth. */
const EVERY = 1000;

/**
 * What to call before each step. It returns once no replica is further behind than allowed, or the run was cancelled,
 * which the next step sees. Throws `replica-behind` after ten minutes. A lag that is not shown is told once, and not waited for.
 */
export function lagGate(options: LagOptions): () => Promise<void> {
  const { lag, longest, patience = PATIENCE, log, signal, clock = realClock(signal) } = options;
  let told = false;
  return async () => {
    const began = clock.now();
    for (let looks = 0; !signal.aborted; looks++) {
      const behind = await lag();
      if (behind === null && !told)
        log.warn('how far replicas are behind is not shown here: it is not waited for them');
      told ||= behind === null;
      if (behind === null || behind <= longest) return;
      if (clock.now() - began >= patience) throw replicaBehind(behind, longest, patience);
      if (looks % 10 === 0) log.info(`a replica is ${whole(behind)} behind, ${whole(longest)} is allowed: waiting`);
      await clock.wait(EVERY);
    }
  };
}

function realClock(signal: AbortSignal) {
  return { now: () => performance.now(), wait: (ms: number) => sleep(ms, undefined, { signal }).catch(() => {}) };
}

function replicaBehind(behind: number, longest: number, patience: number): Failure {
  return new Failure({
    code: 'replica-behind',
    what: `a replica is ${whole(behind)} behind, and ${whole(longest)} is allowed (migrate.max-lag)`,
    why: `it did not catch up in ${patience / 1000} s`,
    untouched: 'what was applied before stays applied; nothing more was begun',
    next: 'see what holds the replica up, and run it again: it goes on with what is pending',
    facts: { behind: Number.isFinite(behind) ? behind : null, longest },
  });
}

/** A replica that was away and is catching up is behind by nobody knows how much. */
function whole(seconds: number): string {
  return Number.isFinite(seconds) ? `${Math.round(seconds * 10) / 10} s` : 'an unknown time';
}

/**
 * How far behind a replica of PostgreSQL is: it has replayed what the primary had written, or is behind by the age of
 * the last transaction that it replayed ("Recovery Information Functions" in PostgreSQL's documentation).
 */
const REPLAYED = `SELECT CASE WHEN pg_last_wal_replay_lsn() >= $1::pg_lsn THEN 0
  ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 'Infinity') END AS seconds WHERE pg_is_in_recovery()`;

/** Seconds that this replica is behind, or without one the slowest that the primary knows; null where it is not shown. */
export async function lagOf(primary: Database, replica: Database | null): Promise<number | null> {
  if (replica === null) return primary.lag();
  if (primary.engine !== 'postgres') return replica.lag();
  const [written] = await primary.query('SELECT pg_current_wal_lsn()::text AS lsn');
  const [behind] = await replica.query(REPLAYED, [String(written!.lsn)]);
  return behind ? Number(behind.seconds) : null;
}
