/** Writes captures as venues send them, from the level changes of a random market: Deribit, Binance and BitMEX. */
import { Book } from "../../src/book/book.ts";
import { EventKind } from "../../src/event.ts";
import { randomOrders } from "./random-market.ts";
import { levelsOf, objectsOf } from "./sources.ts";

export const startMs = 1_700_006_400_000;
const tick = 0.5;

/** What one message of a venue tells: levels (side, price in ticks, lots), or a trade. */
export interface Update {
  readonly ms: number;
  readonly levels: readonly (readonly [side: 1 | -1, ticks: number, lots: number])[];
  readonly trade?: { readonly side: number; readonly ticks: number; readonly lots: number };
}

export interface Levels {
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

/** Changes of the levels of a random market, and its whole book before the update with the same index (and after the last). */
export function randomUpdates(seed: number, count: number): { updates: Update[]; books: Levels[] } {
  const book = new Book();
  const updates: Update[] = [];
  const plain = (): Levels => {
    const side = (of: readonly (readonly number[])[]): [number, number][] => of.map(([price, size]) => [price!, size!]);
    const { bids, asks } = levelsOf(book);
    return { bids: side(bids), asks: side(asks) };
  };
  const books = [plain()];
  for (const event of objectsOf(randomOrders(seed, count, { hostile: false }))) {
    const before = books.at(-1)!;
    book.apply(event);
    const after = plain();
    const ms = startMs + Math.floor(event.timeNs / 1e6);
    const levels = [...difference(1, before.bids, after.bids), ...difference(-1, before.asks, after.asks)];
    const trade = { side: event.side, ticks: event.price, lots: event.size };
    if (event.kind === EventKind.trade) updates.push({ ms, levels: [], trade });
    else if (levels.length > 0) updates.push({ ms, levels });
    else continue;
    books.push(after);
  }
  return { updates, books };
}

function difference(side: 1 | -1, before: Levels["bids"], after: Levels["bids"]): [1 | -1, number, number][] {
  const [old, now] = [new Map(before), new Map(after)];
  const gone = before.filter(([price]) => !now.has(price)).map(([price]): [1 | -1, number, number] => [side, price, 0]);
  const set = after.filter(([price, size]) => old.get(price) !== size);
  return [...gone, ...set.map(([price, size]): [1 | -1, number, number] => [side, price, size])];
}

const line = (ms: number, body: unknown): string => `${(ms + 5) / 1000}: ${JSON.stringify(body)}`;
const iso = (ms: number): string => new Date(ms).toISOString();

/** A stream of `book.X.raw` and `trades.X.raw` that begins with the book before update `from`. */
export function deribitLines(name: string, { updates, books }: ReturnType<typeof randomUpdates>, from = 0): string[] {
  const message = (ms: number, channel: string, data: unknown): string =>
    line(ms, { jsonrpc: "2.0", method: "subscription", params: { channel, data } });
  const whole = (side: Levels["bids"]): unknown[] => side.map(([price, size]) => ["new", price * tick, size / 10]);
  const snapshot = {
    type: "snapshot",
    timestamp: updates[from]!.ms,
    instrument_name: name,
    change_id: 1000 + from,
    bids: whole(books[from]!.bids),
    asks: whole(books[from]!.asks),
  };
  const lines = [message(updates[from]!.ms, `book.${name}.raw`, snapshot)];
  let changeId = 1000 + from;
  for (const { ms, levels, trade } of updates.slice(from)) {
    if (trade !== undefined) {
      const direction = trade.side > 0 ? "buy" : "sell";
      const one = {
        timestamp: ms,
        instrument_name: name,
        price: trade.ticks * tick,
        amount: trade.lots / 10,
        direction,
      };
      lines.push(message(ms, `trades.${name}.raw`, [one]));
      continue;
    }
    const side = (wanted: number): unknown[] =>
      levels
        .filter(([of]) => of === wanted)
        .map(([, price, size]) => [size === 0 ? "delete" : "change", price * tick, size / 10]);
    const data = {
      type: "change",
      timestamp: ms,
      instrument_name: name,
      prev_change_id: changeId,
      change_id: ++changeId,
    };
    lines.push(message(ms, `book.${name}.raw`, { ...data, bids: side(1), asks: side(-1) }));
  }
  return lines;
}

/** Differences, trades, and (as another file) the answer of a snapshot that was taken after update `snapshotAt` and came `lateMs` later. */
export function binanceLines(
  symbol: string,
  { updates, books }: ReturnType<typeof randomUpdates>,
  {
    snapshotAt,
    lateMs,
    spot = false,
  }: { readonly snapshotAt: number; readonly lateMs: number; readonly spot?: boolean },
): { readonly stream: string[]; readonly answers: string[] } {
  const price = (ticks: number): string => (ticks * tick).toFixed(2);
  const size = (lots: number): string => (lots / 10).toFixed(3);
  const idOf = (index: number): number => 5000 + 3 * index;
  let previous = idOf(-1) + 2;
  const stream: string[] = [];
  for (const [index, { ms, levels, trade }] of updates.entries()) {
    const [U, u] = [idOf(index), idOf(index) + 2];
    if (trade !== undefined) {
      const data = {
        e: "aggTrade",
        E: ms,
        T: ms,
        s: symbol,
        p: price(trade.ticks),
        q: size(trade.lots),
        m: trade.side < 0,
      };
      stream.push(line(ms, { stream: `${symbol.toLowerCase()}@aggTrade`, data }));
    }
    const side = (wanted: number): unknown[] =>
      levels.filter(([of]) => of === wanted).map(([, ticks, lots]) => [price(ticks), size(lots)]);
    const chain = spot ? {} : { T: ms, pu: previous };
    const data = { e: "depthUpdate", E: ms, s: symbol, U, u, ...chain, b: side(1), a: side(-1) };
    stream.push(line(ms, { stream: `${symbol.toLowerCase()}@depth`, data }));
    previous = u;
  }
  const { bids, asks } = books[snapshotAt + 1]!;
  const whole = (levels: Levels["bids"]): unknown[] => levels.map(([ticks, lots]) => [price(ticks), size(lots)]);
  const { ms } = updates[snapshotAt]!;
  const body = { lastUpdateId: idOf(snapshotAt) + 2, E: ms, T: ms, bids: whole(bids), asks: whole(asks) };
  const url = `https://fapi.binance.com/fapi/v1/depth?symbol=${symbol}&limit=1000`;
  return { stream, answers: [`${url} -> ${line(ms + lateMs, body)}`] };
}

/** `orderBookL2` with an image before update `from`, `trade`. */
export function bitmexLines(symbol: string, { updates, books }: ReturnType<typeof randomUpdates>, from = 0): string[] {
  const idOf = (ticks: number): number => 8_800_000_000 - ticks;
  const word = (side: number): string => (side > 0 ? "Buy" : "Sell");
  const row = (ms: number, side: number, ticks: number, lots: number): object => ({
    symbol,
    id: idOf(ticks),
    side: word(side),
    size: lots * 100,
    price: ticks * tick,
    timestamp: iso(ms),
  });
  const first = updates[from]!;
  const { bids, asks } = books[from]!;
  const known = new Set([...bids, ...asks].map(([ticks]) => ticks));
  const image = [
    ...bids.map(([ticks, lots]) => row(first.ms, 1, ticks, lots)),
    ...asks.map(([ticks, lots]) => row(first.ms, -1, ticks, lots)),
  ];
  const lines = [line(first.ms, { table: "orderBookL2", action: "partial", filter: { symbol }, data: image })];
  for (const { ms, levels, trade } of updates.slice(from)) {
    if (trade !== undefined) {
      const one = {
        timestamp: iso(ms),
        symbol,
        side: word(trade.side),
        size: trade.lots * 100,
        price: trade.ticks * tick,
      };
      lines.push(line(ms, { table: "trade", action: "insert", data: [one] }));
    }
    for (const [side, ticks, lots] of levels) {
      const action = lots === 0 ? "delete" : known.has(ticks) ? "update" : "insert";
      if (lots === 0) known.delete(ticks);
      else known.add(ticks);
      const whole = row(ms, side, ticks, lots) as Record<string, unknown>;
      const { price: _, ...rest } = whole;
      lines.push(line(ms, { table: "orderBookL2", action, data: [action === "insert" ? whole : rest] }));
    }
  }
  return lines;
}
