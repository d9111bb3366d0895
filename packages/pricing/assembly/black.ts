/**
 * `src/kernel/black.ts` for two options at once: the same operations in the same order, so the same bits. Branches of the
 * TypeScript form are selects here; where both lanes take the same one the other is not computed.
 */
import { log, logRatio, ratioCenter, ratioRow, scaledExp, tailRatio } from "./functions";
import { add, both, div, every, firsts, fixed, mul, none, pick, seconds, sub } from "./lanes";

/** What {@link timeValue} leaves behind for the greeks, as `leftovers` does in TypeScript. */
let weight: v128 = f64x2.splat(0);
let inner: v128 = f64x2.splat(0);
let outer: v128 = f64x2.splat(0);
let innerRatio: v128 = f64x2.splat(0);
let outerRatio: v128 = f64x2.splat(0);
let flips: v128 = f64x2.splat(0);

/** The addresses of the columns of the present call. */
let signs: usize = 0;
let forwards: usize = 0;
let strikes: usize = 0;
let times: usize = 0;
let discounts: usize = 0;
let volatilities: usize = 0;
let prices: usize = 0;
let deltas: usize = 0;
let gammas: usize = 0;
let vegas: usize = 0;
let thetas: usize = 0;
let rhos: usize = 0;
let vannas: usize = 0;

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
  signs = sign;
  forwards = forward;
  strikes = strike;
  times = years;
  discounts = discount;
  volatilities = volatility;
  prices = price;
  deltas = delta;
  gammas = gamma;
  vegas = vega;
  thetas = theta;
  rhos = rho;
  vannas = vanna;
  let refused = 0;
  for (let row: usize = 0; row < <usize>count; row += 2) {
    const at = row << 3;
    const isGood = goodTerms(signs + at, forwards + at, strikes + at, times + at, discounts + at);
    const isPriced = v128.and(isGood, isAmount(v128.load(volatilities + at)));
    if (every(isPriced)) {
      store<u16>(status + row, 0);
    } else {
      const first = <u32>statusOf(at);
      const second = <u32>statusOf(at + 8);
      store<u16>(status + row, <u16>(first | (second << 8)));
      refused += (first !== 0 ? 1 : 0) + (second !== 0 ? 1 : 0);
    }
    fillPair(at, isPriced);
  }
  return refused;
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
  signs = sign;
  forwards = forward;
  strikes = strike;
  times = years;
  discounts = discount;
  volatilities = volatility;
  prices = price;
  let refused = 0;
  for (let row: usize = 0; row < <usize>count; row += 2) {
    const at = row << 3;
    const isGood = goodTerms(signs + at, forwards + at, strikes + at, times + at, discounts + at);
    const isPriced = v128.and(isGood, isAmount(v128.load(volatilities + at)));
    if (every(isPriced)) {
      store<u16>(status + row, 0);
    } else {
      const first = <u32>statusOf(at);
      const second = <u32>statusOf(at + 8);
      store<u16>(status + row, <u16>(first | (second << 8)));
      refused += (first !== 0 ? 1 : 0) + (second !== 0 ? 1 : 0);
    }
    pricePair(at, isPriced);
  }
  return refused;
}

function pricePair(at: usize, isGood: v128): void {
  const one = fixed(memory.data<f64>([1]));
  const zero = both(0);
  const forward = pick(isGood, v128.load(forwards + at), one);
  const strike = pick(isGood, v128.load(strikes + at), one);
  const isBelow = f64x2.le(forward, strike);
  const root = add(f64x2.sqrt(pick(isGood, v128.load(times + at), one)), zero);
  const deviation = add(mul(pick(isGood, v128.load(volatilities + at), one), root), zero);
  const gain = pick(f64x2.eq(v128.load(signs + at), one), sub(forward, strike), sub(strike, forward));
  const value = timeValue(pick(isBelow, forward, strike), pick(isBelow, strike, forward), deviation);
  const sum = add(pick(f64x2.lt(zero, gain), gain, zero), value);
  put(prices + at, isGood, mul(v128.load(discounts + at), sum));
}

function isPrice(x: v128): v128 {
  return v128.and(f64x2.le(fixed(memory.data<f64>([1e-100])), x), f64x2.le(x, fixed(memory.data<f64>([1e100]))));
}

function isAmount(x: v128): v128 {
  return v128.and(f64x2.le(both(0), x), f64x2.le(x, fixed(memory.data<f64>([1e100]))));
}

