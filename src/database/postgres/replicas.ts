/** How far the standbys of a PostgreSQL server are behind. */
import type { Runner } from '../types.ts';

/**
 * Physical standbys as the server sees them ("pg_stat_replication" in PostgreSQL's documentation). `replay_lag` is as of
 * the standby's last reply, and null where it had nothing to tell; so the time since that reply is added where the
 * standby has not replayed everything. One that has is 0 behind, idle or not. Logical subscribers are left out.
 */
const STANDBYS = `SELECT state, CASE
    WHEN replay_lsn >= CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END THEN 0
    WHEN state = 'streaming' AND reply_time IS NOT NULL
      THEN extract(epoch FROM coalesce(replay_lag, interval '0')) + greatest(0, extract(epoch FROM clock_timestamp() - reply_time))
    END AS seconds
  FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'
    AND pid NOT IN (SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL)`;

/**
 * Seconds that the slowest standby is behind; null where there is none or this login may not see it (it needs
 * pg_monitor). Infinity for one that is catching up after it was away: the server knows how many bytes it lacks, not since when.
 */
export async function standbyLag(database: Runner): Promise<number | null> {
  const standbys = await database.query(STANDBYS);
  if (standbys.length === 0 || standbys.some(({ state }) => state === null)) return null;
  return Math.max(...standbys.map(({ seconds }) => (seconds === null ? Number.POSITIVE_INFINITY : Number(seconds))));
}
