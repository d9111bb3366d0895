/**
 * SSVI: a whole surface of smiles from the at-the-money total variance theta of each expiry, one tilt rho and one function
 * phi of theta,
 *
 *   w(k, theta) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)),
 *
 * with the two shapes of phi that Gatheral and Jacquier study, the way to raw SVI, and the conditions under which no
 * butterfly and no calendar spread is free of cost.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), section 4.
 */
import { exp, log } from "@stoa/base/exact";
import { finite, oneOf, positive, PricingRefusal } from "../refusal.ts";
import type { SviSlice } from "../svi.ts";
import type { SviNatural } from "./svi-forms.ts";

export type SsviPhi =
  /** phi(theta) = eta theta^-gamma (1 + theta)^(gamma - 1); eta positive, gamma within (0, 1). */
  | { readonly kind: "power-law"; readonly eta: number; readonly gamma: number }
  /** phi(theta) = (1 - (1 - exp(-lambda theta))/(lambda theta)) / (lambda theta); lambda positive. */
  | { readonly kind: "heston-like"; readonly lambda: number };

export type Ssvi = {
  /** Within (-1, 1). */
  readonly rho: number;
  readonly phi: SsviPhi;
};

/** phi at an at-the-money total variance `theta`, which is positive. */
export function ssviPhi(phi: SsviPhi, theta: number): number {
  positive("theta", theta);
  oneOf("phi.kind", phi.kind, ["power-law", "heston-like"]);
  if (phi.kind === "heston-like") {
    const x = positive("phi.lambda", phi.lambda) * theta;
    // Below 1 the difference cancels: the sum of (-x)^n / (n + 2)!.
    return x < 1 ? hestonSeries(x, 0) : (1 - (1 - exp(-x)) / x) / x;
  }
  const { eta, gamma } = checkedPowerLaw(phi);
  return (eta * exp(gamma * (log(1 + theta) - log(theta)))) / (1 + theta);
}

/** The derivative of theta phi(theta), which says how the wings steepen with time. */
export function ssviWingGrowth(phi: SsviPhi, theta: number): number {
  positive("theta", theta);
  if (phi.kind === "heston-like") {
    const x = positive("phi.lambda", phi.lambda) * theta;
    return x < 1 ? hestonSeries(x, 1) : (1 - exp(-x) * (1 + x)) / (x * x);
  }
  return (ssviPhi(phi, theta) * (1 - phi.gamma)) / (1 + theta);
}

/** The sum over n of (-x)^n (1 + n order) / (n + 2)! for x below 1: 20 terms leave less than 1e-21. */
function hestonSeries(x: number, order: 0 | 1): number {
  let sum = 0;
  for (let n = 19; 0 <= n; n--) {
    // Horner from the end: term n is (1 + n order)/(n + 2)! and the ratio of factorials is n + 2.
    sum = (1 + n * order - x * sum) / (n + 2);
  }
  return sum;
}

/** Total variance at log-moneyness `k` of the expiry whose at-the-money total variance is `theta`. */
export function ssviVariance(ssvi: Ssvi, theta: number, k: number): number {
  finite("k", k);
  const rho = checkedTilt(ssvi);
  const lift = ssviPhi(ssvi.phi, theta) * k;
  return 0.5 * theta * (1 + rho * lift + Math.sqrt((lift + rho) * (lift + rho) + (1 - rho) * (1 + rho)));
}

/** The raw form of one expiry: a = theta (1 - rho^2)/2, b = theta phi/2, m = -rho/phi, s = sqrt(1 - rho^2)/phi. */
export function ssviSlice(ssvi: Ssvi, theta: number): SviSlice {
  const rho = checkedTilt(ssvi);
  const phi = ssviPhi(ssvi.phi, theta);
  const rest = (1 - rho) * (1 + rho);
  return { a: 0.5 * theta * rest, b: 0.5 * theta * phi, rho, m: -rho / phi, s: Math.sqrt(rest) / phi };
}

/** The natural form of one expiry: delta = mu = 0, omega = theta, zeta = phi. */
export function ssviNatural(ssvi: Ssvi, theta: number): SviNatural {
  return { delta: 0, mu: 0, rho: checkedTilt(ssvi), omega: theta, zeta: ssviPhi(ssvi.phi, theta) };
}

/** In the order in which they are checked. */
export const ssviRefusals = ["theta-falls", "calendar", "wings-too-steep", "butterfly"] as const;
export type SsviRefusal = (typeof ssviRefusals)[number];

/**
 * Why a surface with these at-the-money total variances, in order of expiry, may admit arbitrage, or undefined. The
 * conditions are theorems 4.1 and 4.2 at each theta: theta does not fall; 0 <= (theta phi)' <= phi (1 + sqrt(1 - rho^2))/rho^2;
 * theta phi (1 + |rho|) < 4; theta phi^2 (1 + |rho|) <= 4. The last is sufficient, not necessary: what it refuses,
 * `sviRefusal` of the slices may still pass.
 */
export function ssviRefusal(ssvi: Ssvi, thetas: readonly number[]): SsviRefusal | undefined {
  if (thetas.length === 0) throw new PricingRefusal("thetas", "empty", thetas);
  const rho = checkedTilt(ssvi);
  const size = rho < 0 ? -rho : rho;
  for (const [index, theta] of thetas.entries()) {
    positive(`thetas[${index}]`, theta);
    if (0 < index && theta < (thetas[index - 1] as number)) return "theta-falls";
  }
  for (const theta of thetas) {
    const phi = ssviPhi(ssvi.phi, theta);
    const growth = ssviWingGrowth(ssvi.phi, theta);
    if (growth < 0 || phi * (1 + Math.sqrt((1 - rho) * (1 + rho))) < growth * rho * rho) return "calendar";
    if (!(theta * phi * (1 + size) < 4)) return "wings-too-steep";
    if (4 < theta * phi * phi * (1 + size)) return "butterfly";
  }
  return undefined;
}

function checkedTilt({ rho }: Ssvi): number {
  finite("rho", rho);
  if (-1 < rho && rho < 1) return rho;
  throw new PricingRefusal("rho", "outside-range", rho, "must be between -1 and 1");
}

function checkedPowerLaw(phi: { readonly eta: number; readonly gamma: number }): typeof phi {
  positive("phi.eta", phi.eta);
  positive("phi.gamma", phi.gamma);
  if (phi.gamma < 1) return phi;
  throw new PricingRefusal("phi.gamma", "outside-range", phi.gamma, "must be below 1");
}
