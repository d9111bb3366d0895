/**
 * Numbers that carry their derivatives: forward differentiation of a formula of the Black-Scholes world, exact to rounding, by
 * the rules of sum, product, quotient and chain. A jet holds a value, its derivatives in ln(spot) (first and second), in
 * volatility, years, rate and yield. For formulas of so many terms that derivatives by hand would be a page of their own.
 */
import { exp, normalDensity, normalDistribution } from "@stoa/base/exact";
import { at, millsPair, result } from "@stoa/base/exact/pairs";

export type Jet = {
  readonly value: number;
  /** In ln(spot), once and twice. */
  readonly slope: number;
  readonly bend: number;
  readonly volatility: number;
  readonly years: number;
  readonly rate: number;
  readonly dividendYield: number;
};

export const zeroJet: Jet = { value: 0, slope: 0, bend: 0, volatility: 0, years: 0, rate: 0, dividendYield: 0 };

/** `a + factor * b`. */
export function plus(a: Jet, b: Jet, factor = 1): Jet {
  return {
    value: a.value + factor * b.value,
    slope: a.slope + factor * b.slope,
    bend: a.bend + factor * b.bend,
    volatility: a.volatility + factor * b.volatility,
    years: a.years + factor * b.years,
    rate: a.rate + factor * b.rate,
    dividendYield: a.dividendYield + factor * b.dividendYield,
  };
}

export function times(a: Jet, b: Jet): Jet {
  return {
    value: a.value * b.value,
    slope: a.slope * b.value + a.value * b.slope,
    bend: a.bend * b.value + 2 * a.slope * b.slope + a.value * b.bend,
    volatility: a.volatility * b.value + a.value * b.volatility,
    years: a.years * b.value + a.value * b.years,
    rate: a.rate * b.value + a.value * b.rate,
    dividendYield: a.dividendYield * b.value + a.value * b.dividendYield,
  };
}

/** f(a), given f, f' and f'' at its value. */
export function through(a: Jet, value: number, first: number, second: number): Jet {
  return {
    value,
    slope: first * a.slope,
    bend: first * a.bend + second * a.slope * a.slope,
    volatility: first * a.volatility,
    years: first * a.years,
    rate: first * a.rate,
    dividendYield: first * a.dividendYield,
  };
}

export function over(a: Jet, b: Jet): Jet {
  const inverse = 1 / b.value;
  return times(a, through(b, inverse, -inverse * inverse, 2 * inverse * inverse * inverse));
}

export function rootOf(a: Jet): Jet {
  const root = Math.sqrt(a.value);
  return through(a, root, 0.5 / root, -0.25 / (root * a.value));
}

/**
 * exp(exponent) N(z), also where one factor is no double and the product is: left of -1 the exponents are added first and the
 * distribution is its Mills ratio.
 */
export function weighted(exponent: Jet, z: Jet): Jet {
  const x = z.value;
  const left = x < -1;
  const density = left
    ? 0.3989422804014327 * exp(exponent.value - 0.5 * x * x)
    : exp(exponent.value) * normalDensity(x);
  const value = left ? density * 2.5066282746310002 * tailRatio(-x) : exp(exponent.value) * normalDistribution(x);
  return {
    value,
    slope: exponent.slope * value + z.slope * density,
    bend:
      (exponent.bend + exponent.slope * exponent.slope) * value +
      (2 * exponent.slope * z.slope + z.bend - x * z.slope * z.slope) * density,
    volatility: exponent.volatility * value + z.volatility * density,
    years: exponent.years * value + z.years * density,
    rate: exponent.rate * value + z.rate * density,
    dividendYield: exponent.dividendYield * value + z.dividendYield * density,
  };
}

/** N(-t) exp(t^2/2) for t >= 1; beyond the table of Mills ratios by its asymptotic series. */
function tailRatio(t: number): number {
  if (t < 127) {
    millsPair(t, 0);
    return at(result, 0);
  }
  const w = 1 / (t * t);
  return ((1 - w * (1 - w * (3 - w * 15))) / t) * 0.3989422804014327;
}
