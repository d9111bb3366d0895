/**
 * The inner loops of `src/monte-carlo/path-kernels.ts` for two paths at once: the same operations in the same order, so the
 * same bits. Columns are given by their addresses; counts are even.
 */
import { Inlined, log } from "./functions";
import { add, both, div, every, firsts, fixed, mul, none, pick, seconds, sub } from "./lanes";

/** Twenty vectors that hold what a call of the generator adds in its rounds, each in all four lanes. */
const additions: usize = memory.data(320, 16);

/**
 * Philox4x32-10 with four counters side by side, eight uniforms; see `src/monte-carlo/philox.ts` for their order. PERF: of the first
 * two rounds one product each is the same for all paths.
 */
export function fillUniforms(
  out: usize,
  count: i32,
  seedLow: i32,
  seedHigh: i32,
  pairLow: i32,
  pairHigh: i32,
  dimension: i32,
  stream: i32,
): void {
  prepareRounds(seedLow, seedHigh, pairHigh, dimension, stream);
  const m0 = v128.load32_splat(memory.data<u32>([0xd2511f53]));
  const m1 = v128.load32_splat(memory.data<u32>([0xcd9e8d57]));
  let pairs = i32x4.add(i32x4.splat(pairLow), v128.load(memory.data<i32>([0, 1, 2, 3], 16)));
  for (let path = 0; path < count; path += 8) {
    let a = i64x2.extmul_low_i32x4_u(pairs, m0);
    let b = i64x2.extmul_high_i32x4_u(pairs, m0);
    let c2 = v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), v128.load(additions));
    let c3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    let c = i64x2.extmul_low_i32x4_u(c2, m1);
    let d = i64x2.extmul_high_i32x4_u(c2, m1);
    let c0 = v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), v128.load(additions, 16));
    let c1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
    c2 = v128.xor(c3, v128.load(additions, 32));
    c3 = v128.load(additions, 48);
    for (let key = additions + 64; key < additions + 320; key += 32) {
      a = i64x2.extmul_low_i32x4_u(c0, m0);
      b = i64x2.extmul_high_i32x4_u(c0, m0);
      c = i64x2.extmul_low_i32x4_u(c2, m1);
      d = i64x2.extmul_high_i32x4_u(c2, m1);
      c0 = v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), v128.xor(c1, v128.load(key)));
      c1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
      c2 = v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), v128.xor(c3, v128.load(key, 16)));
      c3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    }
    const address = out + ((<usize>path) << 3);
    const left = count - path;
    const evens = uniformsOf(v128.shuffle<i32>(c1, c0, 0, 4, 1, 5));
    const odds = uniformsOf(v128.shuffle<i32>(c3, c2, 0, 4, 1, 5));
    v128.store(address, firsts(evens, odds));
    if (2 < left) v128.store(address, seconds(evens, odds), 16);
    if (left <= 4) return;
    const laterEvens = uniformsOf(v128.shuffle<i32>(c1, c0, 2, 6, 3, 7));
    const laterOdds = uniformsOf(v128.shuffle<i32>(c3, c2, 2, 6, 3, 7));
    v128.store(address, firsts(laterEvens, laterOdds), 32);
    if (6 < left) v128.store(address, seconds(laterEvens, laterOdds), 48);
    pairs = i32x4.add(pairs, v128.load32_splat(memory.data<i32>([4])));
  }
}

function prepareRounds(seedLow: i32, seedHigh: i32, pairHigh: i32, dimension: i32, stream: i32): void {
  const first = <u64>(<u32>dimension) * 0xcd9e8d57;
  const c0 = (<i32>(first >> 32)) ^ pairHigh ^ seedLow;
  const second = <u64>(<u32>c0) * 0xd2511f53;
  let k0 = seedLow + 0x9e3779b9;
  let k1 = seedHigh + 0xbb67ae85;
  v128.store(additions, i32x4.splat(stream ^ seedHigh));
  v128.store(additions, i32x4.splat((<i32>first) ^ k0), 16);
  v128.store(additions, i32x4.splat((<i32>(second >> 32)) ^ k1), 32);
  v128.store(additions, i32x4.splat(<i32>second), 48);
  for (let key = additions + 64; key < additions + 320; key += 32) {
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
    v128.store(key, i32x4.splat(k0));
    v128.store(key, i32x4.splat(k1), 16);
  }
}

