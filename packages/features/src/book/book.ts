/**
 * A book from events, by level (L2) or by order (L3): integers of ticks and lots. It believes the venue: a crossed or one-sided
 * book is a state of the market and is kept as it is. What it cannot do (an unknown order is cancelled) it counts and leaves out.
 */
import { EventFlag, EventKind, type MarketEvent } from "../event.ts";
import type { Saveable, StateReader, StateWriter } from "../state.ts";
import { OrderTable } from "./order-table.ts";
import { BookSide } from "./side.ts";

/** What the last event changed, with what the event itself did not say. Reused; meaningful until the next event. */
export interface BookChange {
  side: 1 | -1 | 0;
  /** Ticks; of a modified order the new price. */
  price: number;
  /** Ticks where it was before; NaN for something new. */
  priceBefore: number;
  /** Lots of the order, or of the level (L2), before and after. */
  sizeBefore: number;
  sizeAfter: number;
  /** When the order was created; NaN at L2. */
  createdNs: number;
  /** False if the event names an order that nobody knows: nothing changed then. */
  known: boolean;
}

export class Book implements Saveable {
  readonly bids = new BookSide(1);
  readonly asks = new BookSide(-1);
  readonly orders = new OrderTable();
  readonly change: BookChange = {
    side: 0,
    price: 0,
    priceBefore: NaN,
    sizeBefore: 0,
    sizeAfter: 0,
    createdNs: NaN,
    known: true,
  };
  /** Something was missed, and no snapshot has come since. */
  gap = false;
  /** A snapshot is coming in. */
  #filling = false;
  /** Events that named an order which the book does not hold. */
  unknownOrdersCount = 0;

  /** Does what the event says; returns whether the event is about the book at all. */
  apply(event: MarketEvent): boolean {
    switch (event.kind) {
      case EventKind.level:
        this.#level(event);
        break;
      case EventKind.add:
        this.#add(event);
        break;
      case EventKind.modify:
        this.#modify(event);
        break;
      case EventKind.cancel:
      case EventKind.execute:
        this.#reduce(event);
        break;
      case EventKind.clear:
        this.clear();
        this.#filling = true;
        break;
      case EventKind.gap:
        this.gap = true;
        this.#filling = false;
        break;
      default:
        return false;
    }
    if (this.#filling && (event.flags & EventFlag.last) !== 0) {
      this.#filling = false;
      this.gap = false;
    }
    return true;
  }

  /** Whether both sides have a level and the best bid is below the best ask. */
  get isSound(): boolean {
    const { bids, asks } = this;
    return (
      bids.count > 0 &&
      asks.count > 0 &&
      (bids.price[bids.count - 1] as number) < (asks.price[asks.count - 1] as number)
    );
  }

  side(side: number): BookSide {
    return side > 0 ? this.bids : this.asks;
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
    this.orders.clear();
  }

  /** Lots before the order in its queue; -1 if there is no such order. PERF: O(orders before it). */
  lotsAhead(id: number): number {
    const { orders } = this;
    const slot = orders.find(id);
    if (slot === -1) return -1;
    let lots = 0;
    for (let at = orders.previous[slot] as number; at !== -1; at = orders.previous[at] as number) {
      lots += orders.size[at] as number;
    }
    return lots;
  }

  /** Everything but `change`, which lives no longer than an event. */
  save(writer: StateWriter): void {
    this.bids.save(writer);
    this.asks.save(writer);
    this.orders.save(writer);
    writer.number(this.gap ? 1 : 0);
    writer.number(this.#filling ? 1 : 0);
    writer.number(this.unknownOrdersCount);
  }

  load(reader: StateReader): void {
    this.bids.load(reader);
    this.asks.load(reader);
    this.orders.load(reader);
    this.gap = reader.number() !== 0;
    this.#filling = reader.number() !== 0;
    this.unknownOrdersCount = reader.number();
  }

  #level(event: MarketEvent): void {
    const side = this.side(event.side);
    const place = side.find(event.price);
    const sizeBefore = place < 0 ? 0 : (side.size[place] as number);
    this.#note(event.side as 1 | -1, event.price, sizeBefore, event.size > 0 ? event.size : 0);
    this.change.priceBefore = place < 0 ? NaN : event.price;
    this.change.createdNs = NaN;
    if (place >= 0 && event.size > 0) {
      side.touch(place);
      side.size[place] = event.size;
      side.orders[place] = event.id;
    } else if (place >= 0) side.remove(place);
    else if (event.size > 0) {
      const made = side.insert(-1 - place, event.price);
      side.size[made] = event.size;
      side.orders[made] = event.id;
    }
  }