/** Which of two options have all their terms in their domains; the arguments are addresses. */
export function goodTerms(sign: usize, forward: usize, strike: usize, years: usize, discount: usize): v128 {
  const isSign = f64x2.eq(f64x2.abs(v128.load(sign)), fixed(memory.data<f64>([1])));
  const isPair = v128.and(isPrice(v128.load(forward)), isPrice(v128.load(strike)));
  const isRest = v128.and(isAmount(v128.load(years)), isPrice(v128.load(discount)));
  return v128.and(isSign, v128.and(isPair, isRest));
}

/** The code of one row's terms, as `termStatus` has it. */
export function statusOfTerms(sign: usize, forward: usize, strike: usize, years: usize, discount: usize): i32 {
  if (abs(load<f64>(sign)) != 1) return 1;
  if (!isOnePrice(load<f64>(forward))) return 2;
  if (!isOnePrice(load<f64>(strike))) return 3;
  if (!isOneAmount(load<f64>(years))) return 4;
  return isOnePrice(load<f64>(discount)) ? 0 : 5;
}

function statusOf(at: usize): i32 {
  const terms = statusOfTerms(signs + at, forwards + at, strikes + at, times + at, discounts + at);
  return terms === 0 && !isOneAmount(load<f64>(volatilities + at)) ? 6 : terms;
}

function isOnePrice(x: f64): bool {
  return 1e-100 <= x && x <= 1e100;
}

function isOneAmount(x: f64): bool {
  return 0 <= x && x <= 1e100;
}

/** One pair of rows; those that are not good are priced as if every argument were 1, and their figures are NaN. */
function fillPair(at: usize, isGood: v128): void {
  const one = fixed(memory.data<f64>([1]));
  const zero = both(0);
  const forward = pick(isGood, v128.load(forwards + at), one);
  const strike = pick(isGood, v128.load(strikes + at), one);
  const years = pick(isGood, v128.load(times + at), one);
  const volatility = pick(isGood, v128.load(volatilities + at), one);
  const discount = pick(isGood, v128.load(discounts + at), one);
  const isCall = f64x2.eq(v128.load(signs + at), one);
  const isBelow = f64x2.le(forward, strike);
  const root = add(f64x2.sqrt(years), zero);
  const deviation = add(mul(volatility, root), zero);
  const gain = pick(isCall, sub(forward, strike), sub(strike, forward));
  const value = timeValue(pick(isBelow, forward, strike), pick(isBelow, strike, forward), deviation);
  const price = mul(discount, add(pick(f64x2.lt(zero, gain), gain, zero), value));

  const tail = mul(div(weight, forward), pick(isBelow, innerRatio, outerRatio));
  const isTail = v128.xor(v128.not(v128.xor(isCall, isBelow)), v128.and(isBelow, flips));
  const probability = pick(isTail, tail, sub(one, tail));

  const isCertain = f64x2.eq(deviation, zero);
  const isOver = f64x2.eq(years, zero);
  const density = pick(isCertain, zero, mul(discount, mul(weight, fixed(memory.data<f64>([0.3989422804014327])))));
  const perForward = div(density, forward);
  const d2 = pick(isBelow, f64x2.neg(outer), inner);
  const fading = div(mul(mul(fixed(memory.data<f64>([-0.5])), density), volatility), pick(isOver, one, root));
  let logDiscount = zero;
  if (!every(f64x2.eq(discount, one))) logDiscount = log(discount);
  const interest = div(mul(price, logDiscount), pick(isOver, one, years));
  put(prices + at, isGood, price);
  put(deltas + at, isGood, add(mul(discount, pick(isCall, probability, f64x2.neg(probability))), zero));
  put(gammas + at, isGood, div(perForward, mul(forward, pick(isCertain, one, deviation))));
  put(vegas + at, isGood, mul(density, root));
  put(thetas + at, isGood, pick(isOver, zero, add(sub(fading, interest), zero)));
  put(rhos + at, isGood, add(mul(f64x2.neg(years), price), zero));
  put(vannas + at, isGood, add(div(mul(perForward, f64x2.neg(d2)), pick(isCertain, one, volatility)), zero));
}

function put(address: usize, isGood: v128, value: v128): void {
  v128.store(address, pick(isGood, value, both(NaN)));
}

