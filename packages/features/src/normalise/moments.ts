/**
 * Count, mean and sum of squared deviations of a set of numbers, in a form in which sets can be joined (Chan, Golub and LeVeque,
 * "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979). The deviations are never a difference of
 * large sums: a price of 60,000 that moves by cents keeps its variance.
 */
import type { Saveable, StateReader, StateWriter } from "../state.ts";

export const deviations = ["sample", "population"] as const;
/** What the squared deviations are divided by: n - 1 (`sample`: pandas, R) or n (`population`: numpy, scikit-learn). */
export type Deviation = (typeof deviations)[number];

export class Moments {
  count = 0;
  mean = 0;
  /** Sum of squared deviations from the mean. */
  squares = 0;

  add(value: number): void {
    const difference = value - this.mean;
    this.count++;
    this.mean += difference / this.count;
    this.squares += difference * (value - this.mean);
  }

  /** Takes in another set. */
  join(count: number, mean: number, squares: number): void {
    if (count === 0) return;
    const all = this.count + count;
    const difference = mean - this.mean;
    this.squares += squares + difference * difference * ((this.count * count) / all);
    this.mean += difference * (count / all);
    this.count = all;
  }

  clear(): void {
    this.count = 0;
    this.mean = 0;
    this.squares = 0;
  }

  /** (value - mean) / standard deviation; NaN with fewer than two numbers, or where they are all the same. */
  score(value: number, deviation: Deviation): number {
    if (this.count < 2 || !(this.squares > 0)) return NaN;
    return (value - this.mean) / Math.sqrt(this.squares / (deviation === "sample" ? this.count - 1 : this.count));
  }
}

/**
 * The moments of a queue: numbers come in at the end and leave at the front. Nothing is ever subtracted, so nothing drifts: the
 * older part of the queue carries the moments of each of its ends, made when the part before it had run out, the newer part those of
 * all of it; the whole is the join of both.
 *
 * PERF: one division per number that comes, four and a root per score; the older part is made anew once per length of the queue, so each
 * number costs O(1) on average, and the n-th of a window of n costs O(n). Numbers are read from and written to rows, because one that
 * is handed from call to call costs an object.
 */
export class MovingMoments implements Saveable {
  count = 0;
  /** Entry by entry: time, value, and, in the older part, mean and squares from here to the end of that part. */
  #entries = new Float64Array(4 * 64);
  #mask = 63;
  #first = 0;
  /** Entries in the older part. */
  #older = 0;
  /** Count, mean and squares of the newer part. */
  readonly #newer = new Float64Array(3);

  /** Takes in `row[column]`, stamped `timeNs`. */
  push(timeNs: number, row: Float64Array, column: number): void {
    if (this.count > this.#mask) this.#grow();
    const newer = this.#newer;
    const entries = this.#entries;
    const value = row[column] as number;
    const base = 4 * ((this.#first + this.count++) & this.#mask);
    entries[base] = timeNs;
    entries[base + 1] = value;
    const count = (newer[0] as number) + 1;
    const difference = value - (newer[1] as number);
    const mean = (newer[1] as number) + difference / count;
    newer[0] = count;
    newer[2] = (newer[2] as number) + difference * (value - mean);
    newer[1] = mean;
  }

  /** Drops the oldest number. */
  shift(): void {
    if (this.#older === 0) this.#split();
    this.#first = (this.#first + 1) & this.#mask;
    this.#older--;
    this.count--;
  }

  /** Drops the numbers stamped at or before `oldestNs`. */
  expire(oldestNs: number): void {
    while (this.count > 0 && (this.#entries[4 * this.#first] as number) <= oldestNs) this.shift();
  }

  /**
   * Writes (value - mean) / standard deviation of `row[from]` to `row[to]`; NaN with fewer than two numbers in the queue, or where they
   * are all the same.
   */
  score(row: Float64Array, from: number, to: number, deviation: Deviation): void {
    const newer = this.#newer;
    const entries = this.#entries;
    const base = 4 * this.#first;
    const olderCount = this.#older;
    const newerCount = newer[0] as number;
    let mean = newer[1] as number;
    let squares = newer[2] as number;
    if (olderCount > 0) {
      const difference = mean - (entries[base + 2] as number);
      const share = newerCount / this.count;
      squares += (entries[base + 3] as number) + difference * difference * olderCount * share;
      mean = (entries[base + 2] as number) + difference * share;
    }
    if (this.count < 2 || !(squares > 0)) {
      row[to] = NaN;
      return;
    }
    const divisor = deviation === "sample" ? this.count - 1 : this.count;
    row[to] = ((row[from] as number) - mean) / Math.sqrt(squares / divisor);
  }

  save(writer: StateWriter): void {
    writer.number(this.count);
    writer.number(this.#older);
    writer.numbers(this.#newer);
    for (let age = 0; age < this.count; age++) {
      const base = 4 * ((this.#first + age) & this.#mask);
      for (let field = 0; field < 4; field++) writer.number(this.#entries[base + field] as number);
    }
  }

  load(reader: StateReader): void {
    const count = reader.count(32);
    this.#older = reader.number();
    this.#newer.set(reader.numbers());
    while (this.#mask < count) this.#grow();
    this.#first = 0;
    for (let index = 0; index < 4 * count; index++) this.#entries[index] = reader.number();
    this.count = count;
  }

  /** All of it becomes the older part. */
  #split(): void {
    const entries = this.#entries;
    let mean = 0;
    let squares = 0;
    for (let age = this.count - 1; age >= 0; age--) {
      const base = 4 * ((this.#first + age) & this.#mask);
      const difference = (entries[base + 1] as number) - mean;
      mean += difference / (this.count - age);
      squares += difference * ((entries[base + 1] as number) - mean);
      entries[base + 2] = mean;
      entries[base + 3] = squares;
    }
    this.#older = this.count;
    this.#newer.fill(0);
  }

  #grow(): void {
    const { length } = this.#entries;
    const begin = 4 * this.#first;
    const wider = new Float64Array(2 * length);
    wider.set(this.#entries.subarray(begin));
    wider.set(this.#entries.subarray(0, begin), length - begin);
    this.#entries = wider;
    this.#mask = 2 * this.#mask + 1;
    this.#first = 0;
  }
}