  #add(event: MarketEvent): void {
    const known = this.orders.find(event.id);
    if (known !== -1) this.#takeOut(known);
    this.#note(event.side as 1 | -1, event.price, 0, event.size);
    this.change.priceBefore = NaN;
    this.change.createdNs = event.timeNs;
    if (event.size <= 0) return;
    const slot = this.orders.insert(event.id);
    this.orders.createdNs[slot] = event.timeNs;
    this.#putIn(slot, event);
  }

  #modify(event: MarketEvent): void {
    const { orders } = this;
    const slot = orders.find(event.id);
    if (slot === -1) return this.#unknown();
    const sizeBefore = orders.size[slot] as number;
    const priceBefore = orders.price[slot] as number;
    const side = orders.side[slot] as 1 | -1;
    const createdNs = orders.createdNs[slot] as number;
    this.#note(side, event.price, sizeBefore, event.size > 0 ? event.size : 0);
    this.change.priceBefore = priceBefore;
    this.change.createdNs = createdNs;
    if (event.size > 0 && event.price === priceBefore && event.size <= sizeBefore) {
      this.#shrink(slot, sizeBefore - event.size);
      return;
    }
    this.#takeOut(slot);
    if (event.size <= 0) return;
    const again = orders.insert(event.id);
    orders.createdNs[again] = createdNs;
    const given = event.side;
    event.side = side;
    this.#putIn(again, event);
    event.side = given;
  }

  #reduce(event: MarketEvent): void {
    const { orders } = this;
    const slot = orders.find(event.id);
    if (slot === -1) return this.#unknown();
    const sizeBefore = orders.size[slot] as number;
    const price = orders.price[slot] as number;
    const sizeAfter = event.size < sizeBefore ? sizeBefore - event.size : 0;
    this.#note(orders.side[slot] as 1 | -1, price, sizeBefore, sizeAfter);
    this.change.priceBefore = price;
    this.change.createdNs = orders.createdNs[slot] as number;
    if (sizeAfter > 0) this.#shrink(slot, sizeBefore - sizeAfter);
    else this.#takeOut(slot);
  }

  #note(side: 1 | -1, price: number, sizeBefore: number, sizeAfter: number): void {
    const { change } = this;
    change.side = side;
    change.price = price;
    change.sizeBefore = sizeBefore;
    change.sizeAfter = sizeAfter;
    change.known = true;
  }

  #unknown(): void {
    this.unknownOrdersCount++;
    this.#note(1, NaN, 0, 0);
    this.change.side = 0;
    this.change.priceBefore = NaN;
    this.change.createdNs = NaN;
    this.change.known = false;
  }

  /** Puts an order behind all others of its price. */
  #putIn(slot: number, event: MarketEvent): void {
    const { orders } = this;
    const side = this.side(event.side);
    let place = side.find(event.price);
    if (place < 0) place = side.insert(-1 - place, event.price);
    const tail = side.tail[place] as number;
    orders.price[slot] = event.price;
    orders.size[slot] = event.size;
    orders.side[slot] = event.side;
    orders.timeNs[slot] = event.timeNs;
    orders.previous[slot] = tail;
    orders.next[slot] = -1;
    if (tail === -1) side.head[place] = slot;
    else orders.next[tail] = slot;
    side.tail[place] = slot;
    side.touch(place);
    side.size[place] = (side.size[place] as number) + event.size;
    side.orders[place] = (side.orders[place] as number) + 1;
  }

  #shrink(slot: number, lots: number): void {
    if (lots === 0) return;
    const { orders } = this;
    const side = this.side(orders.side[slot] as number);
    const place = side.find(orders.price[slot] as number);
    side.touch(place);
    orders.size[slot] = (orders.size[slot] as number) - lots;
    side.size[place] = (side.size[place] as number) - lots;
  }

  #takeOut(slot: number): void {
    const { orders } = this;
    const side = this.side(orders.side[slot] as number);
    const place = side.find(orders.price[slot] as number);
    const previous = orders.previous[slot] as number;
    const next = orders.next[slot] as number;
    const left = (side.orders[place] as number) - 1;
    if (left === 0) side.remove(place);
    else {
      side.touch(place);
      side.orders[place] = left;
      side.size[place] = (side.size[place] as number) - (orders.size[slot] as number);
      if (previous === -1) side.head[place] = next;
      else orders.next[previous] = next;
      if (next === -1) side.tail[place] = previous;
      else orders.previous[next] = previous;
    }
    orders.remove(slot);
  }
}
