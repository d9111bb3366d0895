/**
 * `src/kernel/functions.ts` for two doubles at once: the same operations in the same order, so the same bits. The tables are
 * those of TypeScript, which `src/wasm/kernel-module.ts` copies to the addresses below before the first call.
 */
import { add, both, div, firsts, fixed, mul, none, pick, seconds, sub } from "./lanes";

/** Where the host puts its tables, one behind the other. */
export const tablesAddress: usize = 4096;
const expTable: usize = tablesAddress;
const logTable: usize = expTable + 64 * 8;
const ratioTable: usize = logTable + 512 * 8;
const tailTable: usize = ratioTable + 1152 * 8;
const quantileTable: usize = tailTable + 3584 * 8;
/** Where they end. */
export const tablesEnd: usize = quantileTable + 1650 * 8;

/** What the compiler puts in the place of every call, which it is told by a word that TypeScript has for methods only. */
export class Inlined {
  /** `exp` of `src/kernel/functions.ts`, whose additions of zero and products with one are left out. */
  @inline
  static exp(x: v128): v128 {
    const clamped = f64x2.pmin(f64x2.pmax(x, fixed(memory.data<f64>([-1400]))), fixed(memory.data<f64>([710])));
    const shifted = add(
      mul(clamped, fixed(memory.data<f64>([46.16624130844683]))),
      fixed(memory.data<f64>([6755399441055744])),
    );
    const rounded = sub(shifted, fixed(memory.data<f64>([6755399441055744])));
    const coarse = sub(clamped, mul(rounded, fixed(memory.data<f64>([0.021660849392446835]))));
    const r = sub(coarse, mul(rounded, fixed(memory.data<f64>([5.1456092446457696e-14]))));
    return Inlined.scaled(Inlined.expOfParts(shifted, r), shifted);
  }

  /** The lower words of the shifted sums are the integers k. */
  @inline
  static expOfParts(shifted: v128, r: v128): v128 {
    const square = mul(r, r);
    const inner = add(
      fixed(memory.data<f64>([0.041666666666666664])),
      mul(r, fixed(memory.data<f64>([0.008333333333333333]))),
    );
    const outer = add(inner, mul(square, fixed(memory.data<f64>([0.001388888888888889]))));
    const series = add(
      add(fixed(memory.data<f64>([0.5])), mul(r, fixed(memory.data<f64>([0.16666666666666666])))),
      mul(square, outer),
    );
    const growth = add(r, mul(square, series));
    const a = v128.load(expTable + (((<usize>i32x4.extract_lane(shifted, 0)) & 31) << 4));
    const b = v128.load(expTable + (((<usize>i32x4.extract_lane(shifted, 2)) & 31) << 4));
    const high = firsts(a, b);
    return add(high, add(seconds(a, b), mul(high, growth)));
  }

