/**
 * What a statement does to a MySQL or MariaDB database, seen from a second connection while it runs. MySQL and MariaDB
 * do not tell afterwards which locks a statement took, so its metadata locks are sampled: one that is held for a
 * moment only, as every ALTER does at its end, is not told.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Observed, Observer, Row, Session } from '../types.ts';

/** Milliseconds between two samples. */
const BETWEEN = 2;

type Lock = Observed['locks'][number];

/** From the weakest to the strongest; whom each holds up. Shared locks of reading and writing hold up nobody but a change of the schema. */
const BLOCKS: Record<string, Lock['blocks']> = {
  SHARED_READ: 'schema',
  SHARED_WRITE: 'schema',
  SHARED_UPGRADABLE: 'schema',
  SHARED_READ_ONLY: 'writes',
  SHARED_NO_WRITE: 'writes',
  SHARED_NO_READ_WRITE: 'reads',
  EXCLUSIVE: 'reads',
};
const STRENGTH = Object.keys(BLOCKS);

/** Where the server shows no locks: nobody can say that there was none. */
const UNKNOWN: Lock = { table: 'what it locks', mode: 'unknown', blocks: 'reads' };

/** Rows as `table`, `mode`; the parameter is the id of the connection that is watched. */
const SAMPLE = {
  mariadb: `SELECT table_name AS 'table', lock_mode AS 'mode' FROM information_schema.metadata_lock_info
    WHERE thread_id = ? AND table_schema = DATABASE() AND lock_type = 'Table metadata lock'`,
  mysql: `SELECT l.object_name AS 'table', l.lock_type AS 'mode' FROM performance_schema.metadata_locks l
    JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id
    WHERE t.processlist_id = ? AND l.object_schema = DATABASE() AND l.object_type = 'TABLE' AND l.lock_status = 'GRANTED'`,
};

interface State {
  /** The id of each table in InnoDB, which a table that is written anew does not keep. */
  ids: Map<string, string>;
  bytes: number;
  logged: number;
}

/** Watches `session` from connections that `connect` makes. Needs the privileges of an administrator. */
export function observeMysql(engine: 'mysql' | 'mariadb', session: Session, connect: () => Promise<Session>): Observer {
  let watching: { stop(): Promise<Map<string, string[]> | null>; second: Session; state: State } | null = null;
  return {
    before: async () => {
      const second = await connect();
      if (engine === 'mariadb') await second.query("INSTALL SONAME 'metadata_lock_info'").catch(() => {}); // is there already
      const [own] = await session.query('SELECT CONNECTION_ID() AS id');
      const state = await stateOf(second, engine);
      watching = { state, second, stop: sampling(second, engine, Number(own!.id)) };
    },
    after: async () => {
      const { stop, second, state } = watching!;
      try {
        const samples = await stop();
        const now = await stateOf(second, engine);
        const rewritten: Observed['rewritten'] = [];
        for (const [table, id] of now.ids) {
          if (!state.ids.has(table) || state.ids.get(table) === id) continue;
          const [row] = await session.query(`SELECT COUNT(*) AS amount FROM \`${table.replaceAll('`', '``')}\``);
          rewritten.push({ table, rows: Number(row!.amount) });
        }
        const locks = samples ? locksIn(samples, state) : [UNKNOWN];
        return { locks, rewritten, grew: now.bytes - state.bytes, logged: now.logged - state.logged };
      } finally {
        await second.close();
      }
    },
  };
}

function locksIn(samples: Map<string, string[]>, { ids }: State): Lock[] {
  return [...samples].filter(([table]) => ids.has(table)).map(([table, modes]) => mostly(table, modes));
}

/** Samples until it is stopped; answers the strongest mode of each sample, by table; null where the server shows none. */
function sampling(
  second: Session,
  engine: 'mysql' | 'mariadb',
  id: number,
): () => Promise<Map<string, string[]> | null> {
  const seen = new Map<string, string[]>();
  let going = true;
  let shown = true;
  const loop = (async () => {
    while (going) {
      const strongest = new Map<string, string>();
      const rows = await second.query(SAMPLE[engine], [id]).catch((): Row[] | null => null);
      if (rows === null) {
        shown = false;
        return;
      }
      for (const row of rows) {
        const [table, mode] = [String(row.table), String(row.mode).replace(/^MDL_/, '')];
        if (STRENGTH.indexOf(mode) > STRENGTH.indexOf(strongest.get(table) ?? '')) strongest.set(table, mode);
      }
      for (const [table, mode] of strongest) seen.set(table, [...(seen.get(table) ?? []), mode]);
      await pause(BETWEEN);
    }
  })();
  return async () => {
    going = false;
    await loop;
    return shown ? seen : null;
  };
}

/** The mode in which a table was locked for most of the time; of two, the stronger one. */
export function mostly(table: string, modes: string[]): Lock {
  const often = (mode: string) => modes.filter((each) => each === mode).length;
  const mode = STRENGTH.toReversed().reduce((most, each) => (often(each) > often(most) ? each : most));
  return { table, mode, blocks: BLOCKS[mode]! };
}

async function stateOf(second: Session, engine: 'mysql' | 'mariadb'): Promise<State> {
  const prefix = engine === 'mariadb' ? 'innodb_sys_' : 'innodb_';
  // InnoDB keeps names as the names of files are encoded; each partition is a table of its own: name#P#partition.
  const decoded = (part: string) => `CONVERT(CAST(${part} AS BINARY) USING filename)`;
  const ours = `WHERE ${decoded("SUBSTRING_INDEX(name, '/', 1)")} = DATABASE() AND name LIKE '%/%'`;
  const ids = await second.query(
    `SELECT ${decoded("SUBSTRING_INDEX(SUBSTRING_INDEX(name, '/', -1), '#', 1)")} AS 'table', GROUP_CONCAT(table_id ORDER BY name) AS 'id'
      FROM information_schema.${prefix}tables ${ours} GROUP BY 1`,
  );
  const [size] = await second.query(
    `SELECT COALESCE(SUM(file_size), 0) AS bytes FROM information_schema.${prefix}tablespaces ${ours}`,
  );
  const [log] = await second.query("SHOW GLOBAL STATUS LIKE 'Innodb_os_log_written'");
  return {
    ids: new Map(ids.map((row) => [String(row.table), String(row.id)])),
    bytes: Number(size!.bytes),
    logged: Number(log!.Value),
  };
}
