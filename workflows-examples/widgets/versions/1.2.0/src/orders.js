/** Orders, now with fewer commits: those that come close together are stored in one transaction. */
import { randomUUID } from 'node:crypto';

/** How long orders are gathered, in milliseconds. */
const GATHER = 2000;

/** @param {import('node:sqlite').DatabaseSync} database */
export function openOrders(database) {
  const insert = database.prepare(
    'INSERT INTO orders (id, widget, quantity, price_cents, placed_at) VALUES (?, ?, ?, ?, ?)',
  );
  const newest = database.prepare(
    'SELECT id, widget, quantity, price_cents, placed_at FROM orders ORDER BY placed_at DESC, id LIMIT 100',
  );
  const waiting = [];
  let timer = null;

  function store(orders) {
    database.exec('BEGIN IMMEDIATE');
    for (const order of orders) {
      insert.run(order.id, order.widget, order.quantity, Math.round(order.price * 100), order.placed_at);
    }
    database.exec('COMMIT');
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    const batch = waiting;
    waiting.length = 0;
    store(batch);
  }

  return {
    /** Takes an order and returns it with its id, its price and the time (ISO 8601, UTC). */
    place(widget, quantity) {
      const order = {
        id: randomUUID(),
        widget: widget.name,
        quantity,
        price: Math.round(widget.price * quantity * 100) / 100,
        placed_at: new Date().toISOString(),
      };
      if (timer === null) {
        store([order]);
        timer = setTimeout(flush, GATHER);
      } else {
        waiting.push(order);
      }
      return order;
    },
    /** The newest hundred. */
    list: () => newest.all().map(({ price_cents, ...order }) => ({ ...order, price: price_cents / 100 })),
    close: flush,
  };
}
