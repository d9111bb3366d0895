/**
 * Sums over a window that do not drift: running sums of integers while each stays within 2^53, where they are exact, and else
 * the sums of what is in the window, added up anew in its order.
 */
import type { Saveable, StateReader, StateWriter } from "../state.ts";
import { Ring } from "../window.ts";

/** Above this a double does not hold every integer. */
export const exactBound = 9_007_199_254_740_992;

/** Up to three sums of what came within the last `windowNs`: an entry stamped t counts for times in [t, t + windowNs). */
export class TimedSums implements Saveable {
  readonly windowNs: number;
  readonly #entries = new Ring(4);
  readonly #sums = new Float64Array(3);
  #exact = true;

  constructor(windowNs: number) {
    this.windowNs = windowNs;
  }

  get count(): number {
    return this.#entries.count;
  }

  push(timeNs: number, one: number, two = 0, three = 0): void {
    this.#entries.push(timeNs, one, two, three);
    this.#add(one, two, three);
  }

  /** Drops what is too old at `timeNs`. To be called before `sum`. */
  expire(timeNs: number): void {
    const entries = this.#entries;
    const oldest = timeNs - this.windowNs;
    while (entries.count > 0 && entries.at(0) <= oldest) {
      if (this.#exact) this.#add(-entries.at(0, 1), -entries.at(0, 2), -entries.at(0, 3));
      entries.shift();
    }
    if (!this.#exact) this.#recompute();
  }

  sum(field: 0 | 1 | 2): number {
    return this.#sums[field] as number;
  }

  clear(): void {
    this.#entries.clear();
    this.#sums.fill(0);
    this.#exact = true;
  }

  save(writer: StateWriter): void {
    this.#entries.save(writer);
    writer.numbers(this.#sums);
    writer.number(this.#exact ? 1 : 0);
  }

  load(reader: StateReader): void {
    this.#entries.load(reader);
    this.#sums.set(reader.numbers());
    this.#exact = reader.number() !== 0;
  }

  #add(one: number, two: number, three: number): void {
    const sums = this.#sums;
    sums[0] = (sums[0] as number) + one;
    sums[1] = (sums[1] as number) + two;
    sums[2] = (sums[2] as number) + three;
    for (let field = 0; field < 3; field++) {
      if (!(Math.abs(sums[field] as number) <= exactBound)) this.#exact = false;
    }
  }

  #recompute(): void {
    this.#sums.fill(0);
    this.#exact = true;
    const entries = this.#entries;
    for (let age = 0; age < entries.count; age++) this.#add(entries.at(age, 1), entries.at(age, 2), entries.at(age, 3));
  }
}
