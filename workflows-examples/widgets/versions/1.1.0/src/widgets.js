/** What the shop sells. Since 1.1.0 the catalogue is a table, and widgets can be added. */

/** The tables that this version reads and writes. */
export const TABLES = ['orders', 'widgets'];

/** @param {import('node:sqlite').DatabaseSync} database */
export function openWidgets(database) {
  const list = database.prepare('SELECT name, price_cents FROM widgets ORDER BY id LIMIT 100');
  const find = database.prepare('SELECT name, price_cents FROM widgets WHERE name = ?');
  const insert = database.prepare(
    'INSERT INTO widgets (name, price_cents) VALUES (?, ?) ON CONFLICT (name) DO NOTHING',
  );
  const widget = ({ name, price_cents }) => ({ name, price: price_cents / 100 });
  return {
    list: () => list.all().map(widget),
    find(name) {
      const row = typeof name === 'string' ? find.get(name) : undefined;
      return row && widget(row);
    },
    /** False where there is one of that name already. */
    add: (name, price) => insert.run(name, Math.round(price * 100)).changes === 1,
  };
}
