/**
 * Orders by the time at which they leave the book, earliest first: a binary heap in which every member knows its place, so
 * that an order that leaves early takes its entry with it and closed orders hold no memory. Ties go to the lower id.
 */
import { assert } from "@stoa/base/assert";

export interface Deadline {
  readonly id: number;
  readonly goodTilMs: number | undefined;
  /** Place in the heap; -1 outside it. Written only here. */
  deadlineIndex: number;
}

export class Deadlines<D extends Deadline> {
  readonly #heap: D[] = [];

  get count(): number {
    return this.#heap.length;
  }

  /** The member that is due first. */
  first(): D | undefined {
    return this.#heap[0];
  }

  add(entry: D): void {
    assert(entry.deadlineIndex === -1 && entry.goodTilMs !== undefined, "an entry with a deadline is added once");
    this.#heap.push(entry);
    this.#rise(entry, this.#heap.length - 1);
  }

  remove(entry: D): void {
    const index = entry.deadlineIndex;
    assert(this.#heap[index] === entry, "an entry is removed from where it stands");
    const last = this.#heap.pop()!;
    entry.deadlineIndex = -1;
    if (last === entry) return;
    this.#rise(last, index);
    this.#sink(last, last.deadlineIndex);
  }

  #rise(entry: D, from: number): void {
    let index = from;
    while (0 < index) {
      const parent = (index - 1) >> 1;
      if (!earlier(entry, this.#heap[parent]!)) break;
      this.#put(this.#heap[parent]!, index);
      index = parent;
    }
    this.#put(entry, index);
  }

  #sink(entry: D, from: number): void {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (this.#heap.length <= child) break;
      const right = child + 1;
      if (right < this.#heap.length && earlier(this.#heap[right]!, this.#heap[child]!)) child = right;
      if (!earlier(this.#heap[child]!, entry)) break;
      this.#put(this.#heap[child]!, index);
      index = child;
    }
    this.#put(entry, index);
  }

  #put(entry: D, index: number): void {
    this.#heap[index] = entry;
    entry.deadlineIndex = index;
  }
}

function earlier(left: Deadline, right: Deadline): boolean {
  return left.goodTilMs! < right.goodTilMs! || (left.goodTilMs === right.goodTilMs && left.id < right.id);
}
