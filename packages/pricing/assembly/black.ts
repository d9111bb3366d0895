/**
 * `src/kernel/black.ts` for two options at once: the same operations in the same order, so the same bits. A pair goes through the
 * loops when one of its rows is ordinary; the other, if it is not, is written before them and left alone by them.
 */
import {
  deltas,
  discounts,
  forwards,
  gammas,
  markRow,
  prices,
  rhos,
  setColumns,
  setGreekColumns,
  signs,
  statuses,
  strikes,
  thetas,
  times,
  vannas,
  vegas,
  volatilities,
} from "./columns";
import { extremePrice, fillExtreme } from "./extreme";
import { boundedExp, logOfQuotient, tablesEnd, tailRatio } from "./functions";
import { add, both, div, every, fixed, mul, none, pick, sub } from "./lanes";
import { innerRatio, isNearIn, nearDifference, outerRatio, ratioCell } from "./mills-ratio";

/** What the loops hand on, sixteen bytes for each pair in its turn. */
const blockSize: usize = 1024;
const sites: usize = tablesEnd;
const masks: usize = sites + blockSize;
const quotients: usize = masks + blockSize;
const deviations: usize = quotients + blockSize;
const reciprocals: usize = deviations + blockSize;
const logarithms: usize = reciprocals + blockSize;
const distances: usize = logarithms + blockSize;
const weights: usize = distances + blockSize;
const innerRatios: usize = weights + blockSize;
const outerRatios: usize = innerRatios + blockSize;
const differences: usize = outerRatios + blockSize;
const flips: usize = differences + blockSize;
/** Where the first column that is handed out may begin. */
export const heapAddress: usize = flips + blockSize;

/** Fills the columns for `count` rows, an even number, and returns how many were refused. */
export function blackChain(
  count: i32,
  sign: usize,
  forward: usize,
  strike: usize,
  years: usize,
  discount: usize,
  volatility: usize,
  price: usize,
  delta: usize,
  gamma: usize,
  vega: usize,
  theta: usize,
  rho: usize,
  vanna: usize,
  status: usize,
): i32 {
  setColumns(sign, forward, strike, years, discount, volatility, price, status);
  setGreekColumns(delta, gamma, vega, theta, rho, vanna);
  const size = (<usize>count) << 3;
  let refusedCount = 0;
  for (let first: usize = 0; first < size; first += blockSize) {
    const end = min(size, first + blockSize);
    let filled: usize = 0;
    for (let at = first; at < end; at += 16) {
      const isOrdinary = takeOrdinary(at, filled);
      if (!every(isOrdinary)) {
        if (i64x2.extract_lane(isOrdinary, 0) === 0) refusedCount += fillOther(at);
        if (i64x2.extract_lane(isOrdinary, 1) === 0) refusedCount += fillOther(at + 8);
      }
      if (!none(isOrdinary)) filled += 16;
    }
    fillWeights(filled);
    fillDifferences(filled);
    fillGreeks(filled);
  }
  return refusedCount;
}

/** The prices alone; `count` is even. */
export function priceChain(
  count: i32,
  sign: usize,
  forward: usize,
  strike: usize,
  years: usize,
  discount: usize,
  volatility: usize,
  price: usize,
  status: usize,
): i32 {
  setColumns(sign, forward, strike, years, discount, volatility, price, status);
  const size = (<usize>count) << 3;
  let refusedCount = 0;
  for (let first: usize = 0; first < size; first += blockSize) {
    const end = min(size, first + blockSize);
    let filled: usize = 0;
    for (let at = first; at < end; at += 16) {
      const isOrdinary = takeOrdinary(at, filled);
      if (!every(isOrdinary)) {
        if (i64x2.extract_lane(isOrdinary, 0) === 0) refusedCount += priceOther(at);
        if (i64x2.extract_lane(isOrdinary, 1) === 0) refusedCount += priceOther(at + 8);
      }
      if (!none(isOrdinary)) filled += 16;
    }
    fillWeights(filled);
    fillDifferences(filled);
    fillPrices(filled);
  }
  return refusedCount;
}

/** A row that is not ordinary; 1 when it is refused. */
function fillOther(at: usize): i32 {
  if (markRow(at)) {
    fillExtreme(at);
    return 0;
  }
  store<f64>(prices + at, NaN);
  store<f64>(deltas + at, NaN);
  store<f64>(gammas + at, NaN);
  store<f64>(vegas + at, NaN);
  store<f64>(thetas + at, NaN);
  store<f64>(rhos + at, NaN);
  store<f64>(vannas + at, NaN);
  return 1;
}

function priceOther(at: usize): i32 {
  const isGood = markRow(at);
  store<f64>(prices + at, isGood ? extremePrice(at) : NaN);
  return isGood ? 0 : 1;
}