/** (k + 1/2) 2^-52 with k the upper 52 bits: under the exponent of 1 they are 1 + k 2^-52, from which 1 - 2^-53 is taken exactly. */
function uniformsOf(words: v128): v128 {
  const shifted = v128.or(i64x2.shr_u(words, 12), fixed(memory.data<u64>([0x3ff0000000000000])));
  return sub(shifted, fixed(memory.data<f64>([0.9999999999999999])));
}

export function fillNormals(
  out: usize,
  count: i32,
  seedLow: i32,
  seedHigh: i32,
  pairLow: i32,
  pairHigh: i32,
  dimension: i32,
  stream: i32,
): void {
  fillUniforms(out, count, seedLow, seedHigh, pairLow, pairHigh, dimension, stream);
  normalsOfUniforms(out, count);
}

export function normalsOfUniforms(values: usize, count: i32): void {
  const end = values + ((<usize>count) << 3);
  for (let at = values; at < end; at += 16) v128.store(at, Inlined.inverseNormal(v128.load(at)));
}

export function gbmStep(logs: usize, normals: usize, count: i32, drift: f64, deviation: f64): void {
  const size = (<usize>count) << 3;
  for (let at: usize = 0; at < size; at += 16) {
    const moved = add(v128.load(logs + at), both(drift));
    v128.store(logs + at, add(moved, mul(both(deviation), v128.load(normals + at))));
  }
}

export function exponentials(out: usize, logs: usize, count: i32): void {
  const size = (<usize>count) << 3;
  for (let at: usize = 0; at < size; at += 16) v128.store(out + at, Inlined.exp(v128.load(logs + at)));
}

export function gains(out: usize, values: usize, count: i32, strike: f64, sign: f64, discount: f64): void {
  const size = (<usize>count) << 3;
  for (let at: usize = 0; at < size; at += 16) {
    const gain = mul(both(sign), sub(v128.load(values + at), both(strike)));
    const half = mul(fixed(memory.data<f64>([0.5])), add(gain, f64x2.abs(gain)));
    v128.store(out + at, mul(both(discount), half));
  }
}

export function sumsInParts(values: usize, count: i32, parts: usize): bool {
  const end = values + ((<usize>count) << 3);
  let largest = both(0);
  let least = fixed(memory.data<f64>([Infinity]));
  for (let at = values; at < end; at += 16) {
    const magnitude = f64x2.abs(v128.load(at));
    largest = f64x2.pmax(largest, magnitude);
    least = f64x2.pmin(least, v128.or(magnitude, f64x2.eq(magnitude, both(0))));
  }
  const most = max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
  const fewest = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  const exponent = <i32>(reinterpret<u64>(most) >> 52) - 1022;
  if (exponent < -400 || 400 < exponent || fewest < power(exponent - 19)) return false;
  const coarse = both(1.5 * power(exponent + 8));
  const coarseSquare = both(1.5 * power(2 * exponent + 8));
  let upper = both(0);
  let lower = both(0);
  let upperSquares = both(0);
  let lowerSquares = both(0);
  for (let at = values; at < end; at += 16) {
    const value = v128.load(at);
    const leading = sub(add(coarse, value), coarse);
    upper = add(upper, leading);
    lower = add(lower, sub(value, leading));
    const square = mul(value, value);
    const leadingSquare = sub(add(coarseSquare, square), coarseSquare);
    upperSquares = add(upperSquares, leadingSquare);
    lowerSquares = add(lowerSquares, sub(square, leadingSquare));
  }
  v128.store(parts, add(firsts(upper, lower), seconds(upper, lower)));
  const squares = add(firsts(upperSquares, lowerSquares), seconds(upperSquares, lowerSquares));
  v128.store(parts, squares, 16);
  return every(f64x2.eq(squares, squares));
}

/** 2^exponent for the exponents of normal numbers. */
function power(exponent: i32): f64 {
  return reinterpret<f64>((<u64>(exponent + 1023)) << 52);
}

/** What a formula for the variance gives; a function of the module returns one vector only. */
let next: v128 = f64x2.splat(0);
let logMoment: v128 = f64x2.splat(0);
let bounded: v128 = f64x2.splat(0);

