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

  /** One entry more and it grows. */
  get isFull(): boolean {
    return this.count > this.#mask;
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
    // Where rows are rare, or none are written, what is too old goes before there is room for more.
    if (this.#entries.isFull) this.total(timeNs);
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
 * Several sums of integers that came within the last `windowNs`, each exact, with one queue for all of them.
 *
 * PERF: one entry per number that comes; a number is read from an array, because one that is handed over costs an object.
 */
export class WindowSums implements Saveable {
  readonly windowNs: number;
  /** As of the last `expire`. */
  readonly sums: Float64Array;
  count = 0;
  /** Entry by entry: time, index of the sum, number. */
  #entries = new Float64Array(3 * 64);
  #mask = 63;
  #first = 0;

  constructor(windowNs: number, width: number) {
    this.windowNs = windowNs;
    this.sums = new Float64Array(width);
  }

  /** Takes in `values[index]` for sum `index`, unless it is 0. */
  push(timeNs: number, values: Float64Array, index: number): void {
    const value = values[index] as number;
    if (value === 0) return;
    if (this.count > this.#mask) {
      this.expire(timeNs);
      if (this.count > this.#mask) this.#grow();
    }
    const entries = this.#entries;
    const base = 3 * ((this.#first + this.count++) & this.#mask);
    entries[base] = timeNs;
    entries[base + 1] = index;
    entries[base + 2] = value;
    this.sums[index] = (this.sums[index] as number) + value;
  }

  /** Lets go what is older than the window as of `timeNs`. */
  expire(timeNs: number): void {
    const { sums } = this;
    const entries = this.#entries;
    const oldest = timeNs - this.windowNs;
    while (this.count > 0) {
      const base = 3 * this.#first;
      if ((entries[base] as number) > oldest) return;
      const index = entries[base + 1] as number;
      sums[index] = (sums[index] as number) - (entries[base + 2] as number);
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
    writer.numbers(this.sums);
    writer.number(this.count);
    for (let age = 0; age < this.count; age++) {
      const base = 3 * ((this.#first + age) & this.#mask);
      for (let field = 0; field < 3; field++) writer.number(this.#entries[base + field] as number);
    }
  }

  load(reader: StateReader): void {
    this.clear();
    this.sums.set(reader.numbers());
    const count = reader.count(24);
    while (this.#mask < count) this.#grow();
    for (let at = 0; at < 3 * count; at++) this.#entries[at] = reader.number();
    this.count = count;
  }

  #grow(): void {
    const { length } = this.#entries;
    const begin = 3 * this.#first;
    const wider = new Float64Array(2 * length);
    wider.set(this.#entries.subarray(begin));
    wider.set(this.#entries.subarray(0, begin), length - begin);
    this.#entries = wider;
    this.#mask = 2 * this.#mask + 1;
    this.#first = 0;
  }
}