/** Says which of two rows are ordinary and, when one is, writes both to the turn `slot`; to the other what no table minds. */
function takeOrdinary(at: usize, slot: usize): v128 {
  const one = fixed(memory.data<f64>([1]));
  const half = fixed(memory.data<f64>([0.5]));
  const largest = fixed(memory.data<f64>([1e100]));
  const forward = v128.load(forwards + at);
  const strike = v128.load(strikes + at);
  const quotient = div(strike, forward);
  const time = v128.load(times + at);
  const sigma = v128.load(volatilities + at);
  let deviation = mul(sigma, f64x2.sqrt(time));
  const isPriced = v128.and(
    isWithin(forward, memory.data<f64>([1e-30]), memory.data<f64>([1e30])),
    isWithin(quotient, memory.data<f64>([1e-10]), memory.data<f64>([1e10])),
  );
  const isAmount = v128.and(f64x2.le(time, largest), f64x2.le(sigma, largest));
  const isTimed = v128.and(f64x2.le(fixed(memory.data<f64>([1e-12])), deviation), isAmount);
  const isPaid = isWithin(v128.load(discounts + at), memory.data<f64>([1e-10]), memory.data<f64>([1e10]));
  const isSided = f64x2.eq(f64x2.abs(v128.load(signs + at)), one);
  const reciprocal = div(one, mul(mul(sigma, sigma), time));
  const logarithm = logOfQuotient(quotient, strike, forward);
  let distance = mul(f64x2.abs(logarithm), mul(deviation, reciprocal));
  const isClose = f64x2.le(add(distance, mul(half, deviation)), fixed(memory.data<f64>([34])));
  const isOrdinary = v128.and(v128.and(v128.and(isPriced, isTimed), v128.and(isPaid, isSided)), isClose);
  if (!every(isOrdinary)) {
    if (none(isOrdinary)) return isOrdinary;
    deviation = pick(isOrdinary, deviation, one);
    distance = pick(isOrdinary, distance, one);
  }
  store<u32>(sites + slot, <u32>at);
  v128.store(masks + slot, isOrdinary);
  v128.store(quotients + slot, quotient);
  v128.store(deviations + slot, deviation);
  v128.store(reciprocals + slot, reciprocal);
  v128.store(logarithms + slot, logarithm);
  v128.store(distances + slot, distance);
  return isOrdinary;
}

function isWithin(x: v128, low: usize, high: usize): v128 {
  return v128.and(f64x2.le(fixed(low), x), f64x2.le(x, fixed(high)));
}

function fillWeights(end: usize): void {
  for (let slot: usize = 0; slot < end; slot += 16) {
    const logarithm = v128.load(logarithms + slot);
    const deviation = v128.load(deviations + slot);
    const squares = add(
      mul(mul(logarithm, logarithm), v128.load(reciprocals + slot)),
      mul(mul(fixed(memory.data<f64>([0.25])), deviation), deviation),
    );
    const power = mul(fixed(memory.data<f64>([-0.5])), squares);
    v128.store(weights + slot, boundedExp(power, f64x2.sqrt(v128.load(quotients + slot))));
  }
}

function fillDifferences(end: usize): void {
  for (let slot: usize = 0; slot < end; slot += 16) {
    const distance = v128.load(distances + slot);
    const deviation = v128.load(deviations + slot);
    const half = mul(fixed(memory.data<f64>([0.5])), deviation);
    const inner = sub(distance, half);
    const outer = add(distance, half);
    const cell = ratioCell(distance);
    const isNear = isNearIn(cell, deviation);
    if (none(isNear)) {
      fillFar(slot, inner, outer);
    } else if (every(isNear)) {
      fillNear(slot, cell, inner, outer, deviation);
    } else {
      fillFar(slot, inner, outer);
      const first = v128.load(innerRatios + slot);
      const second = v128.load(outerRatios + slot);
      const difference = v128.load(differences + slot);
      const flip = v128.load(flips + slot);
      fillNear(slot, cell, inner, outer, deviation);
      v128.store(innerRatios + slot, pick(isNear, innerRatio, first));
      v128.store(outerRatios + slot, pick(isNear, outerRatio, second));
      v128.store(differences + slot, pick(isNear, v128.load(differences + slot), difference));
      v128.store(flips + slot, v128.andnot(flip, isNear));
    }
  }
}

function fillNear(slot: usize, cell: v128, inner: v128, outer: v128, deviation: v128): void {
  v128.store(differences + slot, mul(deviation, nearDifference(cell, inner, outer, deviation)));
  v128.store(innerRatios + slot, innerRatio);
  v128.store(outerRatios + slot, outerRatio);
  v128.store(flips + slot, both(0));
}

function fillFar(slot: usize, inner: v128, outer: v128): void {
  const flip = f64x2.lt(inner, fixed(memory.data<f64>([-0.5])));
  const sign = v128.and(flip, fixed(memory.data<u64>([0x8000000000000000])));
  const first = tailRatio(v128.xor(inner, sign));
  const second = tailRatio(outer);
  v128.store(innerRatios + slot, first);
  v128.store(outerRatios + slot, second);
  v128.store(flips + slot, flip);
  v128.store(differences + slot, sub(v128.or(sign, first), second));
}

