/**
 * Blocks to history: one transaction per block, in order, from nothing but the block's events and what earlier blocks left in
 * the database. Quotes that were never filled leave no order behind; other unfilled orders leave after their retention time,
 * measured in block time, so that two builds agree.
 */
import { present } from "@stoa/base/assert";
import { decodeOrThrow, encode } from "@stoa/base/codec";
import { orderRecord, type Event, type EventKind, type EventOf, type OrderRecord } from "@stoa/protocol/event";
import { instrument as instrumentCodec } from "@stoa/protocol/instrument";
import type { ExecutedBlock } from "../upstream.ts";
import { listingOfId, type Catalog } from "../catalog.ts";
import { tradeVolumes } from "../market/volume.ts";
import { historyHeight, writeMeta, type Store } from "./store.ts";

export const minuteMs = 60_000;
/** How long orders that ended without a fill can still be asked for. */
export const unfilledRetentionMs = 60 * 60 * 1000;

/** Brings every instrument of the history into the catalog: names and number formats of what expired long ago. */
export function loadInstruments(store: Store, catalog: Catalog): void {
  for (const row of store.all("SELECT record FROM instruments ORDER BY id"))
    catalog.add(decodeOrThrow(instrumentCodec, row["record"] as Uint8Array));
}

/**
 * Adds one block; a block that is already in the history is passed over. A gap (the node behind has pruned what this history
 * has not seen) is noted in the database, because nothing here can mend it.
 */
export function applyBlock(store: Store, catalog: Catalog, block: ExecutedBlock): void {
  const height = historyHeight(store);
  if (block.height <= height) return;
  store.database.exec("BEGIN");
  try {
    if (height + 1 < block.height && 0 < block.height)
      store.run("INSERT OR REPLACE INTO gaps VALUES (?, ?)", height + 1, block.height - 1);
    const target = { store, catalog, timeMs: block.timeMs };
    for (const event of block.events) applyEvent(target, event);
    if (block.timeMs % unfilledPruneMs < 2_000)
      store.run("DELETE FROM orders WHERE filled = 0 AND updated_ms < ?", block.timeMs - unfilledRetentionMs);
    writeMeta(store, "height", String(block.height));
    writeMeta(store, "time", String(block.timeMs));
    store.database.exec("COMMIT");
  } catch (error) {
    store.database.exec("ROLLBACK");
    throw error;
  }
}
const unfilledPruneMs = 60_000;

interface Target {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly timeMs: number;
}

