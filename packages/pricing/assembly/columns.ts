/**
 * The addresses of the columns of a call, and which rows have their terms in their domains: `src/kernel/columns.ts` for two
 * options at once.
 */
import { both, fixed } from "./lanes";

/** Of the present call for prices or greeks. */
export let signs: usize = 0;
export let forwards: usize = 0;
export let strikes: usize = 0;
export let times: usize = 0;
export let discounts: usize = 0;
export let volatilities: usize = 0;
export let prices: usize = 0;
export let statuses: usize = 0;

export function setColumns(
  sign: usize,
  forward: usize,
  strike: usize,
  years: usize,
  discount: usize,
  volatility: usize,
  price: usize,
  status: usize,
): void {
  signs = sign;
  forwards = forward;
  strikes = strike;
  times = years;
  discounts = discount;
  volatilities = volatility;
  prices = price;
  statuses = status;
}

/** Of the present call for greeks. */
export let deltas: usize = 0;
export let gammas: usize = 0;
export let vegas: usize = 0;
export let thetas: usize = 0;
export let rhos: usize = 0;
export let vannas: usize = 0;

export function setGreekColumns(delta: usize, gamma: usize, vega: usize, theta: usize, rho: usize, vanna: usize): void {
  deltas = delta;
  gammas = gamma;
  vegas = vega;
  thetas = theta;
  rhos = rho;
  vannas = vanna;
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

/** Writes the status of the row whose columns are `at` bytes on, and says whether it has a price. */
export function markRow(at: usize): bool {
  const terms = statusOfTerms(signs + at, forwards + at, strikes + at, times + at, discounts + at);
  const status = terms === 0 && !isOneAmount(load<f64>(volatilities + at)) ? 6 : terms;
  store<u8>(statuses + (at >> 3), <u8>status);
  return status === 0;
}

function isOnePrice(x: f64): bool {
  return 1e-100 <= x && x <= 1e100;
}

function isOneAmount(x: f64): bool {
  return 0 <= x && x <= 1e100;
}
