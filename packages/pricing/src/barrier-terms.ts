/**
 * The terms of a barrier option and their derivatives, on pairs of doubles. With s = volatility sqrt(T), c = (r - q) T / s,
 * u = c - s/2, p = (r - q) / volatility^2, X the strike, H the barrier, h = ln(S/H), w = 1 for a call and -1 for a put, v = 1 for
 * a down barrier and -1 for an up barrier, the terms of Reiner and Rubinstein are a leg in the asset less a leg in money each:
 *
 *   A = vanilla(ln(S/X)),  B = vanilla(h)         vanilla(l) = w S e^-qT N(w (l/s + u + s)) - w X e^-rT N(w (l/s + u))
 *   C = mirror(ln(S/X)),   D = mirror(h)          mirror(l)  = the same of l - 2h with v in the distributions, its legs
 *                                                              times (H/S)^(2p + 1) and (H/S)^(2p - 1)
 *
 * Legs of a kind share their exponent, so the option is four sums, asset and money, plain and mirrored, whose derivatives are
 * factors of a line (`valuesOf`). What the distributions add to those is little, because nearly all densities are one:
 *
 *   S e^-qT n(d1) = X e^-rT n(d2) within A and C,    H and X times b = e^-rT n(h/s + u) within B and D, and b itself within
 *   both rebates; that of C is that of A times (H/S)^(2 ln(X/H) / s^2), whose exponent is never positive where C is used.
 *
 * So what cancels between terms is left out by algebra, and no power is formed that a small distribution would have to undo: a
 * distribution in its left half is the density times its Mills ratio, in its right half the whole leg less that.
 */
import { powerOfTwo, productError, sumError } from "@stoa/base/exact/error-free";
import { at, expPair, millsPair, result } from "@stoa/base/exact/pairs";
import { densityAtZero } from "@stoa/base/exact/tables";
import type { Legs } from "./black-scholes.ts";
import { exponentOf, logMoneyness, scaled } from "./normalised-black.ts";
import { standardise } from "./standardised.ts";

/** high + low, two doubles that do not overlap. */
type Pair = { readonly high: number; readonly low: number };

/** How many of each term an option is, and its rebate. */
export type Composition = {
  /** A. */
  readonly plain: number;
  /** C. */
  readonly mirrored: number;
  /** D - w v B. */
  readonly between: number;
  readonly rebate: number;
  readonly rebateAt: "expiry" | "touch";
};

export type BarrierTerms = {
  readonly spot: number;
  readonly strike: number;
  readonly barrier: number;
  readonly years: number;
  readonly volatility: number;
  readonly rate: number;
  readonly dividendYield: number;
  readonly isCall: boolean;
  readonly isDown: boolean;
};

/** With respect to the spot, per 1.00 of volatility, rate and yield, and per year that passes. */
export type BarrierValues = {
  readonly price: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
  readonly yieldRho: number;
};

/**
 * The value of a composition of terms with its derivatives, for a deviation within 1e±30; `legs` are those of the option without
 * its barrier. Undefined where a rebate at the touch has no finite value, for a rate too far below zero.
 */
export function barrierValues(
  terms: BarrierTerms,
  legs: Pick<Legs, "drift" | "driftLow" | "standard">,
  composition: Composition,
): BarrierValues | undefined {
  const market = marketOf(terms, legs);
  const exponents = exponentsOf(terms, market);
  const products = productsOf(terms, market, exponents, composition);
  const { rebate, rebateAt } = composition;
  let touch: Touch | undefined;
  if (rebateAt === "touch" && rebate !== 0) {
    const square = squareOf(terms, market);
    if (square.high < 0) return undefined;
    touch = { square, root: rootOf(square) };
    const place = { market, exponents, rebate, isDown: terms.isDown };
    products.push(touched(plusRoot, touch.root, place), touched(minusRoot, scale(touch.root, -1), place));
  }
  const shift = shiftOf(products);
  const sums: Pair[] = [zero, zero, zero, zero, zero, zero];
  for (const product of products) sums[product.kind] = plus(sums[product.kind] as Pair, valueOf(product, shift));
  const densities = densitiesOf(terms, exponents, composition, shift);
  const rebates =
    touch === undefined
      ? undefined
      : rebatesOf(market, touch, sums, weigh(densities.alone, terms.isDown ? rebate : -rebate));
  return valuesOf(terms, market, sums, densities, rebates, shift);
}