const farthest: f64 = 1000;
const ratioEnd: f64 = 61;

function atMost(x: v128, bound: f64): v128 {
  return f64x2.pmin(both(bound), x);
}

export function timeValue(low: v128, high: v128, deviation: v128): v128 {
  const quotient = logRatio(high, low);
  const ratio = pick(f64x2.eq(quotient, both(0)), both(0), div(quotient, deviation));
  const h = atMost(ratio, farthest);
  const t = atMost(mul(fixed(memory.data<f64>([0.5])), deviation), farthest);
  inner = sub(h, t);
  outer = add(h, t);
  const power = mul(fixed(memory.data<f64>([-0.5])), add(mul(h, h), mul(t, t)));
  weight = scaledExp(power, both(0), mul(low, f64x2.sqrt(div(high, low))));
  const cell = add(atMost(h, ratioEnd), fixed(memory.data<f64>([1])));
  const width = mul(fixed(memory.data<f64>([0.0625])), v128.and(cell, i64x2.splat(0x7ff0000000000000)));
  const isNear = f64x2.le(deviation, width);
  let value: v128;
  if (every(isNear)) {
    value = mul(weight, mul(deviation, nearDifference(cell, inner, outer, deviation)));
  } else if (none(isNear)) {
    value = farValue(low);
  } else {
    const near = mul(weight, mul(deviation, nearDifference(cell, inner, outer, deviation)));
    const nearInner = innerRatio;
    const nearOuter = outerRatio;
    value = pick(isNear, near, farValue(low));
    innerRatio = pick(isNear, nearInner, innerRatio);
    outerRatio = pick(isNear, nearOuter, outerRatio);
    flips = v128.andnot(flips, isNear);
  }
  return pick(f64x2.lt(value, both(0)), both(0), pick(f64x2.lt(low, value), low, value));
}

/** In which lanes R at h - s/2 and at h + s/2 is taken from one cell. */
export function isNear(h: v128, deviation: v128): v128 {
  const cell = add(inTable(h), fixed(memory.data<f64>([1])));
  return f64x2.le(deviation, mul(fixed(memory.data<f64>([0.0625])), v128.and(cell, i64x2.splat(0x7ff0000000000000))));
}

/** (R(h - s/2) - R(h + s/2)) / s for two that are near. */
export function nearSlope(h: v128, deviation: v128): v128 {
  const cell = add(inTable(h), fixed(memory.data<f64>([1])));
  const half = mul(fixed(memory.data<f64>([0.5])), deviation);
  return nearDifference(cell, sub(h, half), add(h, half), deviation);
}

export function boundedRatio(t: v128): v128 {
  return tailRatio(inTable(t));
}

function inTable(t: v128): v128 {
  return atMost(pick(f64x2.lt(both(0), t), t, both(0)), ratioEnd);
}

function nearDifference(cell: v128, from: v128, to: v128, deviation: v128): v128 {
  const center = ratioCenter(cell);
  const first = sub(atMost(from, ratioEnd), center);
  const second = sub(atMost(to, ratioEnd), center);
  const a = ratioRow(i32x4.extract_lane(cell, 1));
  const b = ratioRow(i32x4.extract_lane(cell, 3));
  let fromA = v128.load(a, 80);
  let fromB = v128.load(b, 80);
  let ratio = seconds(fromA, fromB);
  let slope = ratio;
  ratio = add(mul(ratio, first), firsts(fromA, fromB));
  for (let offset: usize = 64; ; offset -= 16) {
    fromA = v128.load(a + offset);
    fromB = v128.load(b + offset);
    slope = add(mul(slope, second), ratio);
    ratio = add(mul(ratio, first), seconds(fromA, fromB));
    slope = add(mul(slope, second), ratio);
    ratio = add(mul(ratio, first), firsts(fromA, fromB));
    if (offset === 0) break;
  }
  innerRatio = ratio;
  outerRatio = add(ratio, mul(deviation, slope));
  flips = both(0);
  return f64x2.neg(slope);
}

function farValue(low: v128): v128 {
  flips = f64x2.lt(inner, both(0));
  innerRatio = boundedRatio(f64x2.abs(inner));
  outerRatio = boundedRatio(outer);
  const left = sub(low, mul(weight, add(innerRatio, outerRatio)));
  return pick(flips, left, mul(weight, sub(innerRatio, outerRatio)));
}