  /** In two steps, because 2^k by itself may over- or underflow. */
  @inline
  static scaled(value: v128, shifted: v128): v128 {
    const exponent = i32x4.shr_s(shifted, 5);
    const half = i32x4.shr_s(exponent, 1);
    return mul(mul(value, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
  }

  @inline
  static inverseNormal(p: v128): v128 {
    const q = sub(p, fixed(memory.data<f64>([0.5])));
    const y = mul(p, sub(fixed(memory.data<f64>([1])), p));
    const isCentral = f64x2.le(fixed(memory.data<f64>([0.00390625])), y);
    const center = cellCenter(y);
    const first = centralRow(i32x4.extract_lane(y, 1));
    const second = centralRow(i32x4.extract_lane(y, 3));
    const central = mul(q, Inlined.quantilePolynomial(first, second, sub(y, center)));
    if (i64x2.all_true(isCentral)) return central;
    return pick(isCentral, central, tailQuantile(p, q));
  }

  @inline
  static quantilePolynomial(a: usize, b: usize, x: v128): v128 {
    const square = mul(x, x);
    const a6 = v128.load(a, 48);
    const b6 = v128.load(b, 48);
    const a8 = v128.load(a, 64);
    const b8 = v128.load(b, 64);
    const a4 = v128.load(a, 32);
    const b4 = v128.load(b, 32);
    const a2 = v128.load(a, 16);
    const b2 = v128.load(b, 16);
    const a0 = v128.load(a);
    const b0 = v128.load(b);
    const last = add(add(seconds(a6, b6), mul(x, firsts(a8, b8))), mul(square, seconds(a8, b8)));
    const next = add(add(seconds(a4, b4), mul(x, firsts(a6, b6))), mul(square, last));
    const rest = add(add(seconds(a2, b2), mul(x, firsts(a4, b4))), mul(square, next));
    return add(firsts(a0, b0), add(seconds(a0, b0), mul(x, add(firsts(a2, b2), mul(x, rest)))));
  }
}

export function scaledExp(x: v128, xLow: v128, factor: v128): v128 {
  const clamped = f64x2.pmin(f64x2.pmax(x, fixed(memory.data<f64>([-1400]))), fixed(memory.data<f64>([710])));
  const shifted = add(
    mul(clamped, fixed(memory.data<f64>([46.16624130844683]))),
    fixed(memory.data<f64>([6755399441055744])),
  );
  const rounded = sub(shifted, fixed(memory.data<f64>([6755399441055744])));
  const coarse = sub(clamped, mul(rounded, fixed(memory.data<f64>([0.021660849392446835]))));
  const r = add(sub(coarse, mul(rounded, fixed(memory.data<f64>([5.1456092446457696e-14])))), xLow);
  return Inlined.scaled(mul(Inlined.expOfParts(shifted, r), factor), shifted);
}

export function boundedExp(x: v128, factor: v128): v128 {
  const shifted = add(
    mul(x, fixed(memory.data<f64>([46.16624130844683]))),
    fixed(memory.data<f64>([6755399441055744])),
  );
  const rounded = sub(shifted, fixed(memory.data<f64>([6755399441055744])));
  const coarse = sub(x, mul(rounded, fixed(memory.data<f64>([0.021660849392446835]))));
  const r = sub(coarse, mul(rounded, fixed(memory.data<f64>([5.1456092446457696e-14]))));
  // Nothing is subnormal here: a power of two is added to the exponent.
  return i64x2.add(mul(Inlined.expOfParts(shifted, r), factor), i64x2.shl(i32x4.shr_s(shifted, 5), 52));
}

/** 2^k for the integers in the lower words, -1022 to 1023. */
function powerOfTwo(exponent: v128): v128 {
  return i64x2.shl(i32x4.add(exponent, fixed(memory.data<u64>([1023]))), 52);
}

export function log(x: v128): v128 {
  const isSubnormal = f64x2.lt(x, fixed(memory.data<f64>([2.2250738585072014e-308])));
  const normal = pick(isSubnormal, mul(x, fixed(memory.data<f64>([18014398509481984]))), x);
  const shifted = i64x2.sub(normal, fixed(memory.data<u64>([0x3fe6000000000000])));
  const fraction = i64x2.sub(normal, v128.and(shifted, fixed(memory.data<u64>([0xfff0000000000000]))));
  const a = logRow(i32x4.extract_lane(shifted, 1));
  const b = logRow(i32x4.extract_lane(shifted, 3));
  const begin = v128.load(a);
  const end = v128.load(b);
  const r = firsts(begin, end);
  const spread = mul(fraction, fixed(memory.data<f64>([134217729])));
  const high = sub(spread, sub(spread, fraction));
  const z = add(sub(mul(high, r), fixed(memory.data<f64>([1]))), mul(sub(fraction, high), r));
  const exponent = sub(exponentOf(shifted), v128.and(isSubnormal, fixed(memory.data<f64>([54]))));
  const value = logOfParts(exponent, seconds(begin, end), rests(a, b), z);
  const isPositive = f64x2.gt(x, both(0));
  const isInfinite = f64x2.eq(x, fixed(memory.data<f64>([Infinity])));
  const outside = pick(f64x2.eq(x, both(0)), fixed(memory.data<f64>([-Infinity])), both(NaN));
  return pick(isPositive, pick(isInfinite, x, value), outside);
}

export function logRatio(high: v128, low: v128): v128 {
  return logOfQuotient(div(high, low), high, low);
}

export function logOfQuotient(quotient: v128, high: v128, low: v128): v128 {
  const shifted = i64x2.sub(quotient, fixed(memory.data<u64>([0x3fe6000000000000])));
  const scaled = i64x2.add(low, v128.and(shifted, fixed(memory.data<u64>([0xfff0000000000000]))));
  const a = logRow(i32x4.extract_lane(shifted, 1));
  const b = logRow(i32x4.extract_lane(shifted, 3));
  const begin = v128.load(a);
  const end = v128.load(b);
  const r = firsts(begin, end);
  const spread = mul(high, fixed(memory.data<f64>([134217729])));
  const upper = sub(spread, sub(spread, high));
  const difference = add(sub(mul(upper, r), scaled), mul(sub(high, upper), r));
  return logOfParts(exponentOf(shifted), seconds(begin, end), rests(a, b), div(difference, scaled));
}

/** The address of the row of the logarithm's table for the upper word of the bits above 0.6875. */
function logRow(shifted: i32): usize {
  return logTable + ((<usize>((shifted >> 13) & 127)) << 5);
}

function rests(a: usize, b: usize): v128 {
  return firsts(v128.load(a, 16), v128.load(b, 16));
}

/** The exponents in the upper words, as doubles. */
function exponentOf(shifted: v128): v128 {
  const exponents = i32x4.shr_s(shifted, 20);
  return f64x2.convert_low_i32x4_s(v128.shuffle<i32>(exponents, exponents, 1, 3, 1, 3));
}

function logOfParts(exponent: v128, upper: v128, lower: v128, z: v128): v128 {
  const square = mul(z, z);
  const last = add(
    fixed(memory.data<f64>([-0.16666666666666666])),
    mul(z, fixed(memory.data<f64>([0.14285714285714285]))),
  );
  const third = add(last, mul(square, fixed(memory.data<f64>([-0.125]))));
  const second = add(add(fixed(memory.data<f64>([-0.25])), mul(z, fixed(memory.data<f64>([0.2])))), mul(square, third));
  const first = add(
    add(fixed(memory.data<f64>([-0.5])), mul(z, fixed(memory.data<f64>([0.3333333333333333])))),
    mul(square, second),
  );
  const base = add(mul(exponent, fixed(memory.data<f64>([0.6931471805598903]))), upper);
  const rest = add(add(mul(exponent, fixed(memory.data<f64>([5.497923018708371e-14]))), lower), mul(square, first));
  return add(base, add(z, rest));
}

function tailQuantile(p: v128, q: v128): v128 {
  const isLower = f64x2.lt(q, both(0));
  const w = f64x2.sqrt(mul(fixed(memory.data<f64>([-2])), log(pick(isLower, p, sub(fixed(memory.data<f64>([1])), p)))));
  const first = quantileRow(i32x4.extract_lane(w, 1));
  const second = quantileRow(i32x4.extract_lane(w, 3));
  const value = Inlined.quantilePolynomial(first, second, sub(w, cellCenter(w)));
  const tail = pick(isLower, f64x2.neg(value), value);
  const isInside = v128.and(f64x2.gt(p, both(0)), f64x2.lt(p, fixed(memory.data<f64>([1]))));
  const end = pick(f64x2.eq(p, fixed(memory.data<f64>([1]))), fixed(memory.data<f64>([Infinity])), both(NaN));
  return pick(isInside, tail, pick(f64x2.eq(p, both(0)), fixed(memory.data<f64>([-Infinity])), end));
}

/** The middles of the sixteenths of octaves in which two positive numbers lie. */
function cellCenter(x: v128): v128 {
  return v128.or(v128.and(x, fixed(memory.data<u64>([0xffff000000000000]))), fixed(memory.data<u64>([0x800000000000])));
}

/** The row of the quantile's table for the upper word of p (1 - p); some row that exists for what is less than 1/256. */
function centralRow(upper: i32): usize {
  return quantileTable + <usize>min(<u32>((upper - 0x3f700000) >> 16), 96) * 80;
}

/** The row of the quantile's table for the upper word of w; some row that exists for what is not in [2, 39). */
function quantileRow(upper: i32): usize {
  return quantileTable + (<usize>min(<u32>((upper - 0x40000000) >> 16), 69) + 97) * 80;
}

/** The addresses of the rows of the Mills ratio for two arguments, by the upper words of each plus one. */
export function ratioRow(upper: i32): usize {
  return ratioTable + <usize>((upper - 0x3ff00000) >> 16) * 96;
}

/** The middles of the cells in which t lies, given t + 1. */
export function ratioCenter(shifted: v128): v128 {
  return sub(cellCenter(shifted), fixed(memory.data<f64>([1])));
}

export function tailRatio(t: v128): v128 {
  const shifted = add(t, fixed(memory.data<f64>([1])));
  const middle = v128.or(
    v128.and(shifted, fixed(memory.data<u64>([0xffffc00000000000]))),
    fixed(memory.data<u64>([0x200000000000])),
  );
  const x = sub(t, sub(middle, fixed(memory.data<f64>([1]))));
  const a = tailRow(i32x4.extract_lane(shifted, 1));
  const b = tailRow(i32x4.extract_lane(shifted, 3));
  const square = mul(x, x);
  const a2 = v128.load(a, 16);
  const b2 = v128.load(b, 16);
  const a4 = v128.load(a, 32);
  const b4 = v128.load(b, 32);
  const a6 = v128.load(a, 48);
  const b6 = v128.load(b, 48);
  const last = add(firsts(a6, b6), mul(x, seconds(a6, b6)));
  const rest = add(add(firsts(a4, b4), mul(x, seconds(a4, b4))), mul(square, last));
  const slope = add(add(firsts(a2, b2), mul(x, seconds(a2, b2))), mul(square, rest));
  const a0 = v128.load(a);
  const b0 = v128.load(b);
  return add(firsts(a0, b0), add(seconds(a0, b0), mul(x, slope)));
}

function tailRow(upper: i32): usize {
  return tailTable + ((<usize>((upper - 0x3fe00000) >> 14)) << 6);
}