type Market = {
  /** s. */
  readonly deviation: Pair;
  /** c and p of the head. */
  readonly carry: Pair;
  readonly power: Pair;
  /** h, and 2h/s. */
  readonly distance: Pair;
  readonly reach: Pair;
  /** -r T and -q T. */
  readonly interest: Pair;
  readonly holding: Pair;
  /** d1 and d2 of the strike and of the barrier in its place. */
  readonly d1: Pair;
  readonly d2: Pair;
  readonly barrierD1: Pair;
  readonly barrierD2: Pair;
};

function marketOf(
  terms: BarrierTerms,
  { drift, driftLow, standard }: Pick<Legs, "drift" | "driftLow" | "standard">,
): Market {
  const { spot, barrier, years, volatility, rate, dividendYield } = terms;
  const deviation = { high: standard.deviation, low: standard.deviationLow };
  const d1 = { high: standard.d1, low: standard.d1Low };
  const d2 = { high: standard.d2, low: standard.d2Low };
  const atBarrier = standardise(spot, barrier, drift, driftLow, years, volatility);
  const carry = over({ high: drift, low: driftLow }, deviation);
  const distance = logarithm(spot, barrier);
  return {
    deviation,
    carry,
    power: over(carry, deviation),
    distance,
    reach: over(scale(distance, 2), deviation),
    interest: times(exactly(-rate), exactly(years)),
    holding: times(exactly(-dividendYield), exactly(years)),
    d1,
    d2,
    barrierD1: { high: atBarrier.d1, low: atBarrier.d1Low },
    barrierD2: { high: atBarrier.d2, low: atBarrier.d2Low },
  };
}

/** exp(log), computed when it is needed, times the power of two that all terms share. */
type Power = { readonly log: Pair; value: Pair | undefined };

type Exponents = {
  /** Before distributions: those of A and B, those of C and D. */
  readonly asset: Power;
  readonly money: Power;
  readonly mirroredAsset: Power;
  readonly mirroredMoney: Power;
  /** Of the densities of A, of C, and of B and D, without 1 / sqrt(2 pi). */
  readonly atStrike: Power;
  readonly atMirror: Power;
  readonly atBarrier: Power;
};

function exponentsOf({ strike, barrier }: BarrierTerms, market: Market): Exponents {
  const { power, distance, reach, interest, holding, d2, barrierD2, deviation } = market;
  const twice = scale(times(distance, power), -2);
  const atStrike = plus(interest, scale(times(d2, d2), -0.5));
  const apart = over(logarithm(barrier, strike), deviation);
  return {
    asset: powerOf(holding),
    money: powerOf(interest),
    mirroredAsset: powerOf(plus(holding, minus(twice, distance))),
    mirroredMoney: powerOf(plus(interest, plus(twice, distance))),
    atStrike: powerOf(atStrike),
    atMirror: powerOf(plus(atStrike, times(reach, apart))),
    atBarrier: powerOf(plus(interest, scale(times(barrierD2, barrierD2), -0.5))),
  };
}

// The kinds of products, and the places of their sums.
const plainAsset = 0;
const plainMoney = 1;
const mirroredAsset = 2;
const mirroredMoney = 3;
const plusRoot = 4;
const minusRoot = 5;

/** sign * amount * exp(exponent) N(z), of which sign * edge * exp(density) m(|z|) is on the left or missing on the right. */
type Product = {
  readonly kind: number;
  readonly sign: number;
  readonly amount: number;
  readonly exponent: Power;
  readonly z: Pair;
  readonly edge: number;
  readonly density: Power;
};

