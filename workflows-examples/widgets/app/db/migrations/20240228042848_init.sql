-- migrate:up
CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  widget TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  price_cents INTEGER NOT NULL,
  placed_at TEXT NOT NULL
);
CREATE INDEX orders_placed_at ON orders (placed_at);

-- migrate:down
DROP TABLE orders;