function fillPrices(end: usize): void {
  for (let slot: usize = 0; slot < end; slot += 16) {
    const at = <usize>load<u32>(sites + slot);
    const isOrdinary = v128.load(masks + slot);
    const value = valueOf(slot, v128.load(signs + at), v128.load(forwards + at), v128.load(strikes + at));
    const price = mul(v128.load(discounts + at), value);
    if (every(isOrdinary)) {
      store<u16>(statuses + (at >> 3), 0);
      v128.store(prices + at, price);
    } else {
      markOrdinary(at, isOrdinary);
      put(prices + at, isOrdinary, price);
    }
  }
}

function valueOf(slot: usize, side: v128, forward: v128, strike: v128): v128 {
  const gain = f64x2.pmax(both(0), mul(side, sub(forward, strike)));
  const whole = pick(v128.load(flips + slot), pick(f64x2.lt(side, both(0)), strike, forward), gain);
  return add(whole, mul(mul(forward, v128.load(weights + slot)), v128.load(differences + slot)));
}

function fillGreeks(end: usize): void {
  const one = fixed(memory.data<f64>([1]));
  const zero = both(0);
  let known = one;
  let logOfKnown = zero;
  for (let slot: usize = 0; slot < end; slot += 16) {
    const at = <usize>load<u32>(sites + slot);
    const side = v128.load(signs + at);
    const forward = v128.load(forwards + at);
    const strike = v128.load(strikes + at);
    const time = v128.load(times + at);
    const discount = v128.load(discounts + at);
    const sigma = v128.load(volatilities + at);
    const weight = v128.load(weights + slot);
    const deviation = v128.load(deviations + slot);
    const reciprocal = v128.load(reciprocals + slot);
    const price = mul(discount, valueOf(slot, side, forward, strike));
    if (!every(f64x2.eq(discount, known))) {
      known = discount;
      logOfKnown = logOfQuotient(discount, discount, one);
    }
    const isAbove = f64x2.lt(strike, forward);
    const tail = mul(weight, pick(isAbove, v128.load(outerRatios + slot), v128.load(innerRatios + slot)));
    const isRest = v128.xor(f64x2.lt(side, zero), v128.or(isAbove, v128.load(flips + slot)));
    const probability = f64x2.abs(sub(v128.and(isRest, one), tail));
    const perForward = mul(discount, mul(weight, fixed(memory.data<f64>([0.3989422804014327]))));
    const density = mul(perForward, forward);
    const root = f64x2.sqrt(time);
    const variance = mul(sigma, sigma);
    const perDeviation = mul(deviation, reciprocal);
    const half = mul(fixed(memory.data<f64>([0.5])), deviation);
    const d2 = sub(mul(f64x2.neg(v128.load(logarithms + slot)), perDeviation), half);
    const decay = mul(mul(fixed(memory.data<f64>([-0.5])), density), mul(variance, perDeviation));
    const delta = mul(discount, mul(side, probability));
    const gamma = mul(perForward, div(perDeviation, forward));
    const vega = mul(density, root);
    const theta = sub(decay, mul(mul(price, logOfKnown), mul(variance, reciprocal)));
    const rho = mul(f64x2.neg(time), price);
    const vanna = add(mul(mul(f64x2.neg(perForward), d2), mul(root, perDeviation)), zero);
    const isOrdinary = v128.load(masks + slot);
    if (every(isOrdinary)) {
      store<u16>(statuses + (at >> 3), 0);
      v128.store(prices + at, price);
      v128.store(deltas + at, delta);
      v128.store(gammas + at, gamma);
      v128.store(vegas + at, vega);
      v128.store(thetas + at, theta);
      v128.store(rhos + at, rho);
      v128.store(vannas + at, vanna);
    } else {
      markOrdinary(at, isOrdinary);
      put(prices + at, isOrdinary, price);
      put(deltas + at, isOrdinary, delta);
      put(gammas + at, isOrdinary, gamma);
      put(vegas + at, isOrdinary, vega);
      put(thetas + at, isOrdinary, theta);
      put(rhos + at, isOrdinary, rho);
      put(vannas + at, isOrdinary, vanna);
    }
  }
}

function markOrdinary(at: usize, isOrdinary: v128): void {
  if (i64x2.extract_lane(isOrdinary, 0) !== 0) store<u8>(statuses + (at >> 3), 0);
  if (i64x2.extract_lane(isOrdinary, 1) !== 0) store<u8>(statuses + (at >> 3), 0, 1);
}

/** Where a row is ordinary its figure; the other has its own already. */
function put(address: usize, isOrdinary: v128, value: v128): void {
  v128.store(address, pick(isOrdinary, value, v128.load(address)));
}
