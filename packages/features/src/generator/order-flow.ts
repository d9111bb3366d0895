/**
 * A market by order that looks like a real one, from a seed and a few parameters: arrivals excite one another (Hawkes, exponential
 * kernels, simulated by Ogata's thinning, IEEE Trans. Information Theory 27, 1981), cancels come in proportion to the orders that rest near
 * the touch and market orders prefer the shorter queue (Huang, Lehalle and Rosenbaum, "Simulating and analyzing order book data: the
 * queue-reactive model", J. American Statistical Association 110, 2015). Prices move because queues run empty. It knows no news, no
 * day, and no other market: use it for examples, tests and speed, not to find alpha.
 */
import { exp, log } from "@stoa/base/exact";
import { createPrng, type Prng } from "@stoa/base/prng";
import { Book } from "../book/book.ts";
import type { BookSide } from "../book/side.ts";
import {
  appendEvent,
  batchCapacity,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  type EventBatch,
  type MarketEvent,
  type Side,
} from "../event.ts";
import { FeatureRefusal } from "../refusal.ts";
import { arrivalKinds, type ArrivalKind, type FlowParameters, type SizeLaw } from "./flow-parameters.ts";

export interface OrderFlowSettings {
  readonly seed: number | string;
  readonly parameters: FlowParameters;
  /** Where the market opens: nanoseconds since the origin of the stream. */
  readonly startNs?: number;
  /** Index of the instrument in its events. */
  readonly instrument?: number;
}

/** A market order fills at most so many resting orders, so that one atomic change fits any batch. */
const fillsMax = 16;
/** Share of limit orders that fill up the far end of a side that has become short. */
const farShare = 0.1;
/** Room that a batch must have left for one more atomic change: a trade and an execution per fill. */
const roomMin = 2 * fillsMax + 2;

/** A generated market: fills batches with what happens next, for ever. */
export class OrderFlow {
  readonly book = new Book();
  readonly #parameters: FlowParameters;
  readonly #prng: Prng;
  readonly #event: MarketEvent = blankEvent();
  /** Rate that earlier arrivals still add, by kind and side, as of `#seconds`. */
  readonly #excited = new Float64Array(2 * arrivalKinds.length);
  readonly #rates = new Float64Array(2 * arrivalKinds.length);
  readonly #startNs: number;
  readonly #ordersMax: number;
  #seconds = 0;
  #nextId = 1;
  /** Levels of the opening book that are still to be told; both sides. */
  #openingLeft: number;
  #batch: EventBatch = makeEventBatch(0);

  constructor({ seed, parameters, startNs = 0, instrument = 0 }: OrderFlowSettings) {
    this.#parameters = parameters;
    this.#prng = createPrng(seed).stream("order-flow");
    this.#startNs = startNs;
    this.#event.instrument = instrument;
    this.#openingLeft = parameters.openingLevels;
    this.#ordersMax = ordersCountMax(parameters);
  }

  /** Fills the batch from its beginning, never with half an atomic change. */
  fill(batch: EventBatch): void {
    if (batchCapacity(batch) < 2 * roomMin) {
      throw new FeatureRefusal({
        argument: "fill.batch",
        value: batchCapacity(batch),
        wanted: `a batch of at least ${2 * roomMin} events`,
      });
    }
    batch.count = 0;
    this.#batch = batch;
    const last = batchCapacity(batch) - roomMin;
    while (batch.count <= last) {
      if (this.#openingLeft > 0) this.#openLevel();
      else this.#arrive();
    }
  }

  /** Batches without end, or until `eventsCount` are told: the batch is reused. */
  *batches(eventsCount = Infinity, capacity = 8_192): Generator<EventBatch, void> {
    const batch = makeEventBatch(capacity);
    for (let told = 0; told < eventsCount; told += batch.count) {
      this.fill(batch);
      yield batch;
    }
  }

  /** One level of each side of the opening book, as a snapshot. */
  #openLevel(): void {
    const { openingPrice, openingGapTicks, openingLevels, queueOrders } = this.#parameters;
    const level = openingLevels - this.#openingLeft;
    const near = queueOrders.length;
    if (level === 0) this.#tell(EventKind.clear, { side: 0, price: 0, size: 0, id: 0, flags: EventFlag.snapshot });
    const away = level < near ? level : near + Math.round((level - near) * openingGapTicks);
    const orders = level < near ? Math.max(1, Math.round(queueOrders[level] as number)) : 1;
    this.#openingLeft--;
    for (let count = Math.min(orders, fillsMax - 1); count > 0; count--) {
      this.#openOrder(1, openingPrice - 1 - away, 0);
      this.#openOrder(-1, openingPrice + away, this.#openingLeft === 0 && count === 1 ? EventFlag.last : 0);
    }
  }

