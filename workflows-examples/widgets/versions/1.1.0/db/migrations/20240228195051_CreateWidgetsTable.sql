-- migrate:up
CREATE TABLE widgets (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  price_cents INTEGER NOT NULL CHECK (price_cents > 0)
);
INSERT INTO widgets (name, price_cents) VALUES
  ('sprocket', 1250),
  ('gear', 2000),
  ('flange', 725),
  ('spindle', 1600);

-- migrate:down
DROP TABLE widgets;
