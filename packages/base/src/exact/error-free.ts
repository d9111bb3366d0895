/**
 * Error-free transforms: what a floating-point sum or product leaves out, as a double of its own (Knuth 1969; Dekker
 * 1971; Veltkamp's splitting). They rely on round-to-nearest doubles, which ECMAScript prescribes, and on no
 * fused multiply-add. A caller keeps `high + low` as an unevaluated pair and so has about 100 bits.
 */

/** `a + b - sum` exactly, where `sum` is the double `a + b`; any magnitudes that do not overflow. */
export function sumError(a: number, b: number, sum: number): number {
  const other = sum - a;
  return a - (sum - other) + (b - other);
}

/** `a * b - product` exactly, where `product` is the double `a * b`; magnitudes within 2^±400 (or a zero). */
export function productError(a: number, b: number, product: number): number {
  const aSpread = 134217729 * a; // 2^27 + 1 splits 53 bits into 26 and 26
  const aHigh = aSpread - (aSpread - a);
  const aLow = a - aHigh;
  const bSpread = 134217729 * b;
  const bHigh = bSpread - (bSpread - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

const bits = new DataView(new ArrayBuffer(8));

/** The upper 32 bits of `x` as an unsigned integer: sign, eleven exponent bits, twenty of the fraction. */
export function upperBits(x: number): number {
  bits.setFloat64(0, x, true);
  return bits.getUint32(4, true);
}

/** `x` with its upper 32 bits replaced. */
export function withUpperBits(x: number, upper: number): number {
  bits.setFloat64(0, x, true);
  bits.setUint32(4, upper, true);
  return bits.getFloat64(0, true);
}

/**
 * `(high + low) * 2^exponent` rounded once, for a positive pair whose `high` is the double nearest to it and within
 * [2^-10, 4), and exponents in -1100..1024; under- and overflows as it should.
 */
export function scalePair(high: number, low: number, exponent: number): number {
  if (1022 < exponent) return high * powerOfTwo(exponent - 100) * powerOfTwo(100);
  if (-1000 < exponent) return high * powerOfTwo(exponent);
  const smallest = powerOfTwo(-1022 - exponent);
  const value = high < smallest ? roundToQuantum(high, low, smallest) : high;
  return value * powerOfTwo(exponent + 200) * powerOfTwo(-200);
}

/** The multiple of `range * 2^-52` nearest to `high + low`, both below `range`, a power of two: what a subnormal holds. */
function roundToQuantum(high: number, low: number, range: number): number {
  const quantum = range * 2.220446049250313e-16;
  const rounded = range + high - range;
  const rest = high - rounded;
  if (0 < rest - 0.5 * quantum + low) return rounded + quantum;
  if (rest + 0.5 * quantum + low < 0) return rounded - quantum;
  return rounded;
}

/** 2^exponent for exponents -1022..1023. */
export function powerOfTwo(exponent: number): number {
  return powers[exponent + 1022] as number;
}

/** A load is faster than the assembly of the bits. */
const powers = Float64Array.from({ length: 2046 }, (_, index) => withUpperBits(0, (index + 1) << 20));
