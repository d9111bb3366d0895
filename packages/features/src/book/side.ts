/**
 * One side of a book: the populated levels as columns, sorted so that the best is last. Most changes happen near the best, so
 * looking from the end finds a level in a few steps and inserting moves few of them; features read the first ten levels as neighbours in memory.
 *
 * PERF: set O(distance from the best) within `nearLevels`, beyond that O(log n) to find and O(n) to insert; no allocation but for growth.
 */

import type { StateReader, StateWriter } from "../state.ts";

const nearLevels = 16;

export class BookSide {
  /** 1: bids (ascending prices); -1: asks (descending prices). */
  readonly sign: 1 | -1;
  /** Populated levels; the best is at `count - 1`. */
  count = 0;
  /** The least distance from the best (0) of what changed since the owner last set it back to Infinity. */
  shallowestChange = Infinity;
  /** Ticks. */
  price: Float64Array;
  /** Lots. */
  size: Float64Array;
  /** Orders at the level; 0 where the venue does not tell. */
  orders: Float64Array;
  /** First and last order of the level's queue as slots of the order table; -1 without L3. */
  head: Int32Array;
  tail: Int32Array;

  constructor(sign: 1 | -1, capacity = 256) {
    this.sign = sign;
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.orders = new Float64Array(capacity);
    this.head = new Int32Array(capacity);
    this.tail = new Int32Array(capacity);
  }

  /** Where the level of `price` is, or, if there is none, `-1 - place` where it would be inserted. */
  find(price: number): number {
    const { price: prices, sign } = this;
    const wanted = sign * price;
    const near = this.count - nearLevels;
    for (let at = this.count - 1; at >= 0 && at >= near; at--) {
      const here = sign * (prices[at] as number);
      if (here === wanted) return at;
      if (here < wanted) return -2 - at;
    }
    return near <= 0 ? -1 : this.#search(wanted, near);
  }

  #search(wanted: number, end: number): number {
    let low = 0;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sign * (this.price[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low < end && this.price[low] === this.sign * wanted ? low : -1 - low;
  }

  /** Makes an empty level at `place` (from `find`) and returns the place. */
  insert(place: number, price: number): number {
    if (this.count === this.price.length) this.#grow();
    const { price: prices, size, orders, head, tail } = this;
    for (let at = this.count; at > place; at--) {
      prices[at] = prices[at - 1] as number;
      size[at] = size[at - 1] as number;
      orders[at] = orders[at - 1] as number;
      head[at] = head[at - 1] as number;
      tail[at] = tail[at - 1] as number;
    }
    prices[place] = price;
    size[place] = 0;
    orders[place] = 0;
    head[place] = -1;
    tail[place] = -1;
    this.count++;
    this.touch(place);
    return place;
  }

  /** Notes that the level at `place` changed. */
  touch(place: number): void {
    const depth = this.count - 1 - place;
    if (depth < this.shallowestChange) this.shallowestChange = depth;
  }

  remove(place: number): void {
    this.touch(place);
    const { price: prices, size, orders, head, tail } = this;
    const last = --this.count;
    for (let at = place; at < last; at++) {
      prices[at] = prices[at + 1] as number;
      size[at] = size[at + 1] as number;
      orders[at] = orders[at + 1] as number;
      head[at] = head[at + 1] as number;
      tail[at] = tail[at + 1] as number;
    }
  }

  clear(): void {
    this.count = 0;
    this.shallowestChange = 0;
  }

  /** The best price in ticks; NaN when the side is empty. */
  get bestPrice(): number {
    return this.count === 0 ? NaN : (this.price[this.count - 1] as number);
  }

  /** Lots at the best price; 0 when the side is empty. */
  get bestSize(): number {
    return this.count === 0 ? 0 : (this.size[this.count - 1] as number);
  }

  save(writer: StateWriter): void {
    writer.numbers(this.price, this.count);
    writer.numbers(this.size, this.count);
    writer.numbers(this.orders, this.count);
    writer.integers(this.head, this.count);
    writer.integers(this.tail, this.count);
    writer.number(this.shallowestChange);
  }

  load(reader: StateReader): void {
    const price = reader.numbers();
    this.count = price.length;
    while (this.price.length < this.count) this.#grow();
    this.price.set(price);
    this.size.set(reader.numbers());
    this.orders.set(reader.numbers());
    this.head.set(reader.integers());
    this.tail.set(reader.integers());
    this.shallowestChange = reader.number();
  }

  #grow(): void {
    const capacity = this.price.length * 2;
    const grown = <Column extends Float64Array | Int32Array>(column: Column, wider: Column): Column => {
      wider.set(column);
      return wider;
    };
    this.price = grown(this.price, new Float64Array(capacity));
    this.size = grown(this.size, new Float64Array(capacity));
    this.orders = grown(this.orders, new Float64Array(capacity));
    this.head = grown(this.head, new Int32Array(capacity));
    this.tail = grown(this.tail, new Int32Array(capacity));
  }
}
