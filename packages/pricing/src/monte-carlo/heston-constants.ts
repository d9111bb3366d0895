/**
 * What one step of Heston's model takes that does not depend on the path, as ten doubles for the kernels of `path-kernels.ts`.
 * Relies on the formulas of Andersen (2008), corollary 1 and equation (33) with gamma1 = gamma2 = 1/2. It knows no paths.
 *
 * L. Andersen, "Simple and efficient simulation of the Heston stochastic volatility model", J. Computational Finance 11 (2008).
 */
import { exp } from "../kernel/functions.ts";

export type HestonStep = {
  /** Length of the step in years. */
  readonly years: number;
  /** Expected growth of ln S over the step before the convexity of S: (rate - dividend yield) * years. */
  readonly drift: number;
  readonly meanReversion: number;
  readonly longVariance: number;
  readonly volatilityOfVariance: number;
  readonly correlation: number;
};

/**
 * In this order: e^(-kappa dt); theta (1 - e^(-kappa dt)), so that m = v [0] + [1]; the slope and the shift of s^2 in v; the drift;
 * K0, K1, K2, K3 = K4 and A = K2 + K4/2.
 */
export function hestonConstants(step: HestonStep): Float64Array {
  const { years, drift, meanReversion, longVariance, volatilityOfVariance, correlation } = step;
  const decay = exp(-meanReversion * years);
  const rise = 1 - decay;
  const noise = (volatilityOfVariance * volatilityOfVariance) / meanReversion;
  const slant = correlation / volatilityOfVariance;
  const common = 0.5 * years * (meanReversion * slant - 0.5);
  const k2 = common + slant;
  const k34 = 0.5 * years * (1 - correlation * correlation);
  return Float64Array.of(
    decay,
    longVariance * rise,
    noise * decay * rise,
    0.5 * longVariance * noise * (rise * rise),
    drift,
    -(slant * meanReversion * longVariance * years),
    common - slant,
    k2,
    k34,
    k2 + 0.5 * k34,
  );
}
