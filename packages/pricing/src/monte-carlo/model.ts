/**
 * The models whose paths can be simulated, as plain objects with bytes, and the check of their arguments. All are under the
 * risk-neutral measure with a constant continuously compounded `rate` and dividend yield per year; volatilities are per
 * square-root year, variances per year, jumps per year. How they move is `evolution.ts`'s to know.
 */
import { list, record, union, type Decoded } from "@stoa/base/codec";
import { finite, integer, notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";
import { float64 } from "./float64.ts";

/** As many assets as a basket may have. */
export const assetsCountMax = 64;

const common = { spot: float64, rate: float64, dividendYield: float64 };

export const modelCodec = union({
  /** dS/S = (r - q) dt + sigma dW. */
  "black-scholes": { tag: 0, fields: { ...common, volatility: float64 } },
  /** dS/S = (r - q) dt + sqrt(v) dW, dv = kappa (theta - v) dt + xi sqrt(v) dB, d<W, B> = rho dt; `variance` is v at the start. */
  heston: {
    tag: 1,
    fields: {
      ...common,
      variance: float64,
      meanReversion: float64,
      longVariance: float64,
      volatilityOfVariance: float64,
      correlation: float64,
    },
  },
  /** Black-Scholes with jumps of ln S that are normal with `jumpMean` and `jumpDeviation` (Merton 1976). */
  merton: {
    tag: 2,
    fields: { ...common, volatility: float64, jumpsPerYear: float64, jumpMean: float64, jumpDeviation: float64 },
  },
  /** With jumps of ln S that are up with `upProbability`, exponential of rate `upRate`, else down with `downRate` (Kou 2002). */
  kou: {
    tag: 3,
    fields: {
      ...common,
      volatility: float64,
      jumpsPerYear: float64,
      upProbability: float64,
      upRate: float64,
      downRate: float64,
    },
  },
  /** Several assets of Black-Scholes; row i of `correlations` holds those of asset i with the assets before it. */
  "black-scholes-basket": {
    tag: 4,
    fields: {
      rate: float64,
      assets: list(record({ spot: float64, dividendYield: float64, volatility: float64 }), assetsCountMax),
      correlations: list(list(float64, assetsCountMax), assetsCountMax),
    },
  },
});

export type Model = Decoded<typeof modelCodec>;
export type BlackScholesModel = Extract<Model, { kind: "black-scholes" }>;
export type HestonModel = Extract<Model, { kind: "heston" }>;
export type MertonModel = Extract<Model, { kind: "merton" }>;
export type KouModel = Extract<Model, { kind: "kou" }>;
export type BasketModel = Extract<Model, { kind: "black-scholes-basket" }>;

export const modelKinds = ["black-scholes", "heston", "merton", "kou", "black-scholes-basket"] as const;

/** Returns the model, or throws a {@link PricingRefusal} that names the argument, as in `model.volatility`. */
export function checkedModel(model: Model): Model {
  oneOf("model.kind", model.kind, modelKinds);
  finite("model.rate", model.rate);
  if (model.kind === "black-scholes-basket") return checkedBasket(model);
  positive("model.spot", model.spot);
  finite("model.dividendYield", model.dividendYield);
  switch (model.kind) {
    case "black-scholes":
      positive("model.volatility", model.volatility);
      return model;
    case "heston":
      return checkedHeston(model);
    case "merton":
      checkedJumps(model);
      finite("model.jumpMean", model.jumpMean);
      notNegative("model.jumpDeviation", model.jumpDeviation);
      return model;
    case "kou":
      checkedJumps(model);
      within("model.upProbability", model.upProbability, 0, 1);
      // The mean of e^J for an upward jump is upRate / (upRate - 1).
      if (positive("model.upRate", model.upRate) <= 1) {
        throw new PricingRefusal("model.upRate", "outside-range", model.upRate, "must be above 1");
      }
      positive("model.downRate", model.downRate);
      return model;
    default:
      return model satisfies never;
  }
}

function checkedHeston(model: HestonModel): Model {
  notNegative("model.variance", model.variance);
  positive("model.meanReversion", model.meanReversion);
  positive("model.longVariance", model.longVariance);
  positive("model.volatilityOfVariance", model.volatilityOfVariance);
  within("model.correlation", model.correlation, -1, 1);
  return model;
}

function checkedJumps(model: MertonModel | KouModel): void {
  positive("model.volatility", model.volatility);
  notNegative("model.jumpsPerYear", model.jumpsPerYear);
}

function checkedBasket(model: BasketModel): Model {
  const { assets, correlations } = model;
  if (assets.length === 0) throw new PricingRefusal("model.assets", "empty", assets.length);
  integer("model.assets.length", assets.length, 1, assetsCountMax);
  for (const [index, asset] of assets.entries()) {
    positive(`model.assets[${index}].spot`, asset.spot);
    finite(`model.assets[${index}].dividendYield`, asset.dividendYield);
    positive(`model.assets[${index}].volatility`, asset.volatility);
  }
  if (correlations.length !== assets.length) {
    throw new PricingRefusal("model.correlations", "lengths-differ", correlations.length);
  }
  for (const [row, values] of correlations.entries()) {
    if (values.length !== row) throw new PricingRefusal(`model.correlations[${row}]`, "lengths-differ", values.length);
    for (const [column, value] of values.entries()) within(`model.correlations[${row}][${column}]`, value, -1, 1);
  }
  choleskyRows(model);
  return model;
}

/**
 * The rows of the lower triangular L with L L' the matrix of correlations: asset i moves with the sum of L_ij Z_j. Refused when the
 * matrix has no such root; one that is singular to within 1e-12 has, with a zero on the diagonal.
 */
export function choleskyRows(model: BasketModel): readonly Float64Array[] {
  const rows: Float64Array[] = [];
  for (const [row, values] of model.correlations.entries()) {
    const entries = new Float64Array(row + 1);
    let rest = 1;
    for (let column = 0; column < row; column++) {
      const other = rows[column]!;
      let covariance = values[column]!;
      for (let index = 0; index < column; index++) covariance -= entries[index]! * other[index]!;
      const pivot = other[column]!;
      if (pivot === 0 && 1e-9 < Math.abs(covariance)) throw indefinite(row);
      entries[column] = pivot === 0 ? 0 : covariance / pivot;
      rest -= entries[column]! * entries[column]!;
    }
    if (rest < -1e-12) throw indefinite(row);
    entries[row] = rest < 1e-12 ? 0 : Math.sqrt(rest);
    rows.push(entries);
  }
  return rows;
}

function indefinite(row: number): PricingRefusal {
  const rule = "makes the matrix of correlations one of no real assets (not positive semidefinite), row";
  return new PricingRefusal(`model.correlations[${row}]`, "outside-range", row, rule);
}

/** Returns `value`, a number of `min` to `max`. */
export function within(argument: string, value: number, min: number, max: number): number {
  finite(argument, value);
  if (min <= value && value <= max) return value;
  throw new PricingRefusal(argument, "outside-range", value, `must be within ${min} and ${max}`);
}
