/**
 * The columns that kernels read and write: one typed array per quantity, one row per option, and a status column that says
 * of every row whether its arguments made sense. A kernel throws for columns that do not fit together, which is the caller's
 * mistake, and never for a row, which is the data's.
 */
import { integer, PricingRefusal } from "../refusal.ts";

/** By code, in the order of the checks: the first argument that is outside its domain is named; then why a price has no volatility. */
export const rowStatuses = [
  "ok",
  "sign",
  "forward",
  "strike",
  "years",
  "discount",
  "volatility",
  "price",
  "expired",
  "price-below-exercise",
  "price-above-maximum",
  "price-too-small",
] as const;
export type RowStatus = (typeof rowStatuses)[number];

/**
 * What an option is, a row each. Prices and discount factors are within 1e-100 and 1e100, times and volatilities within 0 and
 * 1e100: far beyond any market, and near enough to one that no product of them overflows.
 */
export type TermColumns = {
  /** 1 for a call, -1 for a put. */
  readonly sign: Float64Array;
  readonly forward: Float64Array;
  readonly strike: Float64Array;
  /** To expiry; 0 is allowed. */
  readonly years: Float64Array;
  readonly discount: Float64Array;
};

export type BlackColumns = TermColumns & { readonly volatility: Float64Array };

export type GreekColumns = {
  readonly price: Float64Array;
  readonly delta: Float64Array;
  readonly gamma: Float64Array;
  readonly vega: Float64Array;
  readonly theta: Float64Array;
  readonly rho: Float64Array;
  readonly vanna: Float64Array;
  /** By row an index of `rowStatuses`; the figures of a row that is not 0 are NaN. */
  readonly status: Uint8Array;
};

/** The names of {@link TermColumns}, in the order of the statuses. */
export const termNames = ["sign", "forward", "strike", "years", "discount"] as const;

export const smallestPrice = 1e-100;
export const largestPrice = 1e100;

/** The code of a row's terms, 0 when all are in their domains. */
export function termStatus({ sign, forward, strike, years, discount }: TermColumns, row: number): number {
  const side = sign[row] as number;
  if (!(side === 1 || side === -1)) return 1;
  if (!isPrice(forward[row] as number)) return 2;
  if (!isPrice(strike[row] as number)) return 3;
  if (!isAmount(years[row] as number)) return 4;
  return isPrice(discount[row] as number) ? 0 : 5;
}

/** Whether a number is positive and within the domain of prices and discount factors. */
export function isPrice(value: number): boolean {
  return smallestPrice <= value && value <= largestPrice;
}

/** Whether a number is not negative and within the domain of times and volatilities. */
export function isAmount(value: number): boolean {
  return 0 <= value && value <= largestPrice;
}

const lengthMax = 4_294_967_295;

/** Returns `length`, that of a column to be allocated: memory is counted by it, so a negative one would be handed out twice. */
export function checkedLength(length: number): number {
  return integer("length", length, 0, lengthMax);
}

/** The number of rows, which every column must have; refuses columns of other lengths by name. */
export function checkedCount(names: readonly string[], columns: readonly (Float64Array | Uint8Array)[]): number {
  const count = (columns[0] as Float64Array).length;
  for (let index = 0; index < columns.length; index++) {
    const { length } = columns[index] as Float64Array;
    if (length !== count) throw new PricingRefusal(names[index] as string, "lengths-differ", length);
  }
  return count;
}
