/**
 * Call and put, European or American, by finite differences: the second opinion for closed forms and for Monte Carlo. The work
 * is done by `estimate.ts`; dividends are a continuous yield, discrete ones it does not know.
 */
import { estimateOnGrid, type GridEstimate } from "./estimate.ts";
import { admitted, type GridOption } from "./option.ts";

/**
 * Price, delta, gamma and theta in the Black-Scholes-Merton model, dS = (rate - dividendYield) S dt + volatility S dW, with an
 * estimate of their errors: the difference of the two grids that it was extrapolated from. Where exercise is optimal now, price is exercise,
 * delta +-1, gamma and theta 0. Refuses a spot, strike, time or volatility that is not positive and finite, a deviation
 * volatility * sqrt(years) outside 1e-6 to 4, and a rate or yield whose product with the years is beyond +-20.
 *
 * @example vanillaByFiniteDifferences({ type: "put", exercise: "american", spot: 36, strike: 40, years: 1, volatility: 0.2, rate: 0.06 })
 */
export function vanillaByFiniteDifferences(option: GridOption): GridEstimate {
  const { problem, steps } = admitted(option);
  return estimateOnGrid(problem, steps);
}