/** What each kind of event leaves in the history; kinds that are not here leave nothing. */
const projections: { readonly [K in EventKind]?: (target: Target, event: EventOf<K>) => void } = {
  instrumentListed({ store, catalog, timeMs }, { instrument }) {
    catalog.add(instrument);
    const record = encode(instrumentCodec, instrument);
    store.run(
      "INSERT OR REPLACE INTO instruments VALUES (?, ?, ?, ?, ?, NULL)",
      instrument.id,
      instrument.name,
      record,
      "open",
      timeMs,
    );
  },
  instrumentState: ({ store, timeMs }, { instrument, state }) =>
    store.run("UPDATE instruments SET state = ?, state_ms = ? WHERE id = ?", state, timeMs, instrument),
  accountOpened: ({ store, timeMs }, { account, owner, subaccount }) =>
    store.run("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)", account, owner, subaccount, timeMs),
  order: ({ store }, { order }) => applyOrder(store, order),
  trade: ({ store, catalog, timeMs }, event) => applyTrade(store, catalog, event, timeMs),
  balance: ({ store, timeMs }, event) =>
    store.run(
      `INSERT INTO ledger (account, asset, time_ms, cause, change, balance, instrument, trade, order_id, counterparty)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      event.account,
      event.asset,
      timeMs,
      event.cause,
      event.change.toString(),
      event.balance.toString(),
      event.instrument ?? null,
      event.trade ?? null,
      event.order ?? null,
      event.counterparty ?? null,
    ),
  settled: ({ store, timeMs }, event) => applySettled(store, event, timeMs),
  instrumentSettled: ({ store, catalog, timeMs }, event) => applyInstrumentSettled(store, catalog, event, timeMs),
  index: ({ store, timeMs }, { index, price }) =>
    store.run("INSERT OR REPLACE INTO indexes VALUES (?, ?, ?)", index, minuteOf(timeMs), price),
  funding: ({ store, catalog, timeMs }, event) => applyFunding(store, catalog, event, timeMs),
  transferred: ({ store, timeMs }, { transfer, source, target, asset, amount }) =>
    store.run(
      "INSERT OR REPLACE INTO transfers VALUES (?, ?, ?, ?, ?, ?)",
      transfer,
      timeMs,
      source,
      target,
      asset,
      amount.toString(),
    ),
  withdrawalRequested: ({ store, timeMs }, { withdrawal, account, asset, amount, address }) =>
    store.run(
      "INSERT OR REPLACE INTO withdrawals VALUES (?, ?, ?, ?, ?, ?)",
      withdrawal,
      timeMs,
      account,
      asset,
      amount.toString(),
      address,
    ),
};

function applyEvent(target: Target, event: Event): void {
  const project = projections[event.kind] as ((target: Target, event: Event) => void) | undefined;
  project?.(target, event);
}

export const minuteOf = (timeMs: number): number => timeMs - (timeMs % minuteMs);

function applyOrder(store: Store, order: OrderRecord): void {
  if (order.state === "open") return;
  if (order.filledLots === 0 && order.quoteSet !== undefined) return;
  store.run(
    "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
    order.order,
    order.account,
    order.instrument,
    order.filledLots === 0 ? 0 : 1,
    order.updatedMs,
    order.label,
    encode(orderRecord, order),
  );
}

function applyTrade(store: Store, catalog: Catalog, event: EventOf<"trade">, timeMs: number): void {
  const liquidation = `${event.maker.liquidation ? "M" : ""}${event.taker.liquidation ? "T" : ""}`;
  store.run(
    "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    event.trade,
    event.instrument,
    event.sequence,
    timeMs,
    event.priceTicks,
    event.sizeLots,
    event.takerSide,
    event.indexPrice,
    event.markPrice,
    event.impliedVolatilityPpm,
    tickDirection(store, event),
    liquidation,
  );
  for (const role of ["maker", "taker"] as const) {
    const side = event[role];
    store.run(
      "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      event.trade,
      role,
      side.account,
      event.instrument,
      timeMs,
      side.order,
      side.label,
      side.orderType,
      side.postOnly === "off" ? 0 : 1,
      side.reduceOnly ? 1 : 0,
      side.fee.toString(),
      side.realized.toString(),
    );
  }
  applyCandle(store, catalog, event, timeMs);
}

/** 0 up, 1 unchanged after up, 2 down, 3 unchanged after down, against the trade before. */
function tickDirection(store: Store, event: EventOf<"trade">): number {
  const before = store.one(
    "SELECT price_ticks, tick_direction FROM trades WHERE instrument = ? AND trade < ? ORDER BY trade DESC LIMIT 1",
    event.instrument,
    event.trade,
  );
  if (before === undefined) return 0;
  const price = Number(before["price_ticks"]);
  if (price < event.priceTicks) return 0;
  if (event.priceTicks < price) return 2;
  return Number(before["tick_direction"]) < 2 ? 1 : 3;
}

/** Candles are kept at these resolutions, in minutes; every other one is made of the largest that divides it. */
export const storedResolutions = [1, 5, 60, 1440] as const;

function applyCandle(store: Store, catalog: Catalog, event: EventOf<"trade">, timeMs: number): void {
  const volumes = tradeVolumes(listingOfId(catalog, event.instrument), event);
  const price = event.priceTicks;
  for (const minutes of storedResolutions) {
    const start = timeMs - (timeMs % (minutes * minuteMs));
    const row = store.one(
      "SELECT * FROM candles WHERE instrument = ? AND minutes = ? AND start_ms = ?",
      event.instrument,
      minutes,
      start,
    );
    const sum = (column: string, value: bigint): string =>
      ((row === undefined ? 0n : BigInt(String(row[column]))) + value).toString();
    store.run(
      "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      event.instrument,
      minutes,
      start,
      row === undefined ? price : Number(row["open"]),
      row === undefined ? price : Math.max(Number(row["high"]), price),
      row === undefined ? price : Math.min(Number(row["low"]), price),
      price,
      sum("base", volumes.base),
      sum("quote", volumes.quote),
      sum("usd", volumes.usd),
    );
  }
}

function applySettled(store: Store, event: EventOf<"settled">, timeMs: number): void {
  store.run(
    `INSERT INTO settlements (type, account, instrument, time_ms, size_lots, mark_price, index_price, profit,
     session_profit, funding, socialized) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    event.type,
    event.account,
    event.instrument,
    timeMs,
    event.sizeLots,
    event.markPrice,
    event.indexPrice,
    event.profit.toString(),
    event.sessionProfit.toString(),
    event.funding.toString(),
    event.socialized.toString(),
  );
  if (event.type !== "bankruptcy") return;
  // A position that was taken over is public, without its owner.
  store.run(
    `INSERT INTO instrument_settlements (instrument, type, time_ms, price, index_price, open_interest_lots, session_profit)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    event.instrument,
    event.type,
    timeMs,
    event.markPrice,
    event.indexPrice,
    event.sizeLots,
    event.sessionProfit.toString(),
  );
}

function applyInstrumentSettled(
  store: Store,
  catalog: Catalog,
  event: EventOf<"instrumentSettled">,
  timeMs: number,
): void {
  const listing = listingOfId(catalog, event.instrument);
  const index = store.one(
    "SELECT price FROM indexes WHERE index_id = ? ORDER BY minute_ms DESC LIMIT 1",
    listing.instrument.index,
  );
  const settled = store.one(
    "SELECT sum(size_lots) AS lots FROM settlements WHERE instrument = ? AND time_ms = ? AND size_lots > 0 AND type = ?",
    event.instrument,
    timeMs,
    event.type,
  );
  store.run(
    `INSERT INTO instrument_settlements (instrument, type, time_ms, price, index_price, open_interest_lots)
     VALUES (?, ?, ?, ?, ?, ?)`,
    event.instrument,
    event.type,
    timeMs,
    event.price,
    Number(index?.["price"] ?? 0),
    Number(settled?.["lots"] ?? 0),
  );
  if (event.type === "delivery")
    store.run("UPDATE instruments SET delivery_price = ? WHERE id = ?", event.price, event.instrument);
}

/** Sums rate times milliseconds: the interest of a period is a difference of two sums over eight hours of milliseconds. */
function applyFunding(store: Store, catalog: Catalog, event: EventOf<"funding">, timeMs: number): void {
  const last = store.one(
    "SELECT * FROM funding WHERE instrument = ? ORDER BY minute_ms DESC LIMIT 1",
    event.instrument,
  );
  // No interval counts for longer than prices may stand (SETTLE-023); a rate of zero is said before the next one begins.
  const elapsedMs =
    last === undefined ? 0 : Math.min(timeMs - Number(last["time_ms"]), catalog.genesis.prices.staleMsMax);
  const total = (last === undefined ? 0n : BigInt(String(last["total"]))) + BigInt(event.rateE12) * BigInt(elapsedMs);
  const index = store.one(
    "SELECT price FROM indexes WHERE index_id = ? ORDER BY minute_ms DESC LIMIT 1",
    present(catalog.byId.get(event.instrument), "funding is of a listed perpetual").instrument.index,
  );
  store.run(
    "INSERT OR REPLACE INTO funding VALUES (?, ?, ?, ?, ?, ?, ?)",
    event.instrument,
    minuteOf(timeMs),
    timeMs,
    event.rateE12,
    total.toString(),
    event.accruedE12.toString(),
    Number(index?.["price"] ?? 0),
  );
}
