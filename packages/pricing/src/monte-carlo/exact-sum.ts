/**
 * Sums of doubles without any rounding, so that they are the same in every order and every split: an integer count of 2^-1074,
 * the smallest double, held in limbs of 32 bits (the small superaccumulator of R. M. Neal, "Fast exact summation using small and
 * large superaccumulators", 2015), with the extraction of leading parts (S. Rump, T. Ogita, S. Oishi, 2008) before it. The
 * choice and its cost: `docs/decisions/0213-simulation-as-shared-work.md`. Relies on round-to-nearest doubles.
 */
import { assert } from "@stoa/base/assert";
import { fromHex, toHex } from "@stoa/base/bytes";
import { DecodeError, type Codec } from "@stoa/base/codec";
import { powerOfTwo, upperBits } from "@stoa/base/exact/error-free";

/** Values are multiples of 2^-unitExponent. */
export const unitExponent = 1074;

const limbCount = 66;
/** A limb takes this many pieces below 2^32 and stays an exact double. */
const piecesCountMax = 1048576;
/** Values whose leading parts are summed as doubles: 512 parts of 42 bits need 51. */
const groupSize = 512;

const word = new DataView(new ArrayBuffer(8));

export class ExactSum {
  readonly #limbs = new Float64Array(limbCount);
  #piecesCount = 0;
  #folded = 0n;

  /** Adds a finite double. */
  add(value: number): void {
    if (value === 0) return;
    word.setFloat64(0, value);
    const upper = word.getUint32(0);
    const exponent = (upper >>> 20) & 0x7ff;
    const high = exponent === 0 ? upper & 0xfffff : (upper & 0xfffff) | 0x100000;
    const low = word.getInt32(4);
    const position = exponent === 0 ? 0 : exponent - 1;
    const limb = position >> 5;
    const shift = position & 31;
    const sign = value < 0 ? -1 : 1;
    // In two shifts, because a shift by 32 is one by 0.
    const first = (low << shift) >>> 0;
    const second = ((high << shift) | ((low >>> 1) >>> (31 - shift))) >>> 0;
    const third = (high >>> 1) >>> (31 - shift);
    const limbs = this.#limbs;
    limbs[limb] = limbs[limb]! + sign * first;
    limbs[limb + 1] = limbs[limb + 1]! + sign * second;
    limbs[limb + 2] = limbs[limb + 2]! + sign * third;
    if (++this.#piecesCount === piecesCountMax) this.#fold();
  }

  /**
   * Adds `values[start]` to `values[end - 1]`; false when one of them is not finite, and then the sum is of no more use.
   *
   * PERF: no allocation. Below the power of two over the largest of a group, 42 leading bits of each value are split off
   * exactly and summed as doubles without rounding, then the next 42; only what has bits below those goes to the limbs by itself.
   */
  addRange(values: Float64Array, start: number, end: number): boolean {
    for (let from = start; from < end; from += groupSize) {
      const to = from + groupSize < end ? from + groupSize : end;
      const largest = largestOf(values, from, to);
      if (!(largest < Infinity)) return false;
      const exponent = (upperBits(largest) >>> 20) - 1022; // largest < 2^exponent
      if (exponent < -900 || 900 < exponent) for (let index = from; index < to; index++) this.add(values[index]!);
      else this.#addGroup(values, from, to, exponent);
    }
    return true;
  }

  /**
   * The same, and the squares of the values to `squares`, each rounded once as a double; false when a value or its square is not finite.
   *
   * PERF: one pass for both, of which the largest square follows from the largest value. The running sums are variables of their own:
   * taken from an array literal each of them is a number on the heap, and the path a third slower.
   */
  addRangeWithSquares(values: Float64Array, start: number, end: number, squares: ExactSum): boolean {
    for (let from = start; from < end; from += groupSize) {
      const to = from + groupSize < end ? from + groupSize : end;
      const largest = largestOf(values, from, to);
      if (!(largest * largest < Infinity)) return false;
      const exponent = (upperBits(largest) >>> 20) - 1022;
      if (exponent < -400 || 400 < exponent) {
        for (let index = from; index < to; index++) {
          this.add(values[index]!);
          squares.add(values[index]! * values[index]!);
        }
      } else this.#addGroupWithSquares(values, from, to, exponent, squares);
    }
    return true;
  }

  /** The sum as an integer count of 2^-1074. */
  units(): bigint {
    this.#fold();
    return this.#folded;
  }

  /** Adding and taking away 3 * 2^51 units of the last kept place rounds to that place. */
  #addGroup(values: Float64Array, start: number, end: number, exponent: number): void {
    const coarse = 3 * powerOfTwo(exponent - 42 + 51);
    const fine = 3 * powerOfTwo(exponent - 84 + 51);
    let coarseSum = 0;
    let fineSum = 0;
    for (let index = start; index < end; index++) {
      const value = values[index]!;
      const leading = coarse + value - coarse;
      const rest = value - leading;
      const following = fine + rest - fine;
      coarseSum += leading;
      fineSum += following;
      if (rest !== following) this.add(rest - following);
    }
    this.add(coarseSum);
    this.add(fineSum);
  }

