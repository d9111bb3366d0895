/**
 * The last so many pairs (x, y), with the sums from which covariances and straight lines are made. Sums of integers are kept as they
 * come and go while they stay within 2^53, where they are exact; other sums are added up anew in the order of the pairs when asked for.
 */
import { productError } from "@stoa/base/exact/error-free";
import { exactBound } from "../flow/exact-sums.ts";
import type { Saveable, StateReader, StateWriter } from "../state.ts";
import { Ring } from "../window.ts";

export class RollingPairs implements Saveable {
  readonly capacity: number;
  readonly #pairs: Ring;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;
  #yy = 0;
  /** The sums are those of the pairs, and exact. */
  #exact = true;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#pairs = new Ring(2, Math.min(capacity + 1, 4096));
  }

  get count(): number {
    return this.#pairs.count;
  }

  get isFull(): boolean {
    return this.#pairs.count === this.capacity;
  }

  push(x: number, y: number): void {
    const pairs = this.#pairs;
    pairs.push(x, y);
    if (this.#exact) this.#add(x, y, 1);
    if (pairs.count <= this.capacity) return;
    if (this.#exact) this.#add(pairs.at(0, 0), pairs.at(0, 1), -1);
    pairs.shift();
  }

  clear(): void {
    this.#pairs.clear();
    this.#x = this.#y = this.#xx = this.#xy = this.#yy = 0;
    this.#exact = true;
  }

  get sumX(): number {
    this.#refresh();
    return this.#x;
  }
  get sumY(): number {
    this.#refresh();
    return this.#y;
  }
  get sumXX(): number {
    this.#refresh();
    return this.#xx;
  }
  get sumXY(): number {
    this.#refresh();
    return this.#xy;
  }
  get sumYY(): number {
    this.#refresh();
    return this.#yy;
  }
  /** Count times the centred sums: n sum(xx) - sum(x)^2 and so on, rounded once where the sums are exact. */
  get centredXX(): number {
    this.#refresh();
    return difference(this.count, this.#xx, this.#x, this.#x);
  }
  get centredXY(): number {
    this.#refresh();
    return difference(this.count, this.#xy, this.#x, this.#y);
  }
  get centredYY(): number {
    this.#refresh();
    return difference(this.count, this.#yy, this.#y, this.#y);
  }

  save(writer: StateWriter): void {
    this.#pairs.save(writer);
    for (const value of [this.#x, this.#y, this.#xx, this.#xy, this.#yy]) writer.number(value);
    writer.number(this.#exact ? 1 : 0);
  }

  load(reader: StateReader): void {
    this.#pairs.load(reader);
    this.#x = reader.number();
    this.#y = reader.number();
    this.#xx = reader.number();
    this.#xy = reader.number();
    this.#yy = reader.number();
    this.#exact = reader.number() !== 0;
  }

  #add(x: number, y: number, times: 1 | -1): void {
    this.#x += times * x;
    this.#y += times * y;
    this.#xx += times * x * x;
    this.#xy += times * x * y;
    this.#yy += times * y * y;
    // The sums of squares bound the others (Cauchy-Schwarz), but for what is not an integer.
    if (!(this.#xx <= exactBound && this.#yy <= exactBound && Number.isInteger(x) && Number.isInteger(y))) {
      this.#exact = false;
    }
  }

  #refresh(): void {
    if (this.#exact) return;
    const pairs = this.#pairs;
    this.#x = this.#y = this.#xx = this.#xy = this.#yy = 0;
    this.#exact = true;
    for (let age = 0; age < pairs.count; age++) this.#add(pairs.at(age, 0), pairs.at(age, 1), 1);
  }
}

/** a b - c d without cancellation: both products with what they round off. */
function difference(a: number, b: number, c: number, d: number): number {
  const left = a * b;
  const right = c * d;
  return left - right + (productError(a, b, left) - productError(c, d, right));
}

/** A straight line through pairs by least squares. */
export interface Line {
  slope: number;
  intercept: number;
  /** Slope by its standard error; NaN where there are too few pairs or the line fits exactly. */
  tStatistic: number;
}

/** Fits y = intercept + slope x (`intercept` false: through the origin) into `line`; NaN where x does not vary. */
export function fitLine(pairs: RollingPairs, { intercept }: { readonly intercept: boolean }, line: Line): void {
  const { count } = pairs;
  // Times the count for a line with an intercept, which cancels everywhere but in the residual's scale.
  const xx = intercept ? pairs.centredXX : pairs.sumXX;
  const xy = intercept ? pairs.centredXY : pairs.sumXY;
  const yy = intercept ? pairs.centredYY : pairs.sumYY;
  const freedom = count - (intercept ? 2 : 1);
  line.slope = line.intercept = line.tStatistic = NaN;
  if (!(xx > 0) || freedom < 0) return;
  line.slope = xy / xx;
  line.intercept = intercept ? (pairs.sumY - line.slope * pairs.sumX) / count : 0;
  const residual = yy - line.slope * xy;
  if (residual > 1e-14 * yy && freedom > 0) line.tStatistic = line.slope / Math.sqrt(residual / (freedom * xx));
}
