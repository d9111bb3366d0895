/**
 * One instrument as operators see it: its book, the first levels of it copied out after every atomic change (now and before), the
 * last trade and the numbers that the venue tells. What is read here is settled: never the middle of an atomic change.
 */
import { Book } from "./book/book.ts";
import type { BookSide } from "./book/side.ts";
import { EventFlag, ValueField, type MarketEvent } from "./event.ts";
import type { Instrument } from "./instrument.ts";
import type { Saveable, StateReader, StateWriter } from "./state.ts";

/** The first levels of a book, best first. Prices in ticks, NaN where there is no level; sizes in lots, 0 there. */
export interface Levels {
  readonly bidPrice: Float64Array;
  readonly bidSize: Float64Array;
  readonly askPrice: Float64Array;
  readonly askSize: Float64Array;
}

export function makeLevels(count: number): Levels {
  return {
    bidPrice: new Float64Array(count).fill(NaN),
    bidSize: new Float64Array(count),
    askPrice: new Float64Array(count).fill(NaN),
    askSize: new Float64Array(count),
  };
}

/** When a book counts as usable: `strict` not between a gap and the next snapshot, `lenient` also then. */
export type GapPolicy = "strict" | "lenient";

const valuesCount = Math.max(...Object.values(ValueField)) + 1;

export class Market implements Saveable {
  readonly instrument: Instrument;
  readonly index: number;
  readonly book = new Book();
  /** How many levels `levels` holds. */
  readonly depth: number;
  /** The book after the last atomic change, and after the one before it. Their columns change places with every change: read them anew each time. */
  readonly levels: Levels;
  readonly before: Levels;
  readonly #bids: TwoReadings;
  readonly #asks: TwoReadings;
  /** The book can be believed: two-sided, not crossed, no gap under a strict policy. Features are null otherwise. */
  usable = false;
  /** It could be believed after the change before. */
  usableBefore = false;
  /** The shallowest level that the last atomic change touched, 0 the best; Infinity for none within `depth`. */
  touchedDepth = Infinity;
  /** Grow whenever `levels`, or one side of them, changed: whoever keeps what it computed from them alone compares them. */
  levelsVersion = 0;
  bidsVersion = 0;
  asksVersion = 0;
  /** When the book last changed; NaN before it ever did. */
  bookTimeNs = NaN;
  /** Last trade: ticks, lots, side of the aggressor, time; NaN before the first. */
  tradePrice = NaN;
  tradeSize = NaN;
  tradeSide = 0;
  tradeTimeNs = NaN;
  /** By `ValueField`; NaN where it was never told. */
  readonly values = new Float64Array(valuesCount).fill(NaN);
  /** A change is under way, or done and not yet settled. */
  unsettled = false;
  readonly #policy: GapPolicy;