  #openOrder(side: Side, price: number, flag: number): void {
    const size = this.#draw(this.#parameters.limitSize);
    this.#tell(EventKind.add, { side, price, size, id: this.#nextId++, flags: EventFlag.snapshot | flag });
  }

  /** Waits for the next arrival and does it. */
  #arrive(): void {
    const { decay } = this.#parameters;
    const total = this.#computeRates();
    const waited = -log(1 - this.#prng.nextFloat()) / total;
    const faded = exp(-decay * waited);
    let excited = 0;
    for (let index = 0; index < this.#excited.length; index++) {
      excited += this.#excited[index] as number;
      this.#excited[index] = (this.#excited[index] as number) * faded;
    }
    this.#seconds += waited;
    // Thinning: the rate has faded since `total` was added up, so that some candidates are not arrivals.
    let chosen = this.#prng.nextFloat() * total;
    if (chosen >= total - excited * (1 - faded)) return;
    for (let index = 0; index < this.#rates.length; index++) {
      const fresh = (this.#rates[index] as number) + (this.#excited[index] as number);
      if (chosen < fresh) return this.#act(index);
      chosen -= fresh;
    }
  }

  /** Base rates by kind and side; returns the sum with all that is excited. */
  #computeRates(): number {
    const { baseline, reaction, nearTicks } = this.#parameters;
    const { bids, asks } = this.book;
    const imbalance = (bids.bestSize - asks.bestSize) / (bids.bestSize + asks.bestSize);
    const tilt = exp(reaction * imbalance);
    const rates = this.#rates;
    rates[0] = baseline.limit;
    rates[1] = baseline.limit;
    rates[2] = baseline.cancel * near(bids, nearTicks);
    rates[3] = baseline.cancel * near(asks, nearTicks);
    // A buyer takes from the asks, and hurries when few are left there.
    rates[4] = baseline.market * tilt;
    rates[5] = baseline.market / tilt;
    let total = 0;
    for (let index = 0; index < rates.length; index++)
      total += (rates[index] as number) + (this.#excited[index] as number);
    return total;
  }

  #act(index: number): void {
    const kind = arrivalKinds[index >> 1] as ArrivalKind;
    const side: 1 | -1 = (index & 1) === 0 ? 1 : -1;
    const { decay, excitedSame, excitedOpposite } = this.#parameters;
    for (let row = 0; row < arrivalKinds.length; row++) {
      const excited = arrivalKinds[row] as ArrivalKind;
      const same = 2 * row + (index & 1);
      const opposite = 2 * row + 1 - (index & 1);
      this.#excited[same] = (this.#excited[same] as number) + decay * excitedSame[excited][kind];
      this.#excited[opposite] = (this.#excited[opposite] as number) + decay * excitedOpposite[excited][kind];
    }
    const own = this.book.side(side);
    const other = this.book.side(-side);
    if (kind === "market" && other.count > 4) this.#take(side, other);
    else if (kind === "cancel" && own.count > 4) this.#withdraw(side, own);
    else this.#place(side, own);
  }

  /** A limit order; when too many rest, one far away goes, and when levels are fewer than at the opening, now and then one comes behind the last. */
  #place(side: 1 | -1, own: BookSide): void {
    if (this.book.orders.count >= this.#ordersMax) this.#expire();
    const { openingLevels, openingGapTicks } = this.#parameters;
    const price =
      own.count < openingLevels && this.#prng.nextFloat() < farShare
        ? (own.price[0] as number) - side * Math.ceil(openingGapTicks)
        : this.#limitPrice(side, own);
    this.#tell(EventKind.add, {
      side,
      price,
      size: this.#draw(this.#parameters.limitSize),
      id: this.#nextId++,
      flags: EventFlag.last,
    });
  }

  /** Takes away one of the orders that rest far from the touch: any, so that far levels thin out evenly. */
  #expire(): void {
    const { orders } = this.book;
    const start = this.#prng.below(orders.id.length);
    for (let step = 0; step < orders.id.length; step++) {
      const slot = (start + step) & (orders.id.length - 1);
      const id = orders.id[slot] as number;
      const side = orders.side[slot] as 1 | -1;
      const price = orders.price[slot] as number;
      if (
        orders.find(id) !== slot ||
        side * (this.book.side(side).bestPrice - price) < this.#parameters.queueOrders.length
      )
        continue;
      this.#tell(EventKind.cancel, { side, price, size: orders.size[slot] as number, id, flags: EventFlag.last });
      return;
    }
  }

  #limitPrice(side: 1 | -1, own: BookSide): number {
    const { improve, placement, placementTailMean } = this.#parameters;
    const spread = this.book.asks.bestPrice - this.book.bids.bestPrice;
    if (spread > 1 && this.#prng.nextFloat() < improve) return own.bestPrice + side;
    const { queueOrders } = this.#parameters;
    let away = this.#distance(placement, placementTailMean);
    for (; away < queueOrders.length; away++) {
      const length = ordersAt(own, own.bestPrice - side * away);
      if (this.#prng.nextFloat() * length < (queueOrders[away] as number)) break;
    }
    return own.bestPrice - side * away;
  }

  /** The level whose order is cancelled. */
  #cancelPlace(side: 1 | -1, own: BookSide): number {
    const { cancellation, cancellationTailMean, queueOrders } = this.#parameters;
    let away = this.#distance(cancellation, cancellationTailMean);
    for (; away < queueOrders.length; away++) {
      const length = ordersAt(own, own.bestPrice - side * away);
      if (this.#prng.nextFloat() * (queueOrders[away] as number) < length) break;
    }
    const found = own.find(own.bestPrice - side * away);
    return found >= 0 ? found : Math.max(0, -2 - found);
  }

  /** A cancel, whole or partial, or a change of price or size. */
  #withdraw(side: 1 | -1, own: BookSide): void {
    const { partial, modify } = this.#parameters;
    const { orders } = this.book;
    const place = this.#cancelPlace(side, own);
    let slot = own.tail[place] as number;
    for (let back = this.#prng.below(8); back > 0 && orders.previous[slot] !== -1; back--)
      slot = orders.previous[slot] as number;
    const id = orders.id[slot] as number;
    const size = orders.size[slot] as number;
    const price = orders.price[slot] as number;
    const choice = this.#prng.nextFloat();
    if (choice < modify) {
      this.#change({ side, price, size, id }, own);
    } else if (choice < modify + partial && size > 1) {
      this.#tell(EventKind.cancel, {
        side,
        price,
        size: 1 + this.#prng.below(Math.min(size - 1, 1_000_000)),
        id,
        flags: EventFlag.last,
      });
    } else this.#tell(EventKind.cancel, { side, price, size, id, flags: EventFlag.last });
  }

  /** A change: of two, one to another size, the other a tick or two towards the touch or away from it. */
  #change({ side, price, size, id }: Pick<MarketEvent, "side" | "price" | "size" | "id">, own: BookSide): void {
    const step = 1 + this.#prng.below(2);
    const towards = (side * (own.bestPrice - price) >= step ? 1 : 0) * (this.#prng.nextFloat() < 0.5 ? 1 : -1) || -1;
    if (this.#prng.nextFloat() < 0.5)
      this.#tell(EventKind.modify, {
        side,
        price,
        size: this.#draw(this.#parameters.limitSize),
        id,
        flags: EventFlag.last,
      });
    else this.#tell(EventKind.modify, { side, price: price + side * towards * step, size, id, flags: EventFlag.last });
  }

  /** A market order of `side`: takes the oldest orders of the best levels of the other side. */
  #take(side: 1 | -1, other: BookSide): void {
    const { orders } = this.book;
    let left = this.#draw(this.#parameters.marketSize);
    for (let fills = 0; left > 0 && fills < fillsMax && other.count > 4; fills++) {
      const slot = other.head[other.count - 1] as number;
      const [id, price, resting] = [orders.id[slot] as number, other.bestPrice, orders.size[slot] as number];
      const size = left < resting ? left : resting;
      left -= size;
      const isLast =
        left === 0 || fills === fillsMax - 1 || (other.count === 5 && other.orders[4] === 1 && size === resting);
      this.#tell(EventKind.trade, { side, price, size, id, flags: 0 });
      this.#tell(EventKind.execute, { side: -side as Side, price, size, id, flags: isLast ? EventFlag.last : 0 });
    }
  }

  #distance(table: readonly number[], tailMean: number): number {
    let draw = this.#prng.nextFloat();
    for (let ticks = 0; ticks < table.length; ticks++) {
      draw -= table[ticks] as number;
      if (draw < 0) return ticks;
    }
    return table.length + this.#geometric(tailMean);
  }

  #draw({ sizes, weights, tailMean }: SizeLaw): number {
    let draw = this.#prng.nextFloat();
    for (let index = 0; index < sizes.length; index++) {
      draw -= weights[index] as number;
      if (draw < 0) return sizes[index] as number;
    }
    return (sizes[sizes.length - 1] as number) + 1 + this.#geometric(tailMean);
  }

  /** An integer of at least 0 with the given mean. */
  #geometric(mean: number): number {
    return mean <= 0 ? 0 : Math.floor(log(1 - this.#prng.nextFloat()) / log(mean / (1 + mean)));
  }

  #tell(
    kind: EventKind,
    { side, price, size, id, flags }: Pick<MarketEvent, "side" | "price" | "size" | "id" | "flags">,
  ): void {
    const event = this.#event;
    event.kind = kind;
    event.flags = flags;
    event.side = side;
    event.price = price;
    event.size = size;
    event.id = id;
    event.timeNs = this.#startNs + Math.round(this.#seconds * 1e9);
    event.receivedNs = NaN;
    this.book.apply(event);
    appendEvent(this.#batch, event);
  }
}

/** More orders than this never rest. */
export function ordersCountMax({ queueOrders, openingLevels }: FlowParameters): number {
  return 4 * Math.ceil(2 * queueOrders.reduce((sum, orders) => sum + orders, 0) + 2 * openingLevels);
}

function ordersAt(side: BookSide, price: number): number {
  const place = side.find(price);
  return place < 0 ? 0 : (side.orders[place] as number);
}

/** Orders within `ticks` of the best. PERF: O(levels there). */
function near(side: BookSide, ticks: number): number {
  const { count, price, orders, sign } = side;
  const end = sign * (price[count - 1] as number) - ticks;
  let found = 0;
  for (let at = count - 1; at >= 0 && sign * (price[at] as number) >= end; at--) found += orders[at] as number;
  return found;
}
