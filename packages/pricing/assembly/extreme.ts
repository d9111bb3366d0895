/**
 * `src/kernel/extreme.ts`, a row at a time as there: the same operations in the same order, so the same bits. Functions of two
 * lanes get the row in both.
 */
import {
  deltas,
  discounts,
  forwards,
  gammas,
  prices,
  rhos,
  signs,
  strikes,
  thetas,
  times,
  vannas,
  vegas,
  volatilities,
} from "./columns";
import { log, logRatio, scaledExp } from "./functions";
import { both } from "./lanes";
import { boundedRatio, innerRatio, isNearIn, nearDifference, outerRatio, ratioCell } from "./mills-ratio";

const farthest: f64 = 1000;
const ratioEnd: f64 = 61;

/** What {@link timeValue} leaves behind for the greeks, as `leftovers` does in TypeScript. */
let weight: f64 = 0;
let inner: f64 = 0;
let outer: f64 = 0;
let firstRatio: f64 = 0;
let secondRatio: f64 = 0;
let isMirrored: bool = false;

/** The price of the row whose columns are `at` bytes on. */
export function extremePrice(at: usize): f64 {
  const forward = load<f64>(forwards + at);
  const strike = load<f64>(strikes + at);
  const isBelow = forward <= strike;
  const deviation = load<f64>(volatilities + at) * (sqrt(load<f64>(times + at)) + 0) + 0;
  const gain = load<f64>(signs + at) === 1 ? forward - strike : strike - forward;
  const value = timeValue(isBelow ? forward : strike, isBelow ? strike : forward, deviation);
  return load<f64>(discounts + at) * ((0 < gain ? gain : 0) + value);
}

/** Writes price and greeks of the row whose columns are `at` bytes on. */
export function fillExtreme(at: usize): void {
  const forward = load<f64>(forwards + at);
  const strike = load<f64>(strikes + at);
  const years = load<f64>(times + at);
  const volatility = load<f64>(volatilities + at);
  const discount = load<f64>(discounts + at);
  const isCall = load<f64>(signs + at) === 1;
  const isBelow = forward <= strike;
  const price = extremePrice(at);
  const root = sqrt(years) + 0;
  const deviation = volatility * root + 0;

  const tail = (weight / forward) * (isBelow ? firstRatio : secondRatio);
  const flips = isBelow && isMirrored;
  const isTail = (isCall === isBelow) !== flips;
  const probability = isTail ? tail : 1 - tail;

  const isCertain = deviation === 0;
  const isOver = years === 0;
  const density = isCertain ? 0 : discount * (weight * 0.3989422804014327);
  const perForward = density / forward;
  const d2 = isBelow ? -outer : inner;
  const logDiscount = f64x2.extract_lane(log(both(discount)), 0);
  const decay = (-0.5 * density * volatility) / (isOver ? 1 : root) - (price * logDiscount) / (isOver ? 1 : years);
  store<f64>(prices + at, price);
  store<f64>(deltas + at, discount * (isCall ? probability : -probability) + 0);
  store<f64>(gammas + at, perForward / (forward * (isCertain ? 1 : deviation)));
  store<f64>(vegas + at, density * root);
  store<f64>(thetas + at, isOver ? 0 : decay + 0);
  store<f64>(rhos + at, -years * price + 0);
  store<f64>(vannas + at, (perForward * -d2) / (isCertain ? 1 : volatility) + 0);
}

function timeValue(low: f64, high: f64, deviation: f64): f64 {
  const quotient = f64x2.extract_lane(logRatio(both(high), both(low)), 0);
  const ratio = quotient === 0 ? 0 : quotient / deviation;
  const h = ratio < farthest ? ratio : farthest;
  const half = 0.5 * deviation;
  const t = half < farthest ? half : farthest;
  inner = h - t;
  outer = h + t;
  const power = both(-0.5 * (h * h + t * t));
  weight = f64x2.extract_lane(scaledExp(power, both(0), both(low * sqrt(high / low))), 0);
  const cell = ratioCell(both(h < ratioEnd ? h : ratioEnd));
  const isNear = v128.any_true(isNearIn(cell, both(deviation)));
  const value = isNear ? nearValue(cell, deviation) : farValue(low);
  isMirrored = !(isNear || 0 <= inner);
  return value < 0 ? 0 : low < value ? low : value;
}

function nearValue(cell: v128, deviation: f64): f64 {
  const slope = f64x2.extract_lane(nearDifference(cell, both(inner), both(outer), both(deviation)), 0);
  firstRatio = f64x2.extract_lane(innerRatio, 0);
  secondRatio = f64x2.extract_lane(outerRatio, 0);
  return weight * (deviation * slope);
}

function farValue(low: f64): f64 {
  firstRatio = f64x2.extract_lane(boundedRatio(both(inner < 0 ? -inner : inner)), 0);
  secondRatio = f64x2.extract_lane(boundedRatio(both(outer)), 0);
  return inner < 0 ? low - weight * (firstRatio + secondRatio) : weight * (firstRatio - secondRatio);
}
