/** The chain a second time, slowly: every option from all events so far, by bisection of Black-76 instead of the inversion. */
import { black76 } from "@stoa/pricing/black76";
import {
  EventFlag,
  EventKind,
  ValueField,
  blankEvent,
  readEvent,
  type EventBatch,
  type MarketEvent,
} from "../../src/event.ts";
import type { Instrument } from "../../src/instrument.ts";
import { originNs } from "./random-market.ts";
import { dayNs } from "./option-market.ts";

export interface NaiveOption {
  readonly instrument: Instrument;
  readonly strike: number;
  readonly type: "call" | "put";
  readonly expiryNs: number;
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number;
  readonly askSize: number;
  readonly forward: number;
  readonly openInterest: number;
  readonly bidVolatility: number;
  readonly askVolatility: number;
  readonly mark: number;
  /** N(d1), change of it per 1 of the forward, and vega per 1.00, at the mark volatility. */
  readonly callDelta: number;
  readonly gamma: number;
  readonly vega: number;
}

export const eventList = (batch: EventBatch): MarketEvent[] =>
  Array.from({ length: batch.count }, (_, row) => {
    const event = blankEvent();
    readEvent(batch, row, event);
    return event;
  });

/** What one option says after its events so far. */
export function naiveOption(instrument: Instrument, events: readonly MarketEvent[]): NaiveOption {
  const { strike, type, expiryNs: expiry, unit } = instrument.option!;
  const levels = new Map<string, MarketEvent>();
  const values = new Map<number, number>();
  let gap = false;
  let changedNs = NaN;
  let book = { bid: NaN, ask: NaN, bidSize: 0, askSize: 0 };
  let open = false;
  for (const event of events) {
    if (event.kind === EventKind.value) {
      values.set(event.id, event.size);
      if (event.id !== ValueField.openInterest) changedNs = event.timeNs;
    }
    if (event.kind === EventKind.gap) gap = true;
    if (event.kind === EventKind.level) {
      levels.set(`${event.side} ${event.price}`, event);
      open = true;
    }
    if (event.kind !== EventKind.gap && !(open && (event.flags & EventFlag.last) !== 0)) continue;
    open = false;
    const side = (of: number): MarketEvent[] => [...levels.values()].filter((one) => one.side === of && one.size > 0);
    const bestBid = side(1).sort((one, other) => other.price - one.price)[0];
    const bestAsk = side(-1).sort((one, other) => one.price - other.price)[0];
    const known = !gap && !(bestBid !== undefined && bestAsk !== undefined && bestBid.price >= bestAsk.price);
    const next = {
      bid: known ? (bestBid?.price ?? NaN) / 1e9 : NaN,
      ask: known ? (bestAsk?.price ?? NaN) / 1e9 : NaN,
      bidSize: known ? (bestBid?.size ?? 0) : 0,
      askSize: known ? (bestAsk?.size ?? 0) : 0,
    };
    if (!Object.is(next.bid, book.bid) || !Object.is(next.ask, book.ask)) changedNs = event.timeNs;
    book = next;
  }
  const forward = values.get(ValueField.underlyingPrice) ?? NaN;
  const expiryNs = Number(expiry - originNs);
  const years = (expiryNs - changedNs) / dayNs / 365;
  const at = (volatility: number) => black76({ type, forward, strike, years, volatility });
  const implied = (price: number): number => {
    const worth = unit === "coin" ? price * forward : price;
    if (!(years > 0) || !(worth >= Math.max(0, type === "call" ? forward - strike : strike - forward))) return NaN;
    let [low, high] = [1e-9, 20];
    for (let round = 0; round < 60; round++) {
      const middle = (low + high) / 2;
      if (at(middle).price < worth) low = middle;
      else high = middle;
    }
    return low;
  };
  const mark = values.get(ValueField.markVolatility) ?? NaN;
  const greeks = mark === mark && forward === forward ? at(mark) : undefined;
  return {
    instrument,
    strike,
    type,
    expiryNs,
    ...book,
    forward,
    openInterest: values.get(ValueField.openInterest) ?? NaN,
    get bidVolatility() {
      return implied(book.bid);
    },
    get askVolatility() {
      return implied(book.ask);
    },
    mark: greeks === undefined ? NaN : mark,
    callDelta: greeks === undefined ? NaN : type === "call" ? greeks.delta : 1 + greeks.delta,
    gamma: greeks?.gamma ?? NaN,
    vega: greeks?.vega ?? NaN,
  };
}

/** The whole chain after events so far. */
export const naiveChain = (instruments: readonly Instrument[], events: readonly MarketEvent[]): NaiveOption[] =>
  instruments.map((instrument, index) =>
    naiveOption(
      instrument,
      events.filter((event) => event.instrument === index),
    ),
  );

export const naiveExpiry = (chain: readonly NaiveOption[], tenor: number, timeNs: number): NaiveOption[] => {
  const expiries = [...new Set(chain.map(({ expiryNs }) => expiryNs))]
    .filter((one) => one > timeNs)
    .sort((a, b) => a - b);
  return chain.filter(({ expiryNs }) => expiryNs === expiries[tenor - 1]).sort((a, b) => a.strike - b.strike);
};

/** The forward that was told last for any option of an expiry. */
export function naiveForward(
  options: readonly NaiveOption[],
  instruments: readonly Instrument[],
  events: readonly MarketEvent[],
): number {
  const ours = new Set(options.map(({ instrument }) => instruments.findIndex(({ name }) => name === instrument.name)));
  const told = events.findLast(
    ({ kind, id, instrument }) => kind === EventKind.value && id === ValueField.underlyingPrice && ours.has(instrument),
  );
  return told?.size ?? NaN;
}

/** Volatility on the line between neighbours around `at`. */
export function naiveSmile(
  options: readonly NaiveOption[],
  forward: number,
  axis: (option: NaiveOption) => number,
  at: number,
): number {
  const points = options
    .filter(({ type, strike, mark }) => mark === mark && type === (strike < forward ? "put" : "call"))
    .map((option) => [axis(option), option.mark] as const);
  for (const [index, [x, y]] of points.entries()) {
    const [x1, y1] = points[index + 1] ?? [NaN, NaN];
    if (x === at) return y;
    if (x < at && at < x1) return (y * (x1 - at) + y1 * (at - x)) / (x1 - x);
  }
  return NaN;
}
