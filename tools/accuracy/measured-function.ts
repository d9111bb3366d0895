/**
 * How a numeric function registers to have its accuracy measured, and how an error is counted. A family is a pair of files
 * here, `<family>.ts` that exports `functions` and `<family>.py` (dashes become underscores) that exports FUNCTIONS, the same
 * names to 50 digits, and may export QUANTLIB, the same by QuantLib. Relies on nothing but the names of the files beside it.
 */
import { readdirSync } from "node:fs";

/** A public function with its grid of points. One call may give several results. */
export type MeasuredFunction = {
  readonly name: string;
  readonly columns: readonly string[];
  readonly results: readonly string[];
  /** `count` rows of arguments, the same for the same seed; a longer grid begins with the shorter one. */
  readonly inputs: (seed: string, count: number) => readonly (readonly number[])[];
  /** Rows that are measured before the seeded ones: edges of the domain, borders between formulas. */
  readonly edges?: readonly (readonly number[])[];
  readonly evaluate: (row: readonly number[]) => Readonly<Record<string, number>>;
  /** The largest error that tests and grids allow, in units in the last place, of each result; what has none is only measured. */
  readonly bounds?: Readonly<Record<string, number>>;
  /** Whether the table of samples keeps the rows: where they depend on the last bits of other results, as a price to invert. */
  readonly keepsRows?: boolean;
  /** How many seeded rows the table of samples holds that `npm test` reads; 500 when absent. */
  readonly samples?: number;
};

/** Every family of this folder. */
export const families: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".py") && name !== "truth.py")
  .map((name) => name.replace(/\.py$/, "").replaceAll("_", "-"))
  .sort();

export const seed = "accuracy";
export const sampleCountOf = (measured: MeasuredFunction): number => measured.samples ?? 500;

export function rowsOf(measured: MeasuredFunction, count: number): readonly (readonly number[])[] {
  return [...(measured.edges ?? []), ...measured.inputs(seed, count)];
}

/** The truth (high + low) 2^exponent with 1 <= |high| < 2 (or 0), and the exponent of what a unit in the last place is of. */
export type Truth = {
  readonly high: number;
  readonly low: number;
  readonly exponent: number;
  readonly unitExponent: number;
};

/**
 * |value - truth| in units in the last place of the truth (or of the larger term that it is a difference of); those of
 * subnormals are all 2^-1074. What rounds to Infinity may be Infinity. NaN against a number counts as infinitely wrong.
 */
export function errorOf(value: number, { high, low, exponent, unitExponent }: Truth): number {
  const unit = Math.max(unitExponent, -1022) - 52;
  if (Math.abs(value) === Infinity) return 1023 < exponent && 0 < value === 0 < high ? 0 : Infinity;
  // Both times 2^-exponent: exact, because neither is then below 2^-1022 unless it is nothing beside the other.
  const scaled = times(value, -exponent);
  const difference = Math.abs(scaled - high - low);
  return difference === difference ? times(difference, exponent - unit) : Infinity;
}

function times(x: number, exponent: number): number {
  let result = x;
  let rest = exponent;
  for (; 1000 < rest; rest -= 1000) result *= 2 ** 1000;
  for (; rest < -1000; rest += 1000) result *= 2 ** -1000;
  return result * 2 ** rest;
}
