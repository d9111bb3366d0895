/**
 * Sums of doubles of which any part can be taken away again without a trace, so that a rolling sum of squared returns does not
 * drift however long it runs: each value is added as an integer of 2^-96, in four limbs. The total depends on what is in it and
 * on nothing else, neither on the order nor on what has left.
 *
 * PERF: about twenty operations per value, nothing per total but three divisions. The alternative, adding up the window again for
 * each row, costs the length of the window each time.
 */
import type { Saveable, StateReader, StateWriter } from "./state.ts";

const limb = 4_294_967_296;

export class ExactSum implements Saveable {
  /** The total is whole + first 2^-32 + second 2^-64 + third 2^-96; the last three are in [0, 2^32). */
  #whole = 0;
  #first = 0;
  #second = 0;
  #third = 0;

  /** Adds a finite value of magnitude below 2^53; of what it has below 2^-96 nothing counts. */
  add(value: number): void {
    this.#take(value, value < 0 ? -1 : 1);
  }

  /** Takes away what was added. */
  remove(value: number): void {
    this.#take(value, value < 0 ? 1 : -1);
  }

  /** The sum, rounded at most once per limb: within 2 units in the last place. */
  get total(): number {
    return this.#whole < 0
      ? -nearest(-this.#whole, -this.#first, -this.#second, -this.#third)
      : nearest(this.#whole, this.#first, this.#second, this.#third);
  }

  clear(): void {
    this.#whole = 0;
    this.#first = 0;
    this.#second = 0;
    this.#third = 0;
  }

  save(writer: StateWriter): void {
    for (const part of [this.#whole, this.#first, this.#second, this.#third]) writer.number(part);
  }

  load(reader: StateReader): void {
    this.#whole = reader.number();
    this.#first = reader.number();
    this.#second = reader.number();
    this.#third = reader.number();
  }

  #take(value: number, sign: number): void {
    const size = value < 0 ? -value : value;
    const whole = Math.floor(size);
    const afterWhole = (size - whole) * limb;
    const first = Math.floor(afterWhole);
    const afterFirst = (afterWhole - first) * limb;
    const second = Math.floor(afterFirst);
    const third = this.#third + sign * Math.floor((afterFirst - second) * limb);
    const toSecond = Math.floor(third / limb);
    const seconds = this.#second + sign * second + toSecond;
    const toFirst = Math.floor(seconds / limb);
    const firsts = this.#first + sign * first + toFirst;
    const toWhole = Math.floor(firsts / limb);
    this.#third = third - toSecond * limb;
    this.#second = seconds - toFirst * limb;
    this.#first = firsts - toWhole * limb;
    this.#whole += sign * whole + toWhole;
  }
}

/** The number that four limbs of any sign make, not negative in all. */
function nearest(whole: number, first: number, second: number, third: number): number {
  const toSecond = Math.floor(third / limb);
  const seconds = second + toSecond;
  const toFirst = Math.floor(seconds / limb);
  const firsts = first + toFirst;
  const toWhole = Math.floor(firsts / limb);
  const low = (seconds - toFirst * limb + (third - toSecond * limb) / limb) / limb;
  return whole + toWhole + (firsts - toWhole * limb + low) / limb;
}