  /** As {@link #addGroup}; a square is below 2^(2 exponent), before and after its rounding. */
  #addGroupWithSquares(values: Float64Array, start: number, end: number, exponent: number, squares: ExactSum): void {
    const coarse = 3 * powerOfTwo(exponent - 42 + 51);
    const fine = 3 * powerOfTwo(exponent - 84 + 51);
    const coarseSquare = 3 * powerOfTwo(2 * exponent - 42 + 51);
    const fineSquare = 3 * powerOfTwo(2 * exponent - 84 + 51);
    let coarseSum = 0;
    let fineSum = 0;
    let coarseSquares = 0;
    let fineSquares = 0;
    for (let index = start; index < end; index++) {
      const value = values[index]!;
      const leading = coarse + value - coarse;
      const rest = value - leading;
      const following = fine + rest - fine;
      coarseSum += leading;
      fineSum += following;
      if (rest !== following) this.add(rest - following);
      const square = value * value;
      const leadingSquare = coarseSquare + square - coarseSquare;
      const restSquare = square - leadingSquare;
      const followingSquare = fineSquare + restSquare - fineSquare;
      coarseSquares += leadingSquare;
      fineSquares += followingSquare;
      if (restSquare !== followingSquare) squares.add(restSquare - followingSquare);
    }
    this.add(coarseSum);
    this.add(fineSum);
    squares.add(coarseSquares);
    squares.add(fineSquares);
  }

  #fold(): void {
    if (this.#piecesCount === 0) return;
    // PERF: sums of similar values fill few of the limbs.
    let lowest = 0;
    while (lowest < limbCount - 1 && this.#limbs[lowest] === 0) lowest++;
    let total = 0n;
    for (let limb = limbCount - 1; lowest <= limb; limb--) {
      const piece = this.#limbs[limb]!;
      if (piece !== 0 || total !== 0n) total = (total << 32n) + BigInt(piece);
    }
    this.#folded += total << BigInt(32 * lowest);
    this.#limbs.fill(0);
    this.#piecesCount = 0;
  }
}

/** The largest magnitude of a range; NaN when one is NaN. Two at a time, so that no comparison waits for the one before it. */
function largestOf(values: Float64Array, start: number, end: number): number {
  let even = 0;
  let odd = 0;
  let index = start;
  for (; index + 1 < end; index += 2) {
    even = Math.max(even, Math.abs(values[index]!));
    odd = Math.max(odd, Math.abs(values[index + 1]!));
  }
  if (index < end) even = Math.max(even, Math.abs(values[index]!));
  return Math.max(even, odd);
}

/** The double nearest to `numerator / denominator` (ties to even); the denominator is positive. */
export function nearestDouble(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  const size = numerator < 0n ? -numerator : numerator;
  // A quotient of 64 bits or one more; the last bit says whether anything follows, so the rounding below is the only one.
  const shift = 64 - (bitCount(size) - bitCount(denominator));
  const scaled = 0 <= shift ? size << BigInt(shift) : size;
  const divisor = 0 <= shift ? denominator : denominator << BigInt(-shift);
  const quotient = scaled / divisor;
  const sticky = quotient * divisor === scaled ? quotient << 1n : (quotient << 1n) | 1n;
  const value = scaleByPower(Number(sticky), -shift - 1);
  return numerator < 0n ? -value : value;
}

function bitCount(value: bigint): number {
  const digits = value.toString(16);
  return 4 * digits.length - Math.clz32(Number.parseInt(digits.slice(0, 1), 16)) + 28;
}

/** In steps, because 2^exponent by itself may over- or underflow; a subnormal result is rounded a second time. */
function scaleByPower(value: number, exponent: number): number {
  let [scaled, rest] = [value, exponent];
  for (; 1000 < rest; rest -= 1000) scaled *= powerOfTwo(1000);
  for (; rest < -1000; rest += 1000) scaled *= powerOfTwo(-1000);
  return scaled * powerOfTwo(rest);
}

/** Magnitudes below 2^(8 * 320): more than 2^64 of the largest doubles. */
const magnitudeSizeMax = 320;

/**
 * How many zero bytes are lowest (two bytes), the size of what is above them with the sign of the sum (two bytes), and that
 * magnitude, least byte first, with no zero byte at either end. A sum of prices takes some twelve bytes.
 */
export const exactSumCodec: Codec<bigint> = {
  write(writer, value) {
    const digits = value === 0n ? "" : (value < 0n ? -value : value).toString(16);
    const bytes = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`)!.reverse();
    assert(bytes.length <= magnitudeSizeMax, "a sum has fewer terms than overflow its bytes");
    const firstPlace = bytes.findIndex((byte) => byte !== 0);
    const zeroCount = firstPlace < 0 ? 0 : firstPlace;
    const size = bytes.length - zeroCount;
    const offset = writer.reserve(4);
    writer.view.setUint16(offset, zeroCount, true);
    writer.view.setInt16(offset + 2, value < 0n ? -size : size, true);
    writer.append(bytes.subarray(zeroCount));
  },
  read(reader) {
    const start = reader.take(4);
    const zeroCount = reader.view.getUint16(start, true);
    const signedSize = reader.view.getInt16(start + 2, true);
    const size = signedSize < 0 ? -signedSize : signedSize;
    if (magnitudeSizeMax < size + zeroCount) throw new DecodeError(`a sum that is too large at byte ${start}`);
    if (size === 0 && zeroCount !== 0) throw new DecodeError(`a zero with bytes at byte ${start}`);
    const offset = reader.take(size);
    if (size === 0) return 0n;
    const bytes = reader.bytes.slice(offset, offset + size).reverse();
    if (bytes[0] === 0 || bytes[size - 1] === 0)
      throw new DecodeError(`a sum with zeros at its ends at byte ${offset}`);
    const magnitude = BigInt(`0x${toHex(bytes)}`) << BigInt(8 * zeroCount);
    return signedSize < 0 ? -magnitude : magnitude;
  },
  shape: { kind: "bigint", least: -(1n << 2560n) + 1n, most: (1n << 2560n) - 1n },
};
