/**
 * What a statement does to an SQLite database. Whoever writes locks the whole file against other writers until the end
 * of the transaction. Of the tables that a statement writes anew, those are told whose tree lies elsewhere than before:
 * copied and renamed ones, and all after VACUUM; what is changed in its place (as by DROP COLUMN) is not.
 */
import type { Observed, Observer, Session } from '../types.ts';

/** What stands for a table where the engine locks the file. */
export const WHOLE_FILE = 'the whole file';

interface State {
  /** The first page of each table's tree. */
  roots: Map<string, number>;
  bytes: number;
  /** Differs after any change of rows or of the schema by this connection. */
  mark: string;
}

/** Watches the statements of a session. */
export function observeSqlite(session: Session): Observer {
  let earlier: State | null = null;
  return {
    before: async () => {
      earlier = await stateOf(session);
    },
    after: async () => {
      const [before, now] = [earlier!, await stateOf(session)];
      const rewritten: Observed['rewritten'] = [];
      for (const [table, root] of now.roots) {
        if (!before.roots.has(table) || before.roots.get(table) === root) continue;
        const [row] = await session.query(`SELECT count(*) AS amount FROM "${table.replaceAll('"', '""')}"`);
        rewritten.push({ table, rows: Number(row!.amount) });
      }
      const wrote = now.mark !== before.mark || rewritten.length > 0;
      return {
        locks: wrote && before.roots.size > 0 ? [{ table: WHOLE_FILE, mode: 'RESERVED', blocks: 'writes' }] : [],
        rewritten,
        grew: now.bytes - before.bytes,
        logged: null,
      };
    },
  };
}

async function stateOf(session: Session): Promise<State> {
  const number = async (sql: string) => Number(Object.values((await session.query(sql))[0]!)[0]);
  const roots = await session.query("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0");
  const pages = await number('PRAGMA page_count');
  return {
    roots: new Map(roots.map(({ name, rootpage }) => [String(name), Number(rootpage)])),
    bytes: pages * (await number('PRAGMA page_size')),
    mark: [pages, await number('SELECT total_changes()'), await number('PRAGMA schema_version')].join(' '),
  };
}
