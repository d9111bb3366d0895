/**
 * What the options that are priced by finite differences have in common, and which of them are refused. It knows nothing of
 * grids but how many steps they may have.
 */
import type { OptionType } from "../black76.ts";
import { finite, integer, oneOf, positive, PricingRefusal } from "../refusal.ts";
import type { GridProblem, GridSteps } from "./estimate.ts";

export const exerciseStyles = ["european", "american"] as const;
export type ExerciseStyle = (typeof exerciseStyles)[number];

export type GridOption = {
  readonly type: OptionType;
  readonly exercise: ExerciseStyle;
  readonly spot: number;
  readonly strike: number;
  /** Time to expiry, positive. */
  readonly years: number;
  /** Per square-root year, positive. */
  readonly volatility: number;
  /** Continuously compounded, per year; 0 when absent. */
  readonly rate?: number;
  /** Continuously compounded, per year; 0 when absent. */
  readonly dividendYield?: number;
  /** Cells of the coarser grid in price, 20 to 5,000; 200 when absent. */
  readonly priceSteps?: number;
  /** Steps of the coarser grid in time, 10 to 5,000; half of `priceSteps` when absent. */
  readonly timeSteps?: number;
};

/** Largest volatility * sqrt(years), |rate| * years and spot over strike or strike over spot: beyond, the doubles of a grid say nothing. */
const deviationMax = 4;
const growthMax = 20;
const ratioMax = 1e50;

/** The option as a problem on a grid, and its steps; refuses what is outside the domain in the order of the arguments. */
export function admitted(option: GridOption): { readonly problem: GridProblem; readonly steps: GridSteps } {
  const type = oneOf("type", option.type, ["call", "put"]);
  const american = oneOf("exercise", option.exercise, exerciseStyles) === "american";
  const spot = positive("spot", option.spot);
  const strike = positive("strike", option.strike);
  const years = positive("years", option.years);
  const volatility = positive("volatility", option.volatility);
  const rate = finite("rate", option.rate ?? 0);
  const dividendYield = finite("dividendYield", option.dividendYield ?? 0);
  const price = integer("priceSteps", option.priceSteps ?? 200, 20, 5_000);
  const time = integer("timeSteps", option.timeSteps ?? Math.max(10, Math.floor(price / 2)), 10, 5_000);
  within("spot / strike", spot / strike, 1 / ratioMax, ratioMax);
  within("volatility * sqrt(years)", volatility * Math.sqrt(years), 1e-6, deviationMax);
  within("rate * years", rate * years, -growthMax, growthMax);
  within("dividendYield * years", dividendYield * years, -growthMax, growthMax);
  return {
    problem: { type, american, spot, strike, years, volatility, rate, dividendYield },
    steps: { price, time },
  };
}

export function within(argument: string, value: number, min: number, max: number): void {
  if (min <= value && value <= max) return;
  throw new PricingRefusal(argument, "outside-range", value, `must be within ${min} and ${max}`);
}
