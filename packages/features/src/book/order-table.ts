/**
 * The orders of an L3 book as columns, found by id with an open hash table. An order has a slot for as long as it lives; slots of
 * dead orders are used again. The queue of a level is a doubly linked list of slots, oldest first.
 *
 * PERF: about one probe per look-up at half load; no allocation but for growth.
 */
import { assert } from "@stoa/base/assert";
import type { StateReader, StateWriter } from "../state.ts";

export class OrderTable {
  count = 0;
  id: Float64Array;
  /** Ticks. */
  price: Float64Array;
  /** Lots. */
  size: Float64Array;
  side: Int8Array;
  /** When it came to its place in the queue, nanoseconds of the stream. */
  timeNs: Float64Array;
  /** When it was created. */
  createdNs: Float64Array;
  /** Neighbours in the level's queue; -1 at its ends. Of a free slot, `next` is the next free one. */
  next: Int32Array;
  previous: Int32Array;
  #free = -1;
  #used = 0;
  /** Slot of the order whose id hashes here or shortly before; -1 where there is none. */
  #index: Int32Array;
  #mask: number;

  constructor(capacity = 1024) {
    this.id = new Float64Array(capacity);
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.side = new Int8Array(capacity);
    this.timeNs = new Float64Array(capacity);
    this.createdNs = new Float64Array(capacity);
    this.next = new Int32Array(capacity);
    this.previous = new Int32Array(capacity);
    this.#index = new Int32Array(2 * capacity).fill(-1);
    this.#mask = 2 * capacity - 1;
    assert((capacity & (capacity - 1)) === 0, "the capacity of an order table is a power of two");
  }

  /** Slot of an order, or -1. */
  find(id: number): number {
    for (let at = hashOf(id) & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = this.#index[at] as number;
      if (slot === -1 || this.id[slot] === id) return slot;
    }
  }

  /** A slot for an id that is not there yet; the caller fills the other columns. */
  insert(id: number): number {
    if (this.count === this.id.length) this.#grow();
    let slot = this.#free;
    if (slot === -1) slot = this.#used++;
    else this.#free = this.next[slot] as number;
    this.id[slot] = id;
    this.#enter(slot);
    this.count++;
    return slot;
  }

  remove(slot: number): void {
    this.#leave(slot);
    this.id[slot] = NaN;
    this.next[slot] = this.#free;
    this.#free = slot;
    this.count--;
  }

  clear(): void {
    this.#index.fill(-1);
    this.count = 0;
    this.#used = 0;
    this.#free = -1;
  }

  save(writer: StateWriter): void {
    const used = this.#used;
    for (const column of [this.id, this.price, this.size, this.timeNs, this.createdNs]) writer.numbers(column, used);
    writer.integers(this.side, used);
    writer.integers(this.next, used);
    writer.integers(this.previous, used);
    writer.number(this.count);
    writer.number(this.#free);
  }

  load(reader: StateReader): void {
    const id = reader.numbers();
    while (this.id.length < id.length) this.#grow();
    this.clear();
    this.#used = id.length;
    this.id.set(id);
    for (const column of [this.price, this.size, this.timeNs, this.createdNs]) column.set(reader.numbers());
    for (const column of [this.side, this.next, this.previous]) column.set(reader.integers());
    this.count = reader.number();
    this.#free = reader.number();
    for (let slot = 0; slot < this.#used; slot++) if (this.id[slot] === this.id[slot]) this.#enter(slot);
  }

  #enter(slot: number): void {
    let at = hashOf(this.id[slot] as number) & this.#mask;
    while (this.#index[at] !== -1) at = (at + 1) & this.#mask;
    this.#index[at] = slot;
  }

  /** Takes a slot out of the hash table and moves those behind it up, so that no grave is left. */
  #leave(slot: number): void {
    const mask = this.#mask;
    const index = this.#index;
    let hole = hashOf(this.id[slot] as number) & mask;
    while (index[hole] !== slot) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; index[at] !== -1; at = (at + 1) & mask) {
      const home = hashOf(this.id[index[at] as number] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at] as number;
      hole = at;
    }
    index[hole] = -1;
  }

  #grow(): void {
    const capacity = this.id.length * 2;
    const wider = (column: Float64Array): Float64Array => {
      const grown = new Float64Array(capacity);
      grown.set(column);
      return grown;
    };
    const widerIntegers = (column: Int32Array): Int32Array => {
      const grown = new Int32Array(capacity);
      grown.set(column);
      return grown;
    };
    this.id = wider(this.id);
    this.price = wider(this.price);
    this.size = wider(this.size);
    this.timeNs = wider(this.timeNs);
    this.createdNs = wider(this.createdNs);
    this.next = widerIntegers(this.next);
    this.previous = widerIntegers(this.previous);
    const side = new Int8Array(capacity);
    side.set(this.side);
    this.side = side;
    this.#index = new Int32Array(2 * capacity).fill(-1);
    this.#mask = 2 * capacity - 1;
    for (let slot = 0; slot < this.#used; slot++) if (this.id[slot] === this.id[slot]) this.#enter(slot);
  }
}

/** Mixes both halves of the integer part of an id; ids that count upwards spread evenly. */
function hashOf(id: number): number {
  const high = Math.floor(id / 4_294_967_296);
  let mixed = Math.imul((id | 0) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
}
