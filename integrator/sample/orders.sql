-- The sample's database. Run again it changes nothing that is there.
CREATE TABLE IF NOT EXISTS customer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    level TEXT NOT NULL DEFAULT 'standard'
);
CREATE TABLE IF NOT EXISTS item (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price NUMERIC NOT NULL CHECK (price >= 0),
    stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE IF NOT EXISTS notification (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    received TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
CREATE TABLE IF NOT EXISTS report (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    runs INTEGER NOT NULL DEFAULT 1,
    made TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
INSERT OR IGNORE INTO customer (id, name, email, level) VALUES
    (1, 'Ada Lovelace', 'ada@example.org', 'gold'),
    (2, 'Grace Hopper', 'grace@example.org', 'silver'),
    (3, 'Alan Turing', 'alan@example.org', 'standard');
INSERT OR IGNORE INTO item (sku, name, price, stock) VALUES
    ('TEA-001', 'Green tea, 100 g', 6.50, 120),
    ('CUP-002', 'Cup, blue', 9.90, 40),
    ('POT-003', 'Tea pot, 1 l', 34.00, 4);
