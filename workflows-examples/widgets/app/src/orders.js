/** Orders: each is stored before it is acknowledged. */
import { randomUUID } from 'node:crypto';

/** @param {import('node:sqlite').DatabaseSync} database */
export function openOrders(database) {
  const insert = database.prepare(
    'INSERT INTO orders (id, widget, quantity, price_cents, placed_at) VALUES (?, ?, ?, ?, ?)',
  );
  const newest = database.prepare(
    'SELECT id, widget, quantity, price_cents, placed_at FROM orders ORDER BY placed_at DESC, id LIMIT 100',
  );
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
      insert.run(order.id, order.widget, order.quantity, Math.round(order.price * 100), order.placed_at);
      return order;
    },
    /** The newest hundred. */
    list: () => newest.all().map(({ price_cents, ...order }) => ({ ...order, price: price_cents / 100 })),
    close() {},
  };
}
