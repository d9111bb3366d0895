/** One option by Monte Carlo: the words of `stoa price` as a piece of work for the simulation. */
import type { BlackScholesArguments } from "@stoa/pricing/black-scholes";
import { estimate, type Estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import type { Payoff } from "@stoa/pricing/monte-carlo/payoff";
import { createSimulation } from "@stoa/pricing/monte-carlo/simulation";
import { integer } from "@stoa/pricing/refusal";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import type { BarrierName, PriceFlags } from "./flags.ts";

export interface SimulationTerms {
  readonly exercise: PriceFlags["exercise"];
  readonly payoff: PriceFlags["payoff"];
  readonly barrier: { readonly barrier: number; readonly kind: BarrierName } | undefined;
  /** Fixings of a mean, chances to exercise, steps between which a barrier is watched. */
  readonly dates: number;
  readonly seed: number;
  readonly pathCount: number;
}

export interface SimulatedValue {
  readonly value: Estimate;
  readonly method: string;
}

const regressionBlocks = 8;
const pathsCountMax = 100_000_000;

export function simulated(option: BlackScholesArguments, terms: SimulationTerms): SimulatedValue {
  const { type, strike, years, spot, volatility, rate = 0, dividendYield = 0 } = option;
  const pathCount = integer("pathCount", terms.pathCount, 2, pathsCountMax);
  const seed = BigInt(integer("seed", terms.seed, 0, Number.MAX_SAFE_INTEGER));
  // The first call chooses the fastest form of the inner loops.
  activeKernel();
  const work = {
    model: { kind: "black-scholes", spot, rate, dividendYield, volatility },
    payoff: payoffOf({ type, strike, years }, terms),
    method: { ...plainMethod, antithetic: true },
    seed,
  } as const;
  const { value } = estimate(work, createSimulation(work).run({ firstPath: 0, pathCount }));
  return {
    value,
    method: `simulation of ${pathCount.toLocaleString("en-US")} mirrored pairs of paths${detailOf(terms)}`,
  };
}

type CallOrPut = { readonly type: "call" | "put"; readonly strike: number; readonly years: number };

function payoffOf(common: CallOrPut, { exercise, payoff, barrier, dates }: SimulationTerms): Payoff {
  if (exercise === "american") return { kind: "american", ...common, exercises: dates, regressionBlocks };
  if (payoff === "geometric-asian") return { kind: "asian", ...common, averaging: "geometric", fixings: dates };
  if (payoff === "arithmetic-asian") return { kind: "asian", ...common, averaging: "arithmetic", fixings: dates };
  if (barrier === undefined) return { kind: "european", ...common };
  const [direction, , knock] = barrier.kind.split("-") as ["up" | "down", "and", "in" | "out"];
  const watched = { monitoring: "continuous", observations: dates, rebate: 0 } as const;
  return { kind: "barrier", ...common, direction, knock, barrier: barrier.barrier, ...watched };
}

function detailOf({ exercise, payoff, dates }: SimulationTerms): string {
  if (exercise === "american") return `, ${dates} chances to exercise by the rule of Longstaff and Schwartz`;
  return payoff === "vanilla" ? "" : `, the mean of ${dates} fixings`;
}
