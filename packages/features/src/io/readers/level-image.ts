/**
 * The first levels of a book as a venue prints them whole after every change (quotes, ten levels): what differs from the image before
 * becomes `level` events, so that the book that takes them is the image. A level that was pushed out of sight is removed.
 */
import { EventKind, type EventBatch } from "../../event.ts";

class SideImage {
  price: Float64Array = new Float64Array(16);
  size: Float64Array = new Float64Array(16);
  orders: Float64Array = new Float64Array(16);
  count = 0;

  put(price: number, size: number, orders: number): void {
    if (this.count === this.price.length) this.#grow();
    this.price[this.count] = price;
    this.size[this.count] = size;
    this.orders[this.count++] = orders;
  }

  find(price: number): number {
    for (let at = 0; at < this.count; at++) if (this.price[at] === price) return at;
    return -1;
  }

  #grow(): void {
    for (const name of ["price", "size", "orders"] as const) {
      const wider = new Float64Array(2 * this.count);
      wider.set(this[name]);
      this[name] = wider;
    }
  }
}

/** The image of one instrument. `begin`, its levels in any order, `end`. */
export class LevelImage {
  readonly #instrument: number;
  #bids = new SideImage();
  #asks = new SideImage();
  #newBids = new SideImage();
  #newAsks = new SideImage();

  constructor(instrument: number) {
    this.#instrument = instrument;
  }

  begin(): void {
    this.#newBids.count = 0;
    this.#newAsks.count = 0;
  }

  /** Prices in ticks, sizes in lots; a size of 0 is no level. */
  bid(price: number, size: number, orders = 0): void {
    if (size > 0) this.#newBids.put(price, size, orders);
  }

  ask(price: number, size: number, orders = 0): void {
    if (size > 0) this.#newAsks.put(price, size, orders);
  }

  /** Most events that `end` may write. */
  get eventsMax(): number {
    return this.#bids.count + this.#asks.count + this.#newBids.count + this.#newAsks.count;
  }

  /** Writes the differences; times and flags are the caller's. The batch has room for `eventsMax`. */
  end(batch: EventBatch): void {
    this.#difference(this.#bids, this.#newBids, 1, batch);
    this.#difference(this.#asks, this.#newAsks, -1, batch);
    [this.#bids, this.#newBids] = [this.#newBids, this.#bids];
    [this.#asks, this.#newAsks] = [this.#newAsks, this.#asks];
  }

  /** The book was cleared. */
  forget(): void {
    this.#bids.count = 0;
    this.#asks.count = 0;
  }

  #difference(before: SideImage, after: SideImage, side: 1 | -1, batch: EventBatch): void {
    for (let at = 0; at < before.count; at++) {
      const price = before.price[at] as number;
      if (after.find(price) === -1) this.#write(batch, side, price, 0, 0);
    }
    for (let at = 0; at < after.count; at++) {
      const price = after.price[at] as number;
      const known = before.find(price);
      const size = after.size[at] as number;
      const orders = after.orders[at] as number;
      if (known === -1 || before.size[known] !== size || before.orders[known] !== orders)
        this.#write(batch, side, price, size, orders);
    }
  }

  #write(batch: EventBatch, side: 1 | -1, price: number, size: number, orders: number): void {
    const row = batch.count++;
    batch.kind[row] = EventKind.level;
    batch.flags[row] = 0;
    batch.instrument[row] = this.#instrument;
    batch.side[row] = side;
    batch.price[row] = price;
    batch.size[row] = size;
    batch.id[row] = orders;
  }
}
