/**
 * From a chain in the currency of its strikes to one that is settled in coin: the value in coins is that of Black's model over
 * the forward (`inverse.ts`), and the derivatives follow by the product rule. Works in place on what `blackChain` of either form
 * of the kernels wrote; PERF: six divisions a row.
 */
import { checkedCount, type BlackColumns, type GreekColumns } from "./columns.ts";

/**
 * Turns price p and greeks into those of p / F, in coins:
 *
 *   delta' = (delta - p/F) / F     gamma' = (gamma - 2 delta') / F     vanna' = (vanna - vega/F) / F
 *
 * and vega, theta and rho over F; delta, gamma and vanna per 1 of the forward, as in `inverse.ts`. Refused rows stay NaN. Error:
 * that of the chain; of delta, gamma and vanna in units of the larger of the two terms. What venues display as delta is the
 * delta before (`quoted-greeks.ts` has their conventions).
 */
export function settleInCoin(options: Pick<BlackColumns, "forward">, out: GreekColumns): void {
  const { price, delta, gamma, vega, theta, rho, vanna } = out;
  const names = ["forward", "price", "delta", "gamma", "vega", "theta", "rho", "vanna"];
  const count = checkedCount(names, [options.forward, price, delta, gamma, vega, theta, rho, vanna]);
  for (let row = 0; row < count; row++) {
    const forward = options.forward[row] as number;
    const coins = (price[row] as number) / forward;
    const slope = ((delta[row] as number) - coins) / forward;
    const coinVega = (vega[row] as number) / forward;
    price[row] = coins;
    delta[row] = slope;
    gamma[row] = ((gamma[row] as number) - 2 * slope) / forward;
    vega[row] = coinVega;
    theta[row] = (theta[row] as number) / forward;
    rho[row] = (rho[row] as number) / forward;
    vanna[row] = ((vanna[row] as number) - coinVega) / forward;
  }
}
