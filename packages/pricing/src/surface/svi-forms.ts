/**
 * The natural and the jump-wings form of an SVI slice, and the ways from and to the raw form of `svi.ts`. All three describe
 * the same curve of total variance over log-moneyness k.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), sections 3.1 to 3.3.
 */
import { finite, notNegative, positive, PricingRefusal } from "../refusal.ts";
import type { SviSlice } from "../svi.ts";

/** w(k) = delta + omega/2 (1 + zeta rho (k - mu) + sqrt((zeta (k - mu) + rho)^2 + 1 - rho^2)). */
export type SviNatural = {
  readonly delta: number;
  readonly mu: number;
  /** Within (-1, 1). */
  readonly rho: number;
  /** Not negative. */
  readonly omega: number;
  /** Positive. */
  readonly zeta: number;
};

/** What traders read off a smile. Slopes are per square root of the at-the-money total variance. */
export type SviJumpWings = {
  /** Time to expiry, positive: the other numbers are per year. */
  readonly years: number;
  /** v: variance per year at the money, k = 0. Positive. */
  readonly variance: number;
  /** psi: slope of volatility in k at the money, times the square root of `years`. */
  readonly skew: number;
  /** p: slope of the left wing. Not negative. */
  readonly putSlope: number;
  /** c: slope of the right wing. Not negative. */
  readonly callSlope: number;
  /** v tilde: the least variance per year over all strikes. */
  readonly varianceMin: number;
};

/** (a, b, rho, m, s) = (delta + omega (1 - rho^2)/2, omega zeta/2, rho, mu - rho/zeta, sqrt(1 - rho^2)/zeta). */
export function rawOfNatural({ delta, mu, rho, omega, zeta }: SviNatural): SviSlice {
  finite("delta", delta);
  finite("mu", mu);
  checkTilt(rho);
  notNegative("omega", omega);
  positive("zeta", zeta);
  const rest = (1 - rho) * (1 + rho);
  return { a: delta + 0.5 * omega * rest, b: 0.5 * omega * zeta, rho, m: mu - rho / zeta, s: Math.sqrt(rest) / zeta };
}

/** The inverse of `rawOfNatural`. */
export function naturalOfRaw(slice: SviSlice): SviNatural {
  const { a, b, rho, m, s } = checkedRaw(slice);
  const rest = (1 - rho) * (1 + rho);
  const root = Math.sqrt(rest);
  const omega = (2 * b * s) / root;
  return { delta: a - 0.5 * omega * rest, mu: m + (rho * s) / root, rho, omega, zeta: root / s };
}

/**
 * v = w(0)/t, psi = (b/2)(rho - m/sqrt(m^2 + s^2))/sqrt(w(0)), p = b (1 - rho)/sqrt(w(0)), c = b (1 + rho)/sqrt(w(0)),
 * v tilde = (a + b s sqrt(1 - rho^2))/t. The variance at the money must be positive.
 */
export function jumpWingsOfRaw(slice: SviSlice, years: number): SviJumpWings {
  const { a, b, rho, m, s } = checkedRaw(slice);
  positive("years", years);
  const root = Math.sqrt(m * m + s * s);
  const total = a + b * (root - rho * m);
  if (!(0 < total)) throw new PricingRefusal("slice", "outside-range", total, "must have positive variance at k = 0");
  const deviation = Math.sqrt(total);
  return {
    years,
    variance: total / years,
    skew: (0.5 * b * (rho - m / root)) / deviation,
    putSlope: (b * (1 - rho)) / deviation,
    callSlope: (b * (1 + rho)) / deviation,
    varianceMin: (a + b * s * Math.sqrt((1 - rho) * (1 + rho))) / years,
  };
}

/** Why five jump-wings numbers determine no slice, in the order in which they are checked. */
export const jumpWingsRefusals = ["width-not-determined", "skew-beyond-wings", "minimum-above-money"] as const;
export type JumpWingsRefusal = (typeof jumpWingsRefusals)[number];

/**
 * The inverse of `jumpWingsOfRaw`, or why there is none: with skew 0 the minimum is at the money, so the two variances are
 * one and the width is free; the skew must lie strictly between -p/2 and c/2; the least variance not above that at the money.
 *
 * With w = v t: b = sqrt(w)(c + p)/2, rho = (c - p)/(c + p), beta = rho - 2 psi sqrt(w)/b = m/sqrt(m^2 + s^2), and
 * sqrt(m^2 + s^2) = (v - v tilde) t (1 - rho beta + sqrt((1 - rho^2)(1 - beta^2))) / (b (rho - beta)^2).
 */
export function rawOfJumpWings(form: SviJumpWings): SviSlice | JumpWingsRefusal {
  const { years, variance, skew, putSlope, callSlope, varianceMin } = form;
  const total = positive("variance", variance) * positive("years", years);
  const wings = notNegative("callSlope", callSlope) + notNegative("putSlope", putSlope);
  finite("skew", skew);
  finite("varianceMin", varianceMin);
  if (skew === 0 || wings === 0) return "width-not-determined";
  if (!(-putSlope < 2 * skew && 2 * skew < callSlope)) return "skew-beyond-wings";
  if (!(varianceMin < variance)) return "minimum-above-money";
  const b = 0.5 * Math.sqrt(total) * wings;
  const rho = (callSlope - putSlope) / wings;
  const turn = (4 * skew) / wings; // rho - beta
  const beta = rho - turn;
  const roots = Math.sqrt((1 - rho) * (1 + rho) * (1 - beta) * (1 + beta));
  const radius = ((variance - varianceMin) * years * (1 - rho * beta + roots)) / (b * turn * turn);
  const s = radius * Math.sqrt((1 - beta) * (1 + beta));
  return { a: varianceMin * years - b * s * Math.sqrt((1 - rho) * (1 + rho)), b, rho, m: radius * beta, s };
}

/**
 * Returns `slice`, whose parameters are in the domain of the raw form; its variance may still be negative. `name` is how the caller
 * writes the slice where it is one of many, with a dot behind it.
 */
export function checkedRaw(slice: SviSlice, name = ""): SviSlice {
  finite(`${name}a`, slice.a);
  notNegative(`${name}b`, slice.b);
  checkTilt(slice.rho, name);
  finite(`${name}m`, slice.m);
  positive(`${name}s`, slice.s);
  return slice;
}

function checkTilt(rho: number, name = ""): void {
  finite(`${name}rho`, rho);
  if (!(-1 < rho && rho < 1)) throw new PricingRefusal(`${name}rho`, "outside-range", rho, "must be between -1 and 1");
}
