/**
 * Options on the geometric average of the spot under the model of Black, Scholes and Merton: averaged continuously over the
 * whole life, or at equal distances, the last at expiry. The average is lognormal, so the value is in closed form; it is also
 * the control variate of choice for the arithmetic average, which has none. The average begins now: what a running one has
 * seen already is not its business.
 *
 * A. Kemna and A. Vorst, "A pricing method for options based on average asset values", Journal of Banking and Finance 14
 * (1990); for the discrete average E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd edition (2007), 4.20.
 */
import { exp } from "@stoa/base/exact";
import { optionTypes } from "./black76.ts";
import { legsOf, priceOf, type BlackScholesArguments, type BlackScholesValues } from "./black-scholes.ts";
import { addPairs, dividePairs, lowPart, multiplyPairs } from "./pair.ts";
import { integer, oneOf, PricingRefusal } from "./refusal.ts";
import { densityAt, distributionAt, scratch, standardise } from "./standardised.ts";

export type GeometricAsianArguments = BlackScholesArguments & {
  /** How many observations are averaged, at years/n, 2 years/n, ... years; 1 is a European option. Continuous when absent. */
  readonly observationsCount?: number;
};

/** As for Black-Scholes; theta is that of an option with a shorter life, its observations moving together. */
export type GeometricAsianValues = BlackScholesValues;

export const observationsCountMax = 10_000_000;

/**
 * The value of a geometric average option with its first derivatives and gamma. The logarithm of the average has the mean
 * ln(S) + (r - q - volatility^2/2) a T and the variance v^2 = volatility^2 b T with a = (n+1)/(2n), b = (n+1)(2n+1)/(6n^2)
 * (1/2 and 1/3 when continuous). With g = a (r - q) T - (a - b) volatility^2 T / 2, A = S exp(g - r T), d1 and
 * d2 = (ln(S/K) + g ± v^2/2)/v, H = A N(d1) for a call and -A N(-d1) for a put:
 *
 *   price = A N(d1) - K exp(-r T) N(d2)               delta = H / S,   gamma = A n(d1) / (S^2 v)
 *   vega  = A n(d1) sqrt(b T) - H (a - b) volatility T
 *   theta = r price - H g / T - A n(d1) v / (2 T)
 *   rho   = H a T - T price,   yieldRho = -H a T,     dualDelta = -exp(-r T) N(d2)
 *
 * Without time or volatility they are those of exercise at the average along the one path. Error: a few units in the last
 * place; vega, theta and rho are sums whose error is relative to the largest term.
 *
 * @example geometricAsian({ type: "put", spot: 80, strike: 85, years: 0.25, volatility: 0.2, rate: 0.05, dividendYield: -0.03 })
 */
export function geometricAsian(option: GeometricAsianArguments): GeometricAsianValues {
  const { type, spot, strike, years, volatility, rate = 0, observationsCount } = option;
  oneOf("type", type, optionTypes);
  const n =
    observationsCount === undefined
      ? undefined
      : integer("observationsCount", observationsCount, 1, observationsCountMax);
  const { cash, cashDiscount, drift, driftLow } = legsOf(option);

  // a, b and a - b as quotients of integers, which doubles hold.
  const meanTop = n === undefined ? 1 : n + 1;
  const meanBottom = n === undefined ? 2 : 2 * n;
  const varianceTop = n === undefined ? 1 : (n + 1) * (2 * n + 1);
  const lossTop = n === undefined ? 0.5 : (n + 1) * (n - 1);
  const bottom = n === undefined ? 3 : 6 * n * n;

  if (1e100 < volatility || 1e100 < years || 1e5 < volatility * Math.sqrt(years))
    throw new PricingRefusal("volatility", "outside-range", volatility, "times sqrt(years) must be at most 100000");
  const spread = dividePairs(years, 0, bottom, 0);
  const spreadLow = lowPart();
  const averaged = multiplyPairs(spread, spreadLow, varianceTop, 0);
  const averagedLow = lowPart();
  const growth = growthOf({ drift, driftLow, meanTop, meanBottom, spread, spreadLow, lossTop, volatility });
  const growthLow = lowPart();
  const interest = multiplyPairs(-rate, 0, years, 0);
  const exponent = addPairs(growth, growthLow, interest, lowPart());
  const assetDiscount = exp(exponent) * (1 + lowPart());
  const asset = spot * assetDiscount;
  const standard = standardise(spot, strike, growth, growthLow, averaged, volatility, averagedLow);
  const price = priceOf(type, { asset, cash, standard });

  const { d1, d1Low, d2, d2Low, deviation, root } = standard;
  const side = type === "call" ? 1 : -1;
  const above = distributionAt(side * d1, side * d1Low, upper);
  const below = distributionAt(side * d2, side * d2Low, lower);
  const held = side * asset * above.value * above.coarse * above.fine;
  const meanYears = (years * meanTop) / meanBottom;
  const loss = held * (spread * lossTop * volatility);
  const passing = years === 0 ? 0 : held * (growth / years);
  const firsts = {
    price,
    delta: side * assetDiscount * above.value * above.coarse * above.fine,
    gamma: 0,
    vega: 0,
    theta: rate * price - passing + 0,
    rho: held * meanYears - years * price + 0,
    yieldRho: -held * meanYears + 0,
    dualDelta: -side * cashDiscount * below.value * below.coarse * below.fine,
  };
  if (deviation === 0) return firsts;
  const { value, coarse, fine } = densityAt(d1, d1Low, asset);
  firsts.gamma = (value / deviation / spot / spot) * coarse * fine;
  firsts.vega = value * root * coarse * fine - loss;
  firsts.theta += ((-0.5 * value * deviation) / years) * coarse * fine;
  return firsts;
}

const upper = scratch();
const lower = scratch();

type Growth = {
  readonly drift: number;
  readonly driftLow: number;
  readonly meanTop: number;
  readonly meanBottom: number;
  readonly spread: number;
  readonly spreadLow: number;
  readonly lossTop: number;
  readonly volatility: number;
};

/** g: what the average's forward gains on the spot; a pair, its low part by `lowPart()`. */
function growthOf(terms: Growth): number {
  const { drift, driftLow, volatility } = terms;
  const scaled = multiplyPairs(drift, driftLow, terms.meanTop, 0);
  const gain = dividePairs(scaled, lowPart(), terms.meanBottom, 0);
  const gainLow = lowPart();
  const square = multiplyPairs(volatility, 0, volatility, 0);
  const variance = multiplyPairs(square, lowPart(), terms.spread, terms.spreadLow);
  const loss = multiplyPairs(variance, lowPart(), -0.5 * terms.lossTop, 0);
  return addPairs(gain, gainLow, loss, lowPart());
}