function productsOf(terms: BarrierTerms, market: Market, exponents: Exponents, composition: Composition): Product[] {
  const { spot, strike, barrier, isCall, isDown } = terms;
  const { plain, mirrored, between, rebate, rebateAt } = composition;
  const { asset, money, atStrike, atMirror, atBarrier } = exponents;
  const { d1, d2, barrierD1, barrierD2, reach } = market;
  const w = isCall ? 1 : -1;
  const v = isDown ? 1 : -1;
  const products: Product[] = [];
  const add = (kind: number, sign: number, amount: number, exponent: Power, z: Pair, edge: number, density: Power) =>
    products.push({ kind, sign, amount, exponent, z, edge, density });
  const reflected = (d: Pair): Pair => scale(minus(d, reach), v);
  if (plain !== 0) {
    add(plainAsset, plain * w, spot, asset, scale(d1, w), strike, atStrike);
    add(plainMoney, -plain * w, strike, money, scale(d2, w), strike, atStrike);
  }
  if (mirrored !== 0) {
    add(mirroredAsset, mirrored * w, spot, exponents.mirroredAsset, reflected(d1), strike, atMirror);
    add(mirroredMoney, -mirrored * w, strike, exponents.mirroredMoney, reflected(d2), strike, atMirror);
  }
  if (between !== 0) {
    add(plainAsset, -between * v, spot, asset, scale(barrierD1, w), barrier, atBarrier);
    add(plainMoney, between * v, strike, money, scale(barrierD2, w), strike, atBarrier);
    add(mirroredAsset, between * w, spot, exponents.mirroredAsset, reflected(barrierD1), barrier, atBarrier);
    add(mirroredMoney, -between * w, strike, exponents.mirroredMoney, reflected(barrierD2), strike, atBarrier);
  }
  if (rebate !== 0 && rebateAt === "expiry") {
    add(plainMoney, 1, rebate, money, scale(barrierD2, v), rebate, atBarrier);
    add(mirroredMoney, -1, rebate, exponents.mirroredMoney, reflected(barrierD2), rebate, atBarrier);
  }
  return products;
}

/** What the rebate at the touch stands on: k^2 = (p - 1/2)^2 + 2 r / volatility^2 and its root. */
type Touch = { readonly square: Pair; readonly root: Pair };

function squareOf({ rate, years }: BarrierTerms, { power, deviation, interest }: Market): Pair {
  const centre = plus(power, exactly(-0.5));
  const discounting = rate === 0 || years === 0 ? zero : over(over(scale(interest, -2), deviation), deviation);
  return plus(times(centre, centre), discounting);
}

type Place = {
  readonly market: Market;
  readonly exponents: Exponents;
  readonly rebate: number;
  readonly isDown: boolean;
};

/** (H/S)^(p - 1/2 + k) N(v (-h/s + k s)) for the root k of either sign, times the rebate. */
function touched(kind: number, root: Pair, { market, exponents, rebate, isDown }: Place): Product {
  const { power, distance, reach, deviation } = market;
  const exponent = powerOf(times(distance, minus(exactly(0.5), plus(power, root))));
  const z = scale(plus(scale(reach, -0.5), times(root, deviation)), isDown ? 1 : -1);
  return { kind, sign: 1, amount: rebate, exponent, z, edge: rebate, density: exponents.atBarrier };
}

/**
 * The power of two that brings the largest term to 2^400, amounts of money included: what is 1e-400 of it, as a derivative may be, is a normal double then,
 * and so are all of them where they are so small that doubles would lose their digits.
 */
function shiftOf(products: readonly Product[]): number {
  let top = smallestLog;
  let largest = 1;
  for (const { z, exponent, density, amount, edge } of products) {
    largest = Math.max(largest, amount, edge);
    const log = z.high < 0 ? density.log.high : exponent.log.high;
    if (top < log) top = log;
  }
  return 400 - Math.floor(top / logOfTwo) - (1 < largest ? exponentOf(largest) : 0);
}

const logOfTwo = 0.6931471805599453;
/** exp of less than this times the largest double is no double. */
const smallestLog = -1460;

function valueOf({ sign, amount, exponent, z, edge, density }: Product, shift: number): Pair {
  const left = z.high < 0;
  const tail = weigh(times(raised(density, shift), mills(left ? scale(z, -1) : z)), sign * edge);
  return left ? tail : minus(weigh(raised(exponent, shift), sign * amount), tail);
}

function raised(power: Power, shift: number): Pair {
  if (power.value !== undefined) return power.value;
  const { high, low } = power.log;
  let value = zero;
  if (smallestLog < high) {
    const exponent = expPair(high < 1000 ? high : 1000, low) + shift;
    if (-1000 < exponent)
      value = scale({ high: at(result, 0), low: at(result, 1) }, powerOfTwo(exponent < 1023 ? exponent : 1023));
  }
  power.value = value;
  return value;
}

/** The Mills ratio N(-t) exp(t^2/2) for t >= 0; beyond its table by the asymptotic series. */
function mills(t: Pair): Pair {
  if (t.high < 127) {
    millsPair(t.high, t.low);
    return { high: at(result, 0), low: at(result, 1) };
  }
  const w = 1 / (t.high * t.high);
  const ratio = over(densityTop, t);
  return plus(ratio, exactly(-ratio.high * w * (1 - w * (3 - w * (15 - w * 105)))));
}

