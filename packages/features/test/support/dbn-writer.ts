/** Writes DBN files for the tests of the reader, from the description of the format alone: nothing of the reader is used. */
import { EventFlag, EventKind, type EventBatch } from "../../src/event.ts";

export const dbnFlag = { last: 128, snapshot: 32, maybeBadBook: 4 } as const;

export interface DbnOrder {
  readonly instrument?: number;
  readonly id: bigint;
  /** Units of 1e-9. */
  readonly price: bigint;
  readonly size: number;
  readonly flags: number;
  readonly action: string;
  readonly side: string;
  readonly timeNs: bigint;
  readonly receivedNs?: bigint;
}

export interface DbnHeader {
  readonly version?: 1 | 2 | 3;
  readonly startNs: bigint;
  /** Symbol and the number of the instrument. */
  readonly symbols: readonly (readonly [string, number])[];
}

export function dbnHeader({ version = 1, startNs, symbols }: DbnHeader): Uint8Array {
  const symbolSize = version === 1 ? 22 : 71;
  const lists = 4 + 4 + symbols.length * symbolSize + 8 + 4 + symbols.length * (symbolSize + 4 + 8 + symbolSize);
  const padding = version === 3 ? (8 - ((100 + lists) % 8)) % 8 : 0;
  const bytes = new Uint8Array(8 + 100 + lists + padding);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => bytes.set(new TextEncoder().encode(value), at);
  text(0, "DBN");
  bytes[3] = version;
  view.setUint32(4, bytes.length - 8, true);
  text(8, "TEST.SET");
  view.setBigUint64(26, startNs, true);
  view.setBigUint64(34, 0xffffffffffffffffn, true);
  if (version > 1) view.setUint16(53, symbolSize, true);
  let at = 108 + 4;
  view.setUint32(at, symbols.length, true);
  at += 4;
  for (const [symbol] of symbols) {
    text(at, symbol);
    at += symbolSize;
  }
  at += 8;
  view.setUint32(at, symbols.length, true);
  at += 4;
  for (const [symbol, number] of symbols) {
    text(at, symbol);
    view.setUint32(at + symbolSize, 1, true);
    text(at + symbolSize + 12, String(number));
    at += symbolSize + 12 + symbolSize;
  }
  return bytes;
}

export function dbnOrder(order: DbnOrder): Uint8Array {
  const bytes = new Uint8Array(56);
  const view = new DataView(bytes.buffer);
  head(view, { type: 0xa0, instrument: order.instrument ?? 1, timeNs: order.timeNs });
  view.setBigUint64(16, order.id, true);
  view.setBigInt64(24, order.price, true);
  view.setUint32(32, order.size, true);
  bytes[36] = order.flags;
  bytes[38] = order.action.charCodeAt(0);
  bytes[39] = order.side.charCodeAt(0);
  view.setBigUint64(40, order.receivedNs ?? order.timeNs, true);
  return bytes;
}

export interface DbnLevel {
  readonly price: bigint;
  readonly size: number;
  readonly orders: number;
}

const noLevel: DbnLevel = { price: 0x7fffffffffffffffn, size: 0, orders: 0 };

/** A book of ten levels (or one), as a record of an addition. */
export function dbnBook(book: {
  readonly levels: 1 | 10;
  readonly bids: readonly DbnLevel[];
  readonly asks: readonly DbnLevel[];
  readonly timeNs: bigint;
  readonly flags?: number;
}): Uint8Array {
  const bytes = new Uint8Array(48 + 32 * book.levels);
  const view = new DataView(bytes.buffer);
  head(view, { type: book.levels, instrument: 1, timeNs: book.timeNs });
  bytes[28] = 0x41;
  bytes[29] = 0x4e;
  bytes[30] = book.flags ?? dbnFlag.last;
  view.setBigUint64(32, book.timeNs, true);
  for (let level = 0; level < book.levels; level++) {
    const [bid, ask] = [book.bids[level] ?? noLevel, book.asks[level] ?? noLevel];
    const at = 48 + 32 * level;
    view.setBigInt64(at, bid.price, true);
    view.setBigInt64(at + 8, ask.price, true);
    for (const [index, value] of [bid.size, ask.size, bid.orders, ask.orders].entries())
      view.setUint32(at + 16 + 4 * index, value, true);
  }
  return bytes;
}

export function dbnTrade(trade: {
  readonly price: bigint;
  readonly size: number;
  readonly side: string;
  readonly timeNs: bigint;
}): Uint8Array {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  head(view, { type: 0, instrument: 1, timeNs: trade.timeNs });
  view.setBigInt64(16, trade.price, true);
  view.setUint32(24, trade.size, true);
  bytes[28] = 0x54;
  bytes[29] = trade.side.charCodeAt(0);
  view.setBigUint64(32, trade.timeNs, true);
  return bytes;
}

/** A record of a type that readers of books do not take (a status). */
export function dbnOther(timeNs: bigint): Uint8Array {
  const bytes = new Uint8Array(40);
  head(new DataView(bytes.buffer), { type: 0x12, instrument: 1, timeNs });
  return bytes;
}

function head(
  view: DataView,
  { type, instrument, timeNs }: { type: number; instrument: number; timeNs: bigint },
): void {
  view.setUint8(0, view.byteLength / 4);
  view.setUint8(1, type);
  view.setUint32(4, instrument, true);
  view.setBigUint64(8, timeNs, true);
}

const letters: Readonly<Record<number, string>> = {
  [EventKind.add]: "A",
  [EventKind.modify]: "M",
  [EventKind.cancel]: "C",
  [EventKind.trade]: "T",
  [EventKind.clear]: "R",
};

/** L3 events as records: an `execute` is a fill and, behind it, the cancellation that takes it from the book. */
export function dbnOfEvents(
  batch: EventBatch,
  settings: { readonly originNs: bigint; readonly tick: bigint },
): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let row = 0; row < batch.count; row++) {
    const kind = batch.kind[row]!;
    const side = batch.side[row]!;
    const order = {
      instrument: 1 + batch.instrument[row]!,
      id: BigInt(batch.id[row]!),
      price: BigInt(batch.price[row]!) * settings.tick,
      size: batch.size[row]!,
      flags: (batch.flags[row]! & EventFlag.last) !== 0 ? dbnFlag.last : 0,
      side: side > 0 ? "B" : side < 0 ? "A" : "N",
      timeNs: settings.originNs + BigInt(batch.timeNs[row]!),
    };
    if (kind === EventKind.execute) {
      records.push(dbnOrder({ ...order, action: "F", flags: 0 }), dbnOrder({ ...order, action: "C" }));
    } else records.push(dbnOrder({ ...order, action: letters[kind]! }));
  }
  return records;
}
