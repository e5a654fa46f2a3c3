/** The settings of a throwaway server: fast ones while a backup is proven, those of production for a rehearsal. */
import type { ServerEngine, Survey } from './survey.ts';

const MIB = 2 ** 20;

/** Both sets, as `name=value` words without spaces. */
export interface Settings {
  proving: string;
  durable: string;
}

/**
 * Proving: nothing has to outlive a crash, so nothing is made durable, and COPY into tables of the same transaction
 * writes no log at all (wal_level=minimal; PostgreSQL's manual, "Populating a Database", "Non-Durable Settings").
 * Durable: what a server in production has by default; the statistics are made once and then left as they are.
 */
export function settingsFor(engine: ServerEngine, machine: Pick<Survey, 'memory' | 'cores'>): Settings {
  return engine === 'postgres' ? postgresSettings(machine) : mysqlSettings(engine, machine);
}

function postgresSettings({ memory, cores }: Pick<Survey, 'memory' | 'cores'>): Settings {
  const workers = Math.min(4, cores);
  // A restore in one transaction holds a lock for each object: 2048 × 50 are more than any schema that people keep.
  const both = [
    'autovacuum=off',
    'max_connections=50',
    'max_locks_per_transaction=2048',
    `shared_buffers=${share(memory, 8, 128, 1024)}MB`,
  ];
  const proving = [
    ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_level=minimal', 'max_wal_senders=0'],
    ...['max_wal_size=16GB', 'checkpoint_timeout=1h', 'wal_buffers=16MB'],
    `maintenance_work_mem=${share(memory, 16, 64, 1024)}MB`,
    `max_parallel_maintenance_workers=${workers}`,
  ];
  const durable = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', 'wal_level=replica'];
  return { proving: [...both, ...proving].join(' '), durable: [...both, ...durable].join(' ') };
}

function mysqlSettings(engine: ServerEngine, { memory }: Pick<Survey, 'memory' | 'cores'>): Settings {
  const both = [
    ...['skip-log-bin', 'skip-name-resolve', 'max-allowed-packet=1G', 'local-infile=OFF'],
    // MySQL runs events by default: those of the copy would change it, and call out into the world.
    'event-scheduler=OFF',
    `innodb-buffer-pool-size=${share(memory, 4, 128, 2048)}M`,
  ];
  const proving = ['innodb-flush-log-at-trx-commit=0', 'innodb-doublewrite=0', 'innodb-flush-method=nosync'];
  const durable = ['innodb-flush-log-at-trx-commit=1', 'innodb-doublewrite=1'];
  const log =
    engine === 'mysql' ? ['loose-mysqlx=OFF', 'loose-innodb-redo-log-capacity=1G'] : ['innodb-log-file-size=512M'];
  return { proving: [...both, ...log, ...proving].join(' '), durable: [...both, ...log, ...durable].join(' ') };
}

/** A part of the free memory in MiB, between two bounds; the lower one where the memory is not known. */
function share(memory: number | null, part: number, least: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, (memory ?? 0) / part / MIB)));
}