type Densities = {
  /** X times those of A and C. */
  readonly strike: Pair;
  /** Those of B, D and the rebate, whose quantiles differ by 2h/s. */
  readonly barrier: Pair;
  /** b of the head. */
  readonly alone: Pair;
};

function densitiesOf(terms: BarrierTerms, exponents: Exponents, composition: Composition, shift: number): Densities {
  const { strike, barrier, isCall, isDown } = terms;
  const { plain, mirrored, between, rebate, rebateAt } = composition;
  const v = isDown ? 1 : -1;
  const side = isCall === isDown ? 1 : -1;
  const first = plain === 0 ? zero : scale(raised(exponents.atStrike, shift), plain);
  const second = mirrored === 0 ? zero : scale(raised(exponents.atMirror, shift), side * mirrored);
  const apart = barrier - strike;
  const spread = { high: side * between * apart, low: side * between * sumError(barrier, -strike, apart) };
  const factor = plus(spread, exactly(rebateAt === "touch" ? v * rebate : -v * rebate));
  const alone = between === 0 && rebate === 0 ? zero : times(densityTop, raised(exponents.atBarrier, shift));
  return { strike: weigh(times(densityTop, plus(first, second)), strike), barrier: times(alone, factor), alone };
}

/** What a rebate at the touch adds to the sums: J+ + J-, (J+ - J-) / k, and k^2, J+ and J- being its products with either root. */
type Rebates = { readonly sum: Pair; readonly slope: Pair; readonly square: Pair };

/** `density` is that of either product. Where k is so small that they are one the quotient is the derivative in k. */
function rebatesOf(market: Market, { square, root }: Touch, sums: readonly Pair[], density: Pair): Rebates {
  const { distance, deviation } = market;
  const sum = plus(sums[plusRoot] as Pair, sums[minusRoot] as Pair);
  const size = distance.high < 0 ? -distance.high : distance.high;
  const slope =
    root.high * (size + deviation.high) < smallRoot
      ? minus(scale(times(density, deviation), 2), times(distance, sum))
      : over(minus(sums[plusRoot] as Pair, sums[minusRoot] as Pair), root);
  return { sum, slope, square };
}

const smallRoot = 9.5367431640625e-7; // 2^-20

/**
 * The derivatives of the head's sums, F and M of the asset and of money, those mirrored with a prime, with N' = F' + M', Q the
 * densities of A and C times X, and b that of B, D and the rebate times what it is a density of; a is 2h/s:
 *
 *   S dV/dS   = F + M' - 2 p N' - 2 b / s                        S^2 d2V/dS2 = 2 p (2 p N' + F' - M') + Q / s + b (4 c + a) / s^2
 *   dV/dvol   = (2 a c N' + Q s + b a) / volatility              dV/dT = -q (F + F') - r (M + M') + (Q s + b a) / (2 T)
 *   dV/dr     = -T (M + M' + a N' / s)                           dV/dq = -T (F + F' - a N' / s)
 *
 * and a rebate at the touch, J = J+ + J- and G = (J+ - J-) / k, adds to them
 *
 *   (1/2 - p) J - k^2 G,   (p^2 - 1/4 + k^2) J + 2 p k^2 G,   a s (p J + (k^2 + p^2 - 1/4) G / 2) / volatility,   0,
 *   -T a (J + (p + 1/2) G) / (2 s),   T a (J + (p - 1/2) G) / (2 s).
 */