  constructor(
    instrument: Instrument,
    settings: { readonly index: number; readonly depth: number; readonly policy: GapPolicy },
  ) {
    this.instrument = instrument;
    this.index = settings.index;
    this.depth = settings.depth;
    this.#policy = settings.policy;
    this.#bids = makeReadings(settings.depth);
    this.#asks = makeReadings(settings.depth);
    const [bids, asks] = [this.#bids, this.#asks];
    this.levels = { bidPrice: bids.price, bidSize: bids.size, askPrice: asks.price, askSize: asks.size };
    this.before = {
      bidPrice: bids.otherPrice,
      bidSize: bids.otherSize,
      askPrice: asks.otherPrice,
      askSize: asks.otherSize,
    };
  }

  get bidPrice(): number {
    return this.levels.bidPrice[0] as number;
  }
  get bidSize(): number {
    return this.levels.bidSize[0] as number;
  }
  get askPrice(): number {
    return this.levels.askPrice[0] as number;
  }
  get askSize(): number {
    return this.levels.askSize[0] as number;
  }
  /** The middle of best bid and ask in ticks (a multiple of one half); NaN unless the book is usable. */
  get mid(): number {
    return this.usable ? ((this.levels.bidPrice[0] as number) + (this.levels.askPrice[0] as number)) / 2 : NaN;
  }
  get midBefore(): number {
    return this.usableBefore ? ((this.before.bidPrice[0] as number) + (this.before.askPrice[0] as number)) / 2 : NaN;
  }

  /**
   * `book` can be read, all of it: it is usable, and not in the middle of an atomic change, into which a row of a time clock falls where
   * the events of one change have different times. `levels` are then still those of before.
   */
  get isWhole(): boolean {
    return this.usable && !this.unsettled;
  }

  noteTrade(event: MarketEvent): void {
    if ((event.flags & EventFlag.hidden) !== 0) return;
    this.tradePrice = event.price;
    this.tradeSize = event.size;
    this.tradeSide = event.side;
    this.tradeTimeNs = event.timeNs;
  }

  /** The atomic change is over: the first levels of the sides that it touched are read out. */
  settle(timeNs: number): void {
    const { book, depth } = this;
    const { bids, asks } = book;
    const levels: Mutable<Levels> = this.levels;
    const before: Mutable<Levels> = this.before;
    const bidsTouched = bids.shallowestChange;
    const asksTouched = asks.shallowestChange;
    before.bidPrice = levels.bidPrice;
    before.bidSize = levels.bidSize;
    before.askPrice = levels.askPrice;
    before.askSize = levels.askSize;
    if (bidsTouched < depth) {
      const { price, size, otherPrice, otherSize } = this.#bids;
      const turned = levels.bidPrice === price;
      levels.bidPrice = turned ? otherPrice : price;
      levels.bidSize = turned ? otherSize : size;
      readOut(bids, levels.bidPrice, levels.bidSize, depth);
      this.bidsVersion++;
    }
    if (asksTouched < depth) {
      const { price, size, otherPrice, otherSize } = this.#asks;
      const turned = levels.askPrice === price;
      levels.askPrice = turned ? otherPrice : price;
      levels.askSize = turned ? otherSize : size;
      readOut(asks, levels.askPrice, levels.askSize, depth);
      this.asksVersion++;
    }
    this.levelsVersion = this.bidsVersion + this.asksVersion;
    const touched = bidsTouched < asksTouched ? bidsTouched : asksTouched;
    this.touchedDepth = touched < depth ? touched : Infinity;
    bids.shallowestChange = Infinity;
    asks.shallowestChange = Infinity;
    this.usableBefore = this.usable;
    this.usable = book.isSound && (this.#policy === "lenient" || !book.gap);
    this.bookTimeNs = timeNs;
    this.unsettled = false;
  }

  save(writer: StateWriter): void {
    this.book.save(writer);
    for (const { bidPrice, bidSize, askPrice, askSize } of [this.levels, this.before]) {
      for (const column of [bidPrice, bidSize, askPrice, askSize]) writer.numbers(column);
    }
    writer.numbers(this.values);
    for (const flag of [this.usable, this.usableBefore, this.unsettled]) writer.number(flag ? 1 : 0);
    for (const value of [this.touchedDepth, this.bookTimeNs, this.tradePrice, this.tradeSize, this.tradeSide])
      writer.number(value);
    writer.number(this.tradeTimeNs);
    writer.number(this.bidsVersion);
    writer.number(this.asksVersion);
  }

  load(reader: StateReader): void {
    this.book.load(reader);
    const { levels, before } = this as { levels: Mutable<Levels>; before: Mutable<Levels> };
    [levels.bidPrice, levels.bidSize] = [this.#bids.price, this.#bids.size];
    [levels.askPrice, levels.askSize] = [this.#asks.price, this.#asks.size];
    [before.bidPrice, before.bidSize] = [this.#bids.otherPrice, this.#bids.otherSize];
    [before.askPrice, before.askSize] = [this.#asks.otherPrice, this.#asks.otherSize];
    for (const { bidPrice, bidSize, askPrice, askSize } of [levels, before]) {
      for (const column of [bidPrice, bidSize, askPrice, askSize]) column.set(reader.numbers());
    }
    this.values.set(reader.numbers());
    this.usable = reader.number() !== 0;
    this.usableBefore = reader.number() !== 0;
    this.unsettled = reader.number() !== 0;
    this.touchedDepth = reader.number();
    this.bookTimeNs = reader.number();
    this.tradePrice = reader.number();
    this.tradeSize = reader.number();
    this.tradeSide = reader.number();
    this.tradeTimeNs = reader.number();
    this.bidsVersion = reader.number();
    this.asksVersion = reader.number();
    this.levelsVersion = this.bidsVersion + this.asksVersion;
  }
}

type Mutable<Kept> = { -readonly [Field in keyof Kept]: Kept[Field] };

/** Room for two readings of a side: the last one and the one before it. */
interface TwoReadings {
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly otherPrice: Float64Array;
  readonly otherSize: Float64Array;
}

function makeReadings(depth: number): TwoReadings {
  return {
    price: new Float64Array(depth).fill(NaN),
    size: new Float64Array(depth),
    otherPrice: new Float64Array(depth).fill(NaN),
    otherSize: new Float64Array(depth),
  };
}

function readOut(side: BookSide, price: Float64Array, size: Float64Array, depth: number): void {
  const { count, price: prices, size: sizes } = side;
  const present = count < depth ? count : depth;
  for (let level = 0, at = count - 1; level < present; level++, at--) {
    price[level] = prices[at] as number;
    size[level] = sizes[at] as number;
  }
  for (let level = present; level < depth; level++) {
    price[level] = NaN;
    size[level] = 0;
  }
}
