/**
 * What returns of the last window say about variance: all of it, the part that is not jumps, and its halves by sign. Realised variance:
 * Andersen and Bollerslev 1998; bipower: Barndorff-Nielsen and Shephard, "Power and Bipower Variation with Stochastic Volatility and
 * Jumps", Journal of Financial Econometrics 2(1), 2004; semivariances: Barndorff-Nielsen, Kinnebrock and Shephard 2010.
 */
import type { Feature } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf } from "../refusal.ts";
import {
  checkedWindow,
  nameOfReturns,
  recentReturns,
  returnCells,
  windowsPerYear,
  type WindowSettings,
  type YearSettings,
} from "./returns.ts";

const { squaresAbove, squaresBelow, products, expiresNs } = returnCells;

/**
 * `rv` and `vol`: sum of r_i^2 over the window, and sqrt(rv x windows per year), where a year is `tradingDays` x `tradingHours` (365 x 24
 * if nothing is said). Null while the window holds no return.
 */
export function realisedVariance(settings: WindowSettings & YearSettings): Feature {
  const sampled = checkedWindow("realised_variance", settings);
  const { count: perYear, ...year } = windowsPerYear("realised_variance", sampled.window, settings);
  const suffix = nameOfReturns(sampled);
  return {
    id: "realised_variance",
    version: 1,
    parameters: { ...sampled, ...year },
    columns: [
      { name: `rv_${suffix}`, unit: "1", formula: "sum r_i^2" },
      { name: `vol_${suffix}`, unit: "1/sqrt(year)", formula: "sqrt(rv * windows per year)" },
    ],
    source: "Andersen and Bollerslev, International Economic Review 39(4), 1998",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      const { cells } = returns;
      return {
        write(row, offset, timeNs) {
          if ((cells[expiresNs] as number) <= timeNs) returns.expire(timeNs);
          const variance = (cells[squaresAbove] as number) + (cells[squaresBelow] as number);
          row[offset] = variance;
          row[offset + 1] = Math.sqrt(variance * perYear);
        },
        isWarm: returns.isWarm,
      };
    },
  };
}

/** Whether bipower variation is scaled up for the product that the first of n returns lacks. */
export const bipowerCorrections = ["none", "count"] as const;

/**
 * `bipower` and `jump`: (pi/2) sum |r_i| |r_{i-1}| over neighbours in the window, which jumps hardly touch, and max(rv - bipower, 0). With
 * `correction` "count" the sum is multiplied by n / (n - 1). Null with fewer than two returns.
 */
export function bipowerVariation(
  settings: WindowSettings & { readonly correction?: (typeof bipowerCorrections)[number] },
): Feature {
  const sampled = checkedWindow("bipower_variation", settings);
  const correction = oneOf("bipower_variation.correction", settings.correction ?? "none", bipowerCorrections);
  const suffix = `${nameOfReturns(sampled)}${correction === "count" ? "_corrected" : ""}`;
  return {
    id: "bipower_variation",
    version: 1,
    parameters: { ...sampled, correction },
    columns: [
      { name: `bipower_${suffix}`, unit: "1", formula: "(pi/2) sum |r_i| |r_{i-1}|" },
      { name: `jump_${suffix}`, unit: "1", formula: "max(rv - bipower, 0)" },
    ],
    source: "Barndorff-Nielsen and Shephard, Journal of Financial Econometrics 2(1), 2004",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      const { cells } = returns;
      return {
        write(row, offset, timeNs) {
          if ((cells[expiresNs] as number) <= timeNs) returns.expire(timeNs);
          const count = returns.count();
          const scale = correction === "count" ? count / (count - 1) : 1;
          const bipower = (Math.PI / 2) * scale * (cells[products] as number);
          row[offset] = bipower;
          row[offset + 1] = Math.max((cells[squaresAbove] as number) + (cells[squaresBelow] as number) - bipower, 0);
        },
        isWarm: returns.isWarm,
      };
    },
  };
}

/** `rv_up` and `rv_down`: the sums of r_i^2 over returns above and below zero; together they are `rv`. Null while the window holds no return. */
export function semivariance(settings: WindowSettings): Feature {
  const sampled = checkedWindow("semivariance", settings);
  const suffix = nameOfReturns(sampled);
  return {
    id: "semivariance",
    version: 1,
    parameters: { ...sampled },
    columns: [
      { name: `rv_up_${suffix}`, unit: "1", formula: "sum r_i^2 1{r_i > 0}" },
      { name: `rv_down_${suffix}`, unit: "1", formula: "sum r_i^2 1{r_i < 0}" },
    ],
    source: "Barndorff-Nielsen, Kinnebrock and Shephard, Measuring downside risk: realised semivariance, 2010",
    lookback: nameOfWindow(sampled.window),
    levels: sampled.sampling === "trade" ? 0 : 1,
    make(context) {
      const returns = context.use(recentReturns(sampled));
      const { cells } = returns;
      return {
        write(row, offset, timeNs) {
          if ((cells[expiresNs] as number) <= timeNs) returns.expire(timeNs);
          row[offset] = cells[squaresAbove] as number;
          row[offset + 1] = cells[squaresBelow] as number;
        },
        isWarm: returns.isWarm,
      };
    },
  };
}
