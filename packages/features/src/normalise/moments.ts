/**
 * Count, mean and sum of squared deviations of a set of numbers, in a form in which sets can be joined (Chan, Golub and LeVeque,
 * "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979). The deviations are never a difference of
 * large sums: a price of 60,000 that moves by cents keeps its variance.
 */
import { Ring } from "../window.ts";

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
 * PERF: three divisions per number that comes and four per question; the older part is made anew once per length of the queue, so each number costs O(1)
 * on average, and the n-th of a window of n costs O(n).
 */
export class MovingMoments {
  /** Time, value, and, in the older part, mean and squares from here to the end of that part. */
  readonly entries = new Ring(4);
  /** Entries in the older part. */
  readonly older = new Float64Array(1);
  /** Count, mean and squares of the newer part. */
  readonly newer = new Float64Array(3);
  readonly #work = new Moments();

  get count(): number {
    return this.entries.count;
  }

  /** When the oldest number came. */
  get oldestNs(): number {
    return this.entries.at(0);
  }

  /** Takes in `row[column]`, stamped `timeNs`. It is read here, because a number that is handed over costs an object. */
  push(timeNs: number, row: Float64Array, column: number): void {
    const { newer } = this;
    const value = row[column] as number;
    this.entries.push(timeNs, value);
    const count = (newer[0] as number) + 1;
    const difference = value - (newer[1] as number);
    const mean = (newer[1] as number) + difference / count;
    newer[0] = count;
    newer[2] = (newer[2] as number) + difference * (value - mean);
    newer[1] = mean;
  }

  /** Drops the oldest number. */
  shift(): void {
    if (this.older[0] === 0) this.#split();
    this.entries.shift();
    this.older[0] = (this.older[0] as number) - 1;
  }

  /** The moments of all; to be used before the next call of anything here. */
  total(): Moments {
    const { entries, newer } = this;
    const work = this.#work;
    const older = this.older[0] as number;
    work.count = older;
    work.mean = older === 0 ? 0 : entries.at(0, 2);
    work.squares = older === 0 ? 0 : entries.at(0, 3);
    work.join(newer[0] as number, newer[1] as number, newer[2] as number);
    return work;
  }

  /** All of it becomes the older part. */
  #split(): void {
    const { entries } = this;
    const work = this.#work;
    work.clear();
    for (let age = entries.count - 1; age >= 0; age--) {
      work.add(entries.at(age, 1));
      entries.set(age, 2, work.mean);
      entries.set(age, 3, work.squares);
    }
    this.older[0] = entries.count;
    this.newer.fill(0);
  }
}
