/**
 * One expiry of a volatility surface in Gatheral's raw SVI form: total variance over log-moneyness k = ln(strike/forward),
 *
 *   w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)),
 *
 * with its derivatives and the test that it admits no butterfly. It knows nothing of calibration or of other expiries.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014).
 */
import { assert } from "@stoa/base/assert";
import { log } from "@stoa/base/exact";

export type SviSlice = {
  /** Level of total variance. */
  readonly a: number;
  /** Slope of the wings, not negative. */
  readonly b: number;
  /** Tilt, within (-1, 1). */
  readonly rho: number;
  /** Shift in log-moneyness. */
  readonly m: number;
  /** Width of the bend, positive. */
  readonly s: number;
};

/** In the order in which they are checked. */
export const sviRefusals = ["parameters-outside-domain", "variance-negative", "wings-too-steep", "butterfly"] as const;
export type SviRefusal = (typeof sviRefusals)[number];

/** Total variance (volatility squared times years) with its first two derivatives in k. */
export type SviVariance = { readonly variance: number; readonly slope: number; readonly curvature: number };

export function sviVariance(slice: SviSlice, k: number): SviVariance {
  const { a, b, rho, m, s } = slice;
  const offset = k - m;
  const root = Math.sqrt(offset * offset + s * s);
  return {
    variance: a + b * (rho * offset + root),
    slope: b * (rho + offset / root),
    curvature: (b * s * s) / (root * root * root),
  };
}

/** The volatility per square-root year at a strike; forward, strike and `years` are positive. */
export function sviVolatility(slice: SviSlice, forward: number, strike: number, years: number): number {
  assert(
    0 < forward && 0 < strike && 0 < years,
    `a slice is read at positive prices and times: ${forward} ${strike} ${years}`,
  );
  return Math.sqrt(sviVariance(slice, log(strike / forward)).variance / years);
}

/**
 * Gatheral's g(k): the risk-neutral density of ln(price) up to a positive factor. A slice admits a butterfly where it is
 * negative.
 */
export function sviDensityFactor(slice: SviSlice, k: number): number {
  const { variance, slope, curvature } = sviVariance(slice, k);
  const lean = 1 - (k * slope) / (2 * variance);
  return lean * lean - 0.25 * slope * slope * (1 / variance + 0.25) + 0.5 * curvature;
}

/**
 * Why a slice is no valid smile, or undefined. Parameters outside their domain; minimum variance not positive; wings
 * steeper than Lee's bound b (1 + |rho|) <= 2; a negative density factor at one of `count` points evenly over
 * [-reach, reach] (a finite grid: a violation narrower than its step is not seen).
 */
export function sviRefusal(slice: SviSlice, reach = 3, count = 601): SviRefusal | undefined {
  const { a, b, rho, m, s } = slice;
  const domain = 0 <= b && -1 < rho && rho < 1 && 0 < s && a - a === 0 && b - b === 0 && m - m === 0 && s - s === 0;
  if (!domain) return "parameters-outside-domain";
  if (!(0 < a + b * s * Math.sqrt(1 - rho * rho))) return "variance-negative";
  if (2 < b * (1 + (rho < 0 ? -rho : rho))) return "wings-too-steep";
  for (let index = 0; index < count; index++) {
    if (sviDensityFactor(slice, -reach + (2 * reach * index) / (count - 1)) < 0) return "butterfly";
  }
  return undefined;
}
