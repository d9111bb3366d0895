/**
 * The history database: an embedded SQLite file that is a pure projection of executed blocks. It remembers the height it
 * stands at, and can be deleted and rebuilt from the blocks to the same content. Money is kept as decimal text, because it may
 * pass what SQL integers and JSON numbers hold.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";

export type Row = Record<string, SQLOutputValue>;
export type SqlValue = null | number | bigint | string | Uint8Array;

export interface Store {
  readonly database: DatabaseSync;
  /** A statement, prepared once. */
  readonly statement: (sql: string) => StatementSync;
  readonly all: (sql: string, ...values: readonly SqlValue[]) => readonly Row[];
  readonly one: (sql: string, ...values: readonly SqlValue[]) => Row | undefined;
  readonly run: (sql: string, ...values: readonly SqlValue[]) => void;
  readonly close: () => void;
}

/** Raised with every change of the schema: an older file is rebuilt. */
const schemaVersion = 4;

const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instruments (id INTEGER PRIMARY KEY, name TEXT NOT NULL, record BLOB NOT NULL,
  state TEXT NOT NULL, state_ms INTEGER NOT NULL, delivery_price INTEGER);
CREATE TABLE IF NOT EXISTS accounts (account INTEGER PRIMARY KEY, owner BLOB NOT NULL, subaccount INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS trades (trade INTEGER PRIMARY KEY, instrument INTEGER NOT NULL, sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL, price_ticks INTEGER NOT NULL, size_lots INTEGER NOT NULL, taker_side TEXT NOT NULL,
  index_price INTEGER NOT NULL, mark_price INTEGER NOT NULL, volatility_ppm INTEGER NOT NULL,
  tick_direction INTEGER NOT NULL, liquidation TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS trades_by_instrument ON trades (instrument, trade);
CREATE INDEX IF NOT EXISTS trades_by_time ON trades (time_ms, trade);
CREATE TABLE IF NOT EXISTS fills (trade INTEGER NOT NULL, role TEXT NOT NULL, account INTEGER NOT NULL,
  instrument INTEGER NOT NULL, time_ms INTEGER NOT NULL, order_id INTEGER NOT NULL, label TEXT NOT NULL,
  order_type TEXT NOT NULL, post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL, fee TEXT NOT NULL,
  realized TEXT NOT NULL, PRIMARY KEY (trade, role)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fills_by_account ON fills (account, trade);
CREATE INDEX IF NOT EXISTS fills_by_order ON fills (order_id, trade);
CREATE TABLE IF NOT EXISTS orders (order_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, instrument INTEGER NOT NULL,
  filled INTEGER NOT NULL, updated_ms INTEGER NOT NULL, label TEXT NOT NULL, record BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (account, order_id);
CREATE INDEX IF NOT EXISTS orders_unfilled ON orders (updated_ms) WHERE filled = 0;
CREATE TABLE IF NOT EXISTS ledger (entry INTEGER PRIMARY KEY, account INTEGER NOT NULL, asset INTEGER NOT NULL,
  time_ms INTEGER NOT NULL, cause TEXT NOT NULL, change TEXT NOT NULL, balance TEXT NOT NULL, instrument INTEGER,
  trade INTEGER, order_id INTEGER, counterparty INTEGER);
CREATE INDEX IF NOT EXISTS ledger_by_account ON ledger (account, asset, entry);
CREATE TABLE IF NOT EXISTS candles (instrument INTEGER NOT NULL, minutes INTEGER NOT NULL, start_ms INTEGER NOT NULL,
  open INTEGER NOT NULL,
  high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL, base TEXT NOT NULL, quote TEXT NOT NULL,
  usd TEXT NOT NULL, PRIMARY KEY (instrument, minutes, start_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settlements (entry INTEGER PRIMARY KEY, type TEXT NOT NULL, account INTEGER NOT NULL,
  instrument INTEGER NOT NULL, time_ms INTEGER NOT NULL, size_lots INTEGER NOT NULL, mark_price INTEGER NOT NULL,
  index_price INTEGER NOT NULL, profit TEXT NOT NULL, session_profit TEXT NOT NULL, funding TEXT NOT NULL,
  socialized TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS settlements_by_account ON settlements (account, entry);
CREATE TABLE IF NOT EXISTS instrument_settlements (entry INTEGER PRIMARY KEY, instrument INTEGER NOT NULL,
  type TEXT NOT NULL, time_ms INTEGER NOT NULL, price INTEGER NOT NULL, index_price INTEGER NOT NULL,
  open_interest_lots INTEGER NOT NULL, session_profit TEXT NOT NULL DEFAULT '0');
CREATE TABLE IF NOT EXISTS indexes (index_id INTEGER NOT NULL, minute_ms INTEGER NOT NULL, price INTEGER NOT NULL,
  PRIMARY KEY (index_id, minute_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS funding (instrument INTEGER NOT NULL, minute_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  rate_e12 INTEGER NOT NULL, total TEXT NOT NULL, accrued_e12 TEXT NOT NULL, index_price INTEGER NOT NULL,
  PRIMARY KEY (instrument, minute_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transfers (transfer INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, source INTEGER NOT NULL,
  target INTEGER NOT NULL, asset INTEGER NOT NULL, amount TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawals (withdrawal INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, account INTEGER NOT NULL,
  asset INTEGER NOT NULL, amount TEXT NOT NULL, address TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS guarded (order_id INTEGER PRIMARY KEY, client_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guarded_accounts (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (from_height INTEGER PRIMARY KEY, to_height INTEGER NOT NULL) WITHOUT ROWID;
`;

/** The tables whose content follows from the blocks alone, in the order in which they are hashed. */
export const projectedTables = [
  "instruments",
  "accounts",
  "trades",
  "fills",
  "orders",
  "ledger",
  "candles",
  "settlements",
  "instrument_settlements",
  "indexes",
  "funding",
  "transfers",
  "withdrawals",
] as const;

/**
 * Opens the database of a chain, or makes it. A file of another chain or schema is emptied and will be rebuilt; one that is no
 * database, or is damaged, is named in the error: it may be removed, because blocks make it again.
 */
export function openStore(path: string, chainId: string): Store {
  try {
    return openedStore(path, `${schemaVersion}/${chainId}`);
  } catch (error) {
    const hint = "remove it and start again: it is rebuilt from the blocks";
    throw new Error(`history database ${path}: ${(error as Error).message}; ${hint}`, { cause: error });
  }
}

function openedStore(path: string, identity: string): Store {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  // A larger log between checkpoints: those are the only writes that wait for the disk.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;");
  database.exec("PRAGMA cache_size = -32000");
  const statements = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    let prepared = statements.get(sql);
    if (prepared === undefined) statements.set(sql, (prepared = database.prepare(sql)));
    return prepared;
  };
  const store: Store = {
    database,
    statement,
    all: (sql, ...values) => statement(sql).all(...values) as readonly Row[],
    one: (sql, ...values) => statement(sql).get(...values) as Row | undefined,
    run: (sql, ...values) => void statement(sql).run(...values),
    close: () => database.close(),
  };
  database.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  const known = readMeta(store, "identity");
  if (known !== undefined && known !== identity) emptyDatabase(database);
  statements.clear();
  database.exec(schema);
  writeMeta(store, "identity", identity);
  return store;
}

function emptyDatabase(database: DatabaseSync): void {
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all();
  for (const { name } of tables) database.exec(`DROP TABLE "${String(name)}"`);
}

export function readMeta(store: Store, name: string): string | undefined {
  const row = store.one("SELECT value FROM meta WHERE name = ?", name);
  return row === undefined ? undefined : String(row["value"]);
}

export function writeMeta(store: Store, name: string, value: string): void {
  store.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, value);
}

/** The height of the last block in the history, or -1 when there is none. */
export const historyHeight = (store: Store): number => Number(readMeta(store, "height") ?? "-1");

/** SHA-256 over every projected row in order: equal for two databases that were built from the same blocks. */
export function contentHash(store: Store): string {
  const hash = createHash("sha256");
  for (const table of projectedTables) {
    hash.update(`${table}\n`);
    for (const row of store.database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).iterate())
      hash.update(`${JSON.stringify(Object.values(row as Row).map(plain))}\n`);
  }
  return hash.digest("hex");
}

const plain = (value: SQLOutputValue): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("hex")
    : typeof value === "bigint"
      ? value.toString()
      : value;
