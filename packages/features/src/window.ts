/**
 * What happened within the last so many nanoseconds or events, as a ring that grows when it must and never shrinks. Sums of integers
 * are exact, so what leaves takes away just what it brought.
 */
import type { Saveable, StateReader, StateWriter } from "./state.ts";

/** A queue of equally many numbers per entry, oldest first. */
export class Ring implements Saveable {
  /** Numbers per entry. */
  readonly width: number;
  count = 0;
  #numbers: Float64Array;
  /** Entries that there is room for, less one: a power of two less one. */
  #mask: number;
  /** Place of the oldest entry. */
  #first = 0;

  constructor(width: number, capacity = 64) {
    this.width = width;
    let room = 16;
    while (room < capacity) room *= 2;
    this.#numbers = new Float64Array(width * room);
    this.#mask = room - 1;
  }

  /** Field of the entry that is `age` entries behind the oldest (0 is the oldest). */
  at(age: number, field = 0): number {
    return this.#numbers[((this.#first + age) & this.#mask) * this.width + field] as number;
  }

  set(age: number, field: number, value: number): void {
    this.#numbers[((this.#first + age) & this.#mask) * this.width + field] = value;
  }

  /** Appends an entry of up to four numbers; `set(count - 1, ...)` fills wider ones. */
  push(one: number, two = 0, three = 0, four = 0): void {
    if (this.count > this.#mask) this.#grow();
    const { width } = this;
    const numbers = this.#numbers;
    const place = ((this.#first + this.count++) & this.#mask) * width;
    numbers[place] = one;
    if (width > 1) numbers[place + 1] = two;
    if (width > 2) numbers[place + 2] = three;
    if (width > 3) numbers[place + 3] = four;
  }

  /** Drops the oldest entry. */
  shift(): void {
    this.#first = (this.#first + 1) & this.#mask;
    this.count--;
  }

  clear(): void {
    this.count = 0;
    this.#first = 0;
  }

  save(writer: StateWriter): void {
    writer.number(this.count);
    for (let age = 0; age < this.count; age++) {
      for (let field = 0; field < this.width; field++) writer.number(this.at(age, field));
    }
  }

  load(reader: StateReader): void {
    this.clear();
    const count = reader.count(8 * this.width);
    for (let age = 0; age < count; age++) {
      this.push(0);
      for (let field = 0; field < this.width; field++) this.set(age, field, reader.number());
    }
  }

  #grow(): void {
    const { length } = this.#numbers;
    const begin = this.#first * this.width;
    const wider = new Float64Array(2 * length);
    wider.set(this.#numbers.subarray(begin));
    wider.set(this.#numbers.subarray(0, begin), length - begin);
    this.#numbers = wider;
    this.#mask = 2 * this.#mask + 1;
    this.#first = 0;
  }
}

/**
 * Sum of integers that came within the last `windowNs`: an entry stamped t counts for rows in [t, t + windowNs). Exact up to 2^53.
 */
export class WindowSum implements Saveable {
  readonly windowNs: number;
  sum = 0;
  readonly #entries = new Ring(2);

  constructor(windowNs: number) {
    this.windowNs = windowNs;
  }

  get count(): number {
    return this.#entries.count;
  }

  push(timeNs: number, value: number): void {
    this.#entries.push(timeNs, value);
    this.sum += value;
  }

  /** The sum as of `timeNs`. */
  total(timeNs: number): number {
    const entries = this.#entries;
    const oldest = timeNs - this.windowNs;
    while (entries.count > 0 && entries.at(0) <= oldest) {
      this.sum -= entries.at(0, 1);
      entries.shift();
    }
    return this.sum;
  }

  clear(): void {
    this.#entries.clear();
    this.sum = 0;
  }

  save(writer: StateWriter): void {
    this.#entries.save(writer);
    writer.number(this.sum);
  }

  load(reader: StateReader): void {
    this.#entries.load(reader);
    this.sum = reader.number();
  }
}

/**
 * Sums of several integers at once that came together within the last `windowNs`, each exact: one queue for all.
 *
 * PERF: one pass over the sums per entry that comes and per entry that goes.
 */
export class WindowSums implements Saveable {
  readonly windowNs: number;
  /** As of the last `expire`. */
  readonly sums: Float64Array;
  count = 0;
  /** Entry by entry: the time, then the values. */
  #entries: Float64Array;
  #mask = 63;
  #first = 0;

  constructor(windowNs: number, width: number) {
    this.windowNs = windowNs;
    this.sums = new Float64Array(width);
    this.#entries = new Float64Array((width + 1) * (this.#mask + 1));
  }

  /** Takes in `values`, from index `from` on: those before it are 0. */
  push(timeNs: number, values: Float64Array, from = 0): void {
    if (this.count > this.#mask) this.#grow();
    const { sums } = this;
    const entries = this.#entries;
    const base = ((this.#first + this.count++) & this.#mask) * (sums.length + 1);
    entries[base] = timeNs;
    for (let index = 0; index < from; index++) entries[base + 1 + index] = 0;
    for (let index = from; index < sums.length; index++) {
      const value = values[index] as number;
      entries[base + 1 + index] = value;
      sums[index] = (sums[index] as number) + value;
    }
  }

  /** Lets go what is older than the window as of `timeNs`. */
  expire(timeNs: number): void {
    const { sums } = this;
    const entries = this.#entries;
    const width = sums.length + 1;
    const oldest = timeNs - this.windowNs;
    while (this.count > 0) {
      const base = this.#first * width;
      if ((entries[base] as number) > oldest) return;
      for (let index = 0; index < sums.length; index++)
        sums[index] = (sums[index] as number) - (entries[base + 1 + index] as number);
      this.#first = (this.#first + 1) & this.#mask;
      this.count--;
    }
  }

  clear(): void {
    this.count = 0;
    this.#first = 0;
    this.sums.fill(0);
  }

  save(writer: StateWriter): void {
    const width = this.sums.length + 1;
    writer.numbers(this.sums);
    writer.number(this.count);
    for (let age = 0; age < this.count; age++) {
      const base = ((this.#first + age) & this.#mask) * width;
      for (let index = 0; index < width; index++) writer.number(this.#entries[base + index] as number);
    }
  }

  load(reader: StateReader): void {
    this.clear();
    const sums = reader.numbers();
    const width = this.sums.length + 1;
    const count = reader.count(8 * width);
    while (this.#mask < count) this.#grow();
    for (let index = 0; index < count * width; index++) this.#entries[index] = reader.number();
    this.count = count;
    this.sums.set(sums);
  }

  #grow(): void {
    const { length } = this.#entries;
    const begin = this.#first * (this.sums.length + 1);
    const wider = new Float64Array(2 * length);
    wider.set(this.#entries.subarray(begin));
    wider.set(this.#entries.subarray(0, begin), length - begin);
    this.#entries = wider;
    this.#mask = 2 * this.#mask + 1;
    this.#first = 0;
  }
}
