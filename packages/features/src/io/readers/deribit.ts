/**
 * Deribit's channels, which Stoa's gateway speaks too: `book` (snapshots and changes in a chain of change ids, and the grouped form that
 * repeats the top of the book), `quote`, `trades`, `ticker`. A change that does not follow the one before it is a gap: until a
 * snapshot comes, changes are applied to a book that is not to be believed. Amounts are in the venue's unit (coins, or US dollars of inverse futures).
 * Method: https://docs.deribit.com/#book-instrument_name-interval
 */
import { EventFlag, EventKind, ValueField } from "../../event.ts";
import type { Scale } from "../../instrument.ts";
import type { EventWriter } from "./event-writer.ts";
import { StepFinder } from "./terms.ts";
import {
  VenueDecoderBase,
  type Captured,
  type Level,
  type Listed,
  type Survey,
  type Venue,
  type VenueContext,
} from "./venue.ts";

export const deribit: Venue = {
  name: "deribit",
  survey,
  decoder: (context) => new DeribitDecoder(context),
};

interface Message {
  readonly method?: string;
  readonly params?: { readonly channel?: string; readonly data?: unknown };
  readonly result?: unknown;
}

interface BookData {
  readonly type?: "snapshot" | "change";
  readonly timestamp: number;
  readonly instrument_name: string;
  readonly change_id: number;
  readonly prev_change_id?: number;
  readonly bids: readonly (readonly unknown[])[];
  readonly asks: readonly (readonly unknown[])[];
}

interface TradeData {
  readonly timestamp: number;
  readonly instrument_name: string;
  readonly price: number;
  readonly amount: number;
  readonly direction: string;
  readonly liquidation?: string;
  readonly block_trade_id?: string;
}

interface TickerData extends Readonly<Record<string, unknown>> {
  readonly timestamp: number;
  readonly instrument_name: string;
  readonly greeks?: Readonly<Record<string, unknown>>;
}

interface ListedData {
  readonly instrument_name: string;
  readonly kind: string;
  readonly settlement_period?: string;
  readonly tick_size: number;
  readonly tick_size_steps?: readonly { readonly tick_size: number }[];
  readonly min_trade_amount: number;
  readonly strike?: number;
  readonly option_type?: string;
  readonly expiration_timestamp?: number;
  readonly base_currency?: string;
  readonly settlement_currency?: string;
  readonly quote_currency?: string;
}

function survey({ body }: Captured, found: Survey): void {
  const { params, result } = body as Message;
  if (Array.isArray(result)) {
    for (const one of result as ListedData[])
      if (typeof one === "object" && one?.instrument_name !== undefined)
        found.listed.set(one.instrument_name, listedOf(one));
    return;
  }
  if (params?.channel === undefined) return;
  const [family] = params.channel.split(".");
  if (family === "book") {
    const data = params.data as BookData;
    const seen = found.instrument(data.instrument_name);
    seen.hasBook = true;
    found.time(data.timestamp);
    for (const level of [...data.bids, ...data.asks]) {
      seen.prices.show(Number(level.at(-2)));
      seen.sizes.show(Number(level.at(-1)));
    }
  } else if (family === "trades") {
    for (const trade of params.data as TradeData[]) {
      found.time(trade.timestamp);
      found.instrument(trade.instrument_name).sizes.show(trade.amount);
    }
  } else if (family === "ticker" || family === "incremental_ticker" || family === "quote") {
    const data = params.data as TickerData;
    found.time(data.timestamp);
    const seen = found.instrument(data.instrument_name);
    if (family !== "quote") return;
    for (const side of ["bid", "ask"]) {
      seen.prices.show(Number(data[`best_${side}_price`]));
      seen.sizes.show(Number(data[`best_${side}_amount`]));
    }
  }
}

/** What the list of instruments says of one. */
export function listedOf(data: ListedData): Listed {
  const isOption = data.kind === "option";
  const isPerpetual = data.settlement_period === "perpetual";
  const kind = isOption ? "option" : data.kind === "spot" ? "spot" : isPerpetual ? "perpetual" : "future";
  const ticks = [data.tick_size, ...(data.tick_size_steps ?? []).map((step) => step.tick_size)];
  const listed = { kind, tick: stepOf(ticks), lot: stepOf([data.min_trade_amount]) } as const;
  if (!isOption || data.strike === undefined || data.expiration_timestamp === undefined) return listed;
  const premium = data.settlement_currency ?? data.quote_currency;
  return {
    ...listed,
    option: {
      type: data.option_type === "put" ? "put" : "call",
      strike: data.strike,
      expiryNs: BigInt(data.expiration_timestamp) * 1_000_000n,
      unit: premium === data.base_currency ? "coin" : "currency",
    },
  };
}

