CREATE TABLE customers (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  country    TEXT NOT NULL
);

CREATE TABLE orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  total       NUMERIC NOT NULL,
  ordered_at  TIMESTAMP NOT NULL
);

-- The ten customers who spent most this year.
SELECT customers.name, SUM(orders.total) AS spent
⟨cursor⟩