function valuesOf(
  terms: BarrierTerms,
  { deviation, carry, power, reach }: Market,
  sums: readonly Pair[],
  densities: Densities,
  rebates: Rebates | undefined,
  shift: number,
): BarrierValues {
  const { spot, years, volatility, rate, dividendYield } = terms;
  const mirroredF = sums[mirroredAsset] as Pair;
  const mirroredM = sums[mirroredMoney] as Pair;
  const mirrored = plus(mirroredF, mirroredM);
  const asset = plus(sums[plainAsset] as Pair, mirroredF);
  const money = plus(sums[plainMoney] as Pair, mirroredM);
  const { strike: q, barrier: b } = densities;
  const twicePower = scale(power, 2);
  const bent = times(twicePower, mirrored);
  const turn = over(reach, deviation);
  const turned = times(turn, mirrored);
  const spreading = plus(times(q, deviation), times(b, reach));

  let value = plus(asset, money);
  let slope = minus(minus(plus(sums[plainAsset] as Pair, mirroredM), bent), over(scale(b, 2), deviation));
  const bending = over(plus(q, over(times(b, plus(scale(carry, 4), reach)), deviation)), deviation);
  let bend = plus(times(twicePower, plus(bent, minus(mirroredF, mirroredM))), bending);
  let widening = plus(scale(times(times(reach, carry), mirrored), 2), spreading);
  let perRate = plus(money, turned);
  let perYield = minus(asset, turned);
  if (rebates !== undefined) {
    const { sum, slope: change, square } = rebates;
    const squares = plus(plus(square, times(power, power)), exactly(-0.25));
    const flow = scale(turn, 0.5);
    value = plus(value, sum);
    slope = plus(slope, minus(times(minus(exactly(0.5), power), sum), times(square, change)));
    bend = plus(bend, plus(times(squares, sum), times(times(twicePower, square), change)));
    const widened = plus(times(power, sum), scale(times(squares, change), 0.5));
    widening = plus(widening, times(times(reach, deviation), widened));
    perRate = plus(perRate, times(flow, plus(sum, times(plus(power, exactly(0.5)), change))));
    perYield = minus(perYield, times(flow, plus(sum, times(plus(power, exactly(-0.5)), change))));
  }
  const decay = plus(weigh(asset, dividendYield), weigh(money, rate));
  const theta = minus(decay, over(scale(spreading, 0.5), exactly(years)));
  return {
    price: 0 < value.high ? scaled(value.high, -shift) : 0,
    delta: scaled(over(slope, exactly(spot)).high, -shift) + 0,
    gamma: scaled(over(over(bend, exactly(spot)), exactly(spot)).high, -shift) + 0,
    vega: scaled(widening.high / volatility, -shift) + 0,
    theta: scaled(theta.high, -shift) + 0,
    rho: scaled(-years * perRate.high, -shift) + 0,
    yieldRho: scaled(-years * perYield.high, -shift) + 0,
  };
}

const zero: Pair = { high: 0, low: 0 };
const densityTop: Pair = { high: at(densityAtZero, 0), low: at(densityAtZero, 1) };
const ends = new Float64Array(2);

/** ln(a / b), whose digits hold for neighbours too. */
function logarithm(a: number, b: number): Pair {
  if (a < b) logMoneyness(a, b, ends);
  else logMoneyness(b, a, ends);
  const sign = a < b ? -1 : 1;
  return { high: sign * at(ends, 0), low: sign * at(ends, 1) };
}

function powerOf(log: Pair): Power {
  return { log, value: undefined };
}

function exactly(high: number): Pair {
  return { high, low: 0 };
}

/** The pair times a power of two, or a sign. */
function scale(a: Pair, factor: number): Pair {
  return { high: a.high * factor, low: a.low * factor };
}

function normalised(high: number, low: number): Pair {
  const sum = high + low;
  return { high: sum, low: low - (sum - high) };
}

function plus(a: Pair, b: Pair): Pair {
  const sum = a.high + b.high;
  return normalised(sum, sumError(a.high, b.high, sum) + (a.low + b.low));
}

function minus(a: Pair, b: Pair): Pair {
  const sum = a.high - b.high;
  return normalised(sum, sumError(a.high, -b.high, sum) + (a.low - b.low));
}

function times(a: Pair, b: Pair): Pair {
  const product = a.high * b.high;
  return normalised(product, errorOf(a.high, b.high, product) + (a.high * b.low + a.low * b.high));
}

function weigh(a: Pair, weight: number): Pair {
  const product = a.high * weight;
  return normalised(product, errorOf(a.high, weight, product) + a.low * weight);
}

function over(a: Pair, b: Pair): Pair {
  const quotient = a.high / b.high;
  const product = quotient * b.high;
  const remainder = a.high - product - errorOf(quotient, b.high, product);
  return normalised(quotient, (remainder + a.low - quotient * b.low) / b.high);
}

function rootOf(a: Pair): Pair {
  const root = Math.sqrt(a.high);
  if (root === 0) return zero;
  const square = root * root;
  return normalised(root, (a.high - square - errorOf(root, root, square) + a.low) / (2 * root));
}

/** What a product leaves out, where splitting its factors cannot overflow; nothing beyond that. */
function errorOf(a: number, b: number, product: number): number {
  const within =
    -farthest < a && a < farthest && -farthest < b && b < farthest && -farthest < product && product < farthest;
  return within ? productError(a, b, product) : 0;
}

const farthest = 1e290;
