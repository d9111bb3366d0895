/**
 * The inner loops of `src/monte-carlo/path-kernels.ts` for two paths at once: the same operations in the same order, so the
 * same bits. Columns are given by their addresses; counts are even.
 */
import { exp, inverseNormal, log } from "./functions";
import { add, both, div, every, firsts, fixed, mul, none, pick, seconds, sub } from "./lanes";

/** Philox4x32-10 with four counters side by side, eight uniforms; see `src/monte-carlo/philox.ts` for their order. */
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
  const m0 = v128.load32_splat(memory.data<u32>([0xd2511f53]));
  const m1 = v128.load32_splat(memory.data<u32>([0xcd9e8d57]));
  for (let path = 0; path < count; path += 8) {
    let c0 = i32x4.add(i32x4.splat(pairLow + (path >> 1)), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(pairHigh);
    let c2 = i32x4.splat(dimension);
    let c3 = i32x4.splat(stream);
    let k0 = seedLow;
    let k1 = seedHigh;
    for (let round = 0; round < 10; round++) {
      const a = i64x2.extmul_low_i32x4_u(c0, m0);
      const b = i64x2.extmul_high_i32x4_u(c0, m0);
      const c = i64x2.extmul_low_i32x4_u(c2, m1);
      const d = i64x2.extmul_high_i32x4_u(c2, m1);
      c0 = v128.xor(v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), c1), i32x4.splat(k0));
      c1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
      c2 = v128.xor(v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), c3), i32x4.splat(k1));
      c3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
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
  }
}

/** (k + 1/2) 2^-52 with k the upper 52 bits; 2^52 + k is what those bits are under the exponent of 2^52. */
function uniformsOf(words: v128): v128 {
  const shifted = v128.or(i64x2.shr_u(words, 12), i64x2.splat(0x4330000000000000));
  return mul(
    add(sub(shifted, fixed(memory.data<f64>([4503599627370496]))), fixed(memory.data<f64>([0.5]))),
    fixed(memory.data<f64>([2.220446049250313e-16])),
  );
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
  for (let at = values; at < end; at += 16) v128.store(at, inverseNormal(v128.load(at)));
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
  for (let at: usize = 0; at < size; at += 16) v128.store(out + at, exp(v128.load(logs + at)));
}

/** What one branch of a step gives. */
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
  const decay = v128.load64_splat(constants);
  const meanShift = v128.load64_splat(constants, 8);
  const spreadSlope = v128.load64_splat(constants, 16);
  const spreadShift = v128.load64_splat(constants, 24);
  const drift = v128.load64_splat(constants, 32);
  const k0 = v128.load64_splat(constants, 40);
  const k1 = v128.load64_splat(constants, 48);
  const k2 = v128.load64_splat(constants, 56);
  const k3 = v128.load64_splat(constants, 64);
  const k4 = v128.load64_splat(constants, 72);
  const growth = v128.load64_splat(constants, 80);
  const size = (<usize>count) << 3;
  for (let at: usize = 0; at < size; at += 16) {
    const variance = v128.load(variances + at);
    const mean = add(mul(variance, decay), meanShift);
    const psi = div(add(mul(variance, spreadSlope), spreadShift), mul(mean, mean));
    stepVariance(psi, mean, v128.load(uniforms + at), growth);
    const martingale = sub(f64x2.neg(logMoment), mul(mul(fixed(memory.data<f64>([0.5])), k3), variance));
    const correction = pick(bounded, martingale, add(k0, mul(k1, variance)));
    const deviation = f64x2.sqrt(add(mul(k3, variance), mul(k4, next)));
    const shift = add(add(drift, correction), mul(k2, next));
    v128.store(logs + at, add(add(v128.load(logs + at), shift), mul(deviation, v128.load(normals + at))));
    v128.store(variances + at, next);
  }
}

function stepVariance(psi: v128, mean: v128, uniform: v128, growth: v128): void {
  const isQuadratic = f64x2.le(psi, fixed(memory.data<f64>([1.5])));
  if (every(isQuadratic)) {
    quadratic(psi, mean, uniform, growth);
  } else if (none(isQuadratic)) {
    exponential(psi, mean, uniform, growth);
  } else {
    quadratic(psi, mean, uniform, growth);
    const quadraticNext = next;
    const quadraticMoment = logMoment;
    const quadraticBounded = bounded;
    exponential(psi, mean, uniform, growth);
    next = pick(isQuadratic, quadraticNext, next);
    logMoment = pick(isQuadratic, quadraticMoment, logMoment);
    bounded = pick(isQuadratic, quadraticBounded, bounded);
  }
}

function quadratic(psi: v128, mean: v128, uniform: v128, growth: v128): void {
  const one = fixed(memory.data<f64>([1]));
  const ratio = div(fixed(memory.data<f64>([2])), psi);
  const less = sub(ratio, one);
  const square = add(less, mul(f64x2.sqrt(ratio), f64x2.sqrt(less)));
  const scale = div(mean, add(one, square));
  const root = add(f64x2.sqrt(square), inverseNormal(uniform));
  next = mul(scale, mul(root, root));
  const rest = sub(one, mul(fixed(memory.data<f64>([2])), mul(growth, scale)));
  bounded = f64x2.gt(rest, both(0));
  logMoment = sub(div(mul(mul(growth, square), scale), rest), mul(fixed(memory.data<f64>([0.5])), log(rest)));
}

function exponential(psi: v128, mean: v128, uniform: v128, growth: v128): void {
  const one = fixed(memory.data<f64>([1]));
  const whole = add(psi, one);
  const mass = div(sub(psi, one), whole);
  const complement = div(fixed(memory.data<f64>([2])), whole);
  const beta = div(complement, mean);
  const jump = div(log(div(complement, sub(one, uniform))), beta);
  next = pick(f64x2.le(uniform, mass), both(0), jump);
  bounded = f64x2.lt(growth, beta);
  logMoment = log(add(mass, div(mul(beta, complement), sub(beta, growth))));
}
