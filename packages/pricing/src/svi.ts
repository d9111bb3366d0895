/**
 * One expiry of a volatility surface in Gatheral's raw SVI form: total variance over log-moneyness k = ln(strike/forward),
 *
 *   w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)),
 *
 * with its derivatives and Gatheral's density factor. It knows nothing of calibration or of other expiries. Other forms of
 * the same curve are in `surface/svi-forms.ts`, the proof that a slice admits no butterfly in `surface/butterfly-check.ts`.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014).
 */
import { log } from "@stoa/base/exact";
import { notNegative, positive } from "./refusal.ts";

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

/** The volatility per square-root year at a strike; refuses what is not positive, and a slice whose variance there is none. */
export function sviVolatility(slice: SviSlice, forward: number, strike: number, years: number): number {
  positive("forward", forward);
  positive("strike", strike);
  positive("years", years);
  return Math.sqrt(notNegative("slice.variance", sviVariance(slice, log(strike / forward)).variance) / years);
}

/**
 * Gatheral's g(k): the risk-neutral density of ln(price) up to a positive factor. A slice admits a butterfly where it is
 * negative.
 */
export function sviDensityFactor(slice: SviSlice, k: number): number {
  return densityFactor(sviVariance(slice, k), k);
}

/** The same for any curve of total variance: g = (1 - k w'/(2 w))^2 - (w'^2 / 4) (1/w + 1/4) + w''/2. */
export function densityFactor({ variance, slope, curvature }: SviVariance, k: number): number {
  const lean = 1 - (k * slope) / (2 * variance);
  return lean * lean - 0.25 * slope * slope * (1 / variance + 0.25) + 0.5 * curvature;
}
