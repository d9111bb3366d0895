/**
 * What a market tells, in one form for every venue: orders (L3), levels (L2), trades, values such as a mark price, and what
 * interrupts them. Readers make events, books and operators take them. Prices are integers of ticks and sizes integers of lots,
 * held in doubles (exact to 2^53); what a tick and a lot are is said by `instrument.ts`.
 *
 * Events come as columns (`EventBatch`, no object per event) or as one object (`MarketEvent`, which a live feed may reuse).
 * Times are nanoseconds since the origin of the stream, so that they are exact in a double for 104 days.
 */

/** What an event is. The numbers are part of saved files: they are never used again for something else. */
export const EventKind = {
  /** Executed: `price`, `size`, `side` of the aggressor (0 where the venue does not tell). Does not change a book. */
  trade: 1,
  /** L2: the level at `price` on `side` now holds `size` lots; 0 removes it. `id` may carry the number of orders, else 0. */
  level: 2,
  /** L3: order `id` enters on `side` at `price` with `size`, behind all others of its price. A known `id` is replaced. */
  add: 3,
  /** L3: order `id` now has `price` and `size`. It keeps its place only if the price stays and the size does not grow. */
  modify: 4,
  /** L3: `size` lots of order `id` are cancelled; all of it when that is all it had. */
  cancel: 5,
  /** L3: `size` lots of order `id` are executed (the resting order of a trade). The trade itself is told by `trade`. */
  execute: 6,
  /** The book is empty from here on: what follows is a snapshot, or nothing. */
  clear: 7,
  /** Something was missed. The book is not to be believed until the next `clear` and its snapshot are over. */
  gap: 8,
  /** A number about the instrument: `id` says which (`ValueField`), `size` is the number itself, in the instrument's own unit. */
  value: 9,
  /** A block of a chain is over: `id` is its height. */
  block: 10,
  /** Nothing but the time. */
  time: 11,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

/** Bits of `flags`. */
export const EventFlag = {
  /** The last event of one atomic change: after it, and only then, the book is whole. */
  last: 1,
  /** Part of a snapshot: not an arrival, so that flows and intensities leave it out. */
  snapshot: 2,
  /** A trade against liquidity that no book showed, or one reported from elsewhere (auction, block trade). */
  hidden: 4,
  /** The trade is a forced liquidation. */
  liquidation: 8,
} as const;

export const Side = { bid: 1, ask: -1, buy: 1, sell: -1, unknown: 0 } as const;
/** Of an order or level: 1 bid, -1 ask. Of a trade: 1 if the aggressor bought, -1 if it sold, 0 unknown. */
export type Side = 1 | -1 | 0;

/** Which number a `value` event tells; prices in the currency of quotation (not in ticks), volatilities and rates as fractions of one. */
export const ValueField = {
  markPrice: 1,
  indexPrice: 2,
  /** The forward or future on which an option is priced. */
  underlyingPrice: 3,
  /** Contracts open, in the unit of size (not in lots). */
  openInterest: 4,
  /** Funding of a perpetual over the last eight hours, as a fraction. */
  funding: 5,
  markVolatility: 6,
  bidVolatility: 7,
  askVolatility: 8,
  settlementPrice: 9,
  delta: 10,
  gamma: 11,
  vega: 12,
  theta: 13,
  rate: 14,
} as const;
export type ValueField = (typeof ValueField)[keyof typeof ValueField];

/** One event as an object. Whoever is given one must not keep it: it may be reused for the next. */
export interface MarketEvent {
  kind: EventKind;
  flags: number;
  /** Index in the list of instruments of the graph or reader. */
  instrument: number;
  side: Side;
  /** Ticks. */
  price: number;
  /** Lots; of a `value` event the number. */
  size: number;
  /** Order (a safe integer that the reader gives it), field of a value, or height of a block. */
  id: number;
  /** When it happened at the venue: nanoseconds since the origin of the stream. */
  timeNs: number;
  /** When it was received here, on the same scale; NaN where nobody knows. */
  receivedNs: number;
}

/** An event that says nothing, to be filled. */
export function blankEvent(): MarketEvent {
  return {
    kind: EventKind.time,
    flags: 0,
    instrument: 0,
    side: 0,
    price: 0,
    size: 0,
    id: 0,
    timeNs: 0,
    receivedNs: NaN,
  };
}

/** Many events as columns; the first `count` rows are meant. */
export interface EventBatch {
  count: number;
  readonly kind: Uint8Array;
  readonly flags: Uint8Array;
  readonly instrument: Uint16Array;
  readonly side: Int8Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly id: Float64Array;
  readonly timeNs: Float64Array;
  readonly receivedNs: Float64Array;
}

/** An empty batch with room for `capacity` events. */
export function makeEventBatch(capacity: number): EventBatch {
  return {
    count: 0,
    kind: new Uint8Array(capacity),
    flags: new Uint8Array(capacity),
    instrument: new Uint16Array(capacity),
    side: new Int8Array(capacity),
    price: new Float64Array(capacity),
    size: new Float64Array(capacity),
    id: new Float64Array(capacity),
    timeNs: new Float64Array(capacity),
    receivedNs: new Float64Array(capacity),
  };
}

/** Events that a batch has room for. */
export const batchCapacity = (batch: EventBatch): number => batch.kind.length;

/** Writes one event behind the others. The caller has seen that there is room. */
export function appendEvent(batch: EventBatch, event: Readonly<MarketEvent>): void {
  const row = batch.count++;
  batch.kind[row] = event.kind;
  batch.flags[row] = event.flags;
  batch.instrument[row] = event.instrument;
  batch.side[row] = event.side;
  batch.price[row] = event.price;
  batch.size[row] = event.size;
  batch.id[row] = event.id;
  batch.timeNs[row] = event.timeNs;
  batch.receivedNs[row] = event.receivedNs;
}

/** Reads row `row` of a batch into an event that is reused. */
export function readEvent(batch: EventBatch, row: number, into: MarketEvent): void {
  into.kind = batch.kind[row] as EventKind;
  into.flags = batch.flags[row] as number;
  into.instrument = batch.instrument[row] as number;
  into.side = batch.side[row] as Side;
  into.price = batch.price[row] as number;
  into.size = batch.size[row] as number;
  into.id = batch.id[row] as number;
  into.timeNs = batch.timeNs[row] as number;
  into.receivedNs = batch.receivedNs[row] as number;
}

/** Writes one event over another. */
export function copyEvent(from: Readonly<MarketEvent>, into: MarketEvent): void {
  into.kind = from.kind;
  into.flags = from.flags;
  into.instrument = from.instrument;
  into.side = from.side;
  into.price = from.price;
  into.size = from.size;
  into.id = from.id;
  into.timeNs = from.timeNs;
  into.receivedNs = from.receivedNs;
}
