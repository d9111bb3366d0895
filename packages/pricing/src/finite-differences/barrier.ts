/**
 * Knock-out options, European or American, by finite differences: the second opinion for the closed forms, and the only answer
 * for American ones. The barrier is an end of the grid, so it is watched without interruption; rebates it does not know. A
 * European knock-in is the option without barrier less the knock-out.
 */
import { log } from "@stoa/base/exact";
import { oneOf, positive } from "../refusal.ts";
import { estimateOnGrid, type GridEstimate } from "./estimate.ts";
import { admitted, within, type GridOption } from "./option.ts";

export const knockOuts = ["down-and-out", "up-and-out"] as const;
export type KnockOut = (typeof knockOuts)[number];

export type BarrierGridOption = GridOption & {
  readonly knockOut: KnockOut;
  /** The price of the underlying at which the option ends worthless, positive. */
  readonly barrier: number;
};

/**
 * The nodes are close together around the strike, so the spot and with it the barrier may not be too far from it, in deviations
 * volatility * sqrt(years); and they rest in the spot, so its drift may not outrun the diffusion.
 */
const distanceMax = 5;
const driftMax = 2;

/**
 * Price, delta, gamma and theta of a knock-out option in the Black-Scholes-Merton model, with an estimate of their errors. All are 0 when the
 * spot is at the barrier or beyond. Refuses what `vanillaByFiniteDifferences` refuses, a barrier that is not positive, a drift
 * (rate - dividendYield) * years of more than two deviations, and a spot more than five from the strike.
 *
 * @example barrierByFiniteDifferences({ type: "call", exercise: "european", knockOut: "down-and-out", barrier: 95, spot: 100, strike: 100, years: 0.5, volatility: 0.25, rate: 0.08, dividendYield: 0.04 })
 */
export function barrierByFiniteDifferences(option: BarrierGridOption): GridEstimate {
  const { problem, steps } = admitted(option);
  const side = oneOf("knockOut", option.knockOut, knockOuts) === "down-and-out" ? "low" : "high";
  const barrier = positive("barrier", option.barrier);
  const { spot, strike, years, volatility, rate, dividendYield } = problem;
  const deviation = volatility * Math.sqrt(years);
  within(
    "(rate - dividendYield) * years / deviation",
    ((rate - dividendYield) * years) / deviation,
    -driftMax,
    driftMax,
  );
  const gone = side === "low" ? spot <= barrier : barrier <= spot;
  if (gone) return { price: 0, delta: 0, gamma: 0, theta: 0, error: { price: 0, delta: 0, gamma: 0, theta: 0 } };
  within("ln(spot / strike) / deviation", log(spot / strike) / deviation, -distanceMax, distanceMax);
  return estimateOnGrid({ ...problem, knockOut: { side, x: log(barrier / strike) } }, steps);
}