export function hestonQeStep(
  logs: usize,
  variances: usize,
  normals: usize,
  uniforms: usize,
  count: i32,
  constants: usize,
): void {
  const size = (<usize>count) << 3;
  for (let at: usize = 0; at < size; at += 16) {
    const variance = v128.load(variances + at);
    const mean = add(mul(variance, v128.load64_splat(constants)), v128.load64_splat(constants, 8));
    const spread = add(mul(variance, v128.load64_splat(constants, 16)), v128.load64_splat(constants, 24));
    const ratio = div(mul(fixed(memory.data<f64>([2])), mul(mean, mean)), spread);
    const uniform = v128.load(uniforms + at);
    const growth = v128.load64_splat(constants, 72);
    const isQuadratic = f64x2.ge(ratio, fixed(memory.data<f64>([1.3333333333333333])));
    // A pair of paths mostly takes one formula; the other is then left out.
    if (!none(isQuadratic)) quadratic(ratio, mean, uniform, growth);
    if (!every(isQuadratic)) exponential(isQuadratic, ratio, mean, uniform, growth);
    const k3 = v128.load64_splat(constants, 64);
    const martingale = sub(f64x2.neg(logMoment), mul(mul(fixed(memory.data<f64>([0.5])), k3), variance));
    const plain = add(v128.load64_splat(constants, 40), mul(v128.load64_splat(constants, 48), variance));
    const correction = pick(bounded, martingale, plain);
    const deviation = f64x2.sqrt(mul(k3, add(variance, next)));
    const shift = add(add(v128.load64_splat(constants, 32), correction), mul(v128.load64_splat(constants, 56), next));
    v128.store(logs + at, add(add(v128.load(logs + at), shift), mul(deviation, v128.load(normals + at))));
    v128.store(variances + at, next);
  }
}

function quadratic(ratio: v128, mean: v128, uniform: v128, growth: v128): void {
  const one = fixed(memory.data<f64>([1]));
  const capped = f64x2.pmin(ratio, fixed(memory.data<f64>([1e100])));
  const less = sub(capped, one);
  const square = add(less, f64x2.sqrt(mul(capped, less)));
  const whole = add(one, square);
  const root = add(f64x2.sqrt(square), Inlined.inverseNormal(uniform));
  next = mul(div(mean, whole), mul(root, root));
  const grown = mul(growth, mean);
  bounded = f64x2.lt(add(grown, grown), whole);
  const half = v128.and(bounded, grown);
  const rest = sub(whole, add(half, half));
  logMoment = sub(div(mul(half, square), rest), halfLogOfQuotient(half, whole, rest));
}

function halfLogOfQuotient(half: v128, whole: v128, rest: v128): v128 {
  const s = div(f64x2.neg(half), sub(whole, half));
  const square = mul(s, s);
  const last = add(
    fixed(memory.data<f64>([0.14285714285714285])),
    mul(square, fixed(memory.data<f64>([0.1111111111111111]))),
  );
  const middle = add(fixed(memory.data<f64>([0.2])), mul(square, last));
  const first = add(fixed(memory.data<f64>([0.3333333333333333])), mul(square, middle));
  const series = add(s, mul(mul(s, square), first));
  const isSmall = f64x2.le(square, fixed(memory.data<f64>([0.0009765625])));
  if (every(isSmall)) return series;
  return pick(isSmall, series, mul(fixed(memory.data<f64>([0.5])), log(div(rest, whole))));
}

/** Takes the place of what {@link quadratic} gave except where that is meant to stay. */
function exponential(isQuadratic: v128, ratio: v128, mean: v128, uniform: v128, growth: v128): void {
  const two = fixed(memory.data<f64>([2]));
  const whole = add(two, ratio);
  const mass = div(sub(two, ratio), whole);
  const complement = div(add(ratio, ratio), whole);
  const beta = div(complement, mean);
  const jump = div(log(div(complement, sub(fixed(memory.data<f64>([1])), uniform))), beta);
  next = pick(isQuadratic, next, pick(f64x2.le(uniform, mass), both(0), jump));
  const moment = log(add(mass, div(mul(beta, complement), sub(beta, growth))));
  logMoment = pick(isQuadratic, logMoment, moment);
  bounded = pick(isQuadratic, bounded, f64x2.lt(growth, beta));
}