function stepOf(values: readonly number[]): Scale {
  const finder = new StepFinder();
  for (const value of values) finder.show(value);
  return finder.step ?? { multiply: 1, divide: 1 };
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** What the name alone says: `BTC-24SEP21-40000-P` expires at eight in the morning, UTC. */
export function deribitName(name: string): Listed {
  if (name.endsWith("-PERPETUAL")) return { kind: "perpetual" };
  const match = /^([A-Z0-9_]+)-(\d{1,2})([A-Z]{3})(\d\d)(?:-(\d+(?:d\d+)?)-([CP]))?$/.exec(name);
  if (match === null) return name.includes("-") ? {} : { kind: "spot" };
  const [, base = "", day, month = "", year, strike, letter] = match;
  if (strike === undefined) return { kind: "future" };
  const expiryMs = Date.UTC(2000 + Number(year), months.indexOf(month), Number(day), 8);
  return {
    kind: "option",
    option: {
      type: letter === "C" ? "call" : "put",
      strike: Number(strike.replace("d", ".")),
      expiryNs: BigInt(expiryMs) * 1_000_000n,
      unit: base.includes("_") ? "currency" : "coin",
    },
  };
}

const percent = 100;

class DeribitDecoder extends VenueDecoderBase {
  /** The last change of each book: NaN before the first. */
  readonly #changes: Float64Array;

  constructor(context: VenueContext) {
    super(context);
    this.#changes = new Float64Array(context.instruments.length).fill(NaN);
  }

  message({ body, receivedNs }: Captured, writer: EventWriter): void {
    const { params } = body as Message;
    if (params?.channel === undefined) {
      this.skippedCount++;
      return;
    }
    const family = params.channel.slice(0, params.channel.indexOf("."));
    if (family === "trades") return this.#trades(params.data as TradeData[], receivedNs, writer);
    const index = this.context.index((params.data as BookData | undefined)?.instrument_name);
    if (index === -1) this.skippedCount++;
    else if (family === "book") this.#book(params.data as BookData, index, receivedNs, writer);
    else if (family === "ticker" || family === "incremental_ticker")
      this.#ticker(params.data as TickerData, index, receivedNs, writer);
    else if (family === "quote") this.#quote(params.data as TickerData, index, receivedNs, writer);
    else this.skippedCount++;
  }

  #book(data: BookData, index: number, receivedNs: number, writer: EventWriter): void {
    const timeNs = this.context.timeNs(data.timestamp);
    if (data.type === undefined) {
      return this.image(
        writer,
        index,
        { timeNs, receivedNs },
        {
          bids: data.bids as unknown as Level[],
          asks: data.asks as unknown as Level[],
        },
      );
    }
    const isSnapshot = data.type === "snapshot";
    if (isSnapshot) this.broken.delete(index);
    else if (data.prev_change_id !== this.#changes[index] && !this.broken.has(index))
      this.gap(index, timeNs, receivedNs, writer);
    this.#changes[index] = data.change_id;
    const first = writer.batch.count;
    if (isSnapshot) this.clear(writer, index, timeNs, receivedNs);
    else this.begin(writer, EventKind.level, index, timeNs, receivedNs);
    for (const [levels, side] of [
      [data.bids, 1],
      [data.asks, -1],
    ] as const) {
      for (const [action, price, amount] of levels) {
        const lots = action === "delete" ? 0 : this.context.lots(index, amount);
        this.level(writer, side, this.context.ticks(index, price), lots);
      }
    }
    writer.close(first);
  }

  #trades(trades: readonly TradeData[], receivedNs: number, writer: EventWriter): void {
    for (const [at, trade] of trades.entries()) {
      const index = this.context.index(trade.instrument_name);
      if (index === -1) {
        this.skippedCount++;
        continue;
      }
      this.begin(writer, EventKind.trade, index, this.context.timeNs(trade.timestamp), receivedNs);
      const { event } = writer;
      event.side = trade.direction === "buy" ? 1 : trade.direction === "sell" ? -1 : 0;
      event.price = this.context.tradeTicks(index, trade.price);
      event.size = this.context.lots(index, trade.amount);
      const next = trades[at + 1];
      const isOneChange = next?.instrument_name === trade.instrument_name && next.timestamp === trade.timestamp;
      event.flags =
        (isOneChange ? 0 : EventFlag.last) |
        (trade.liquidation === undefined || trade.liquidation === "none" ? 0 : EventFlag.liquidation) |
        (trade.block_trade_id === undefined ? 0 : EventFlag.hidden);
      writer.write();
    }
  }

  #ticker(data: TickerData, index: number, receivedNs: number, writer: EventWriter): void {
    const first = writer.batch.count;
    this.begin(writer, EventKind.value, index, this.context.timeNs(data.timestamp), receivedNs);
    this.value(writer, ValueField.markPrice, data["mark_price"]);
    this.value(writer, ValueField.indexPrice, data["index_price"]);
    this.value(writer, ValueField.underlyingPrice, data["underlying_price"]);
    this.value(writer, ValueField.openInterest, data["open_interest"]);
    this.value(writer, ValueField.funding, data["funding_8h"]);
    this.value(writer, ValueField.markVolatility, data["mark_iv"], percent);
    this.value(writer, ValueField.bidVolatility, data["bid_iv"], percent);
    this.value(writer, ValueField.askVolatility, data["ask_iv"], percent);
    this.value(writer, ValueField.settlementPrice, data["settlement_price"]);
    this.value(writer, ValueField.rate, data["interest_rate"]);
    for (const name of ["delta", "gamma", "vega", "theta"] as const)
      this.value(writer, ValueField[name], data.greeks?.[name]);
    writer.close(first);
  }

  #quote(data: TickerData, index: number, receivedNs: number, writer: EventWriter): void {
    if (this.context.survey.instrument(data.instrument_name).hasBook) {
      this.skippedCount++;
      return;
    }
    const side = (name: string): Level[] =>
      Number(data[`best_${name}_amount`]) > 0 ? [[data[`best_${name}_price`], data[`best_${name}_amount`]]] : [];
    const times = { timeNs: this.context.timeNs(data.timestamp), receivedNs };
    this.image(writer, index, times, { bids: side("bid"), asks: side("ask") });
  }
}
