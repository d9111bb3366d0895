/** Historical volatility as the venue publishes it: hourly points of the annualised deviation of hourly index returns. */
import { rounded } from "../decimal.ts";
import { indexPrices } from "./query.ts";
import type { Store } from "./store.ts";

const hourMs = 60 * 60 * 1000;
const windowHours = 24 * 15;
const hoursPerYear = 24 * 365;

/** [hour, percent] for the last fifteen days, as far as the index history reaches; a point needs two returns. */
export function historicalVolatility(
  store: Store,
  index: number,
  nowMs: number,
): readonly (readonly [number, number])[] {
  const prices = indexPrices(store, index, nowMs - 2 * windowHours * hourMs, hourMs);
  const returns = prices.slice(1).map((point, at) => ({
    hour: point.minute - (point.minute % hourMs),
    value: Math.log(point.price / prices[at]!.price),
  }));
  const points: (readonly [number, number])[] = [];
  for (let end = 2; end <= returns.length; end++) {
    const hour = returns[end - 1]!.hour;
    if (hour < nowMs - windowHours * hourMs) continue;
    const window = returns.slice(Math.max(0, end - windowHours), end).map(({ value }) => value);
    points.push([hour, rounded(annualised(window) * 100, 4)]);
  }
  return points;
}

function annualised(returns: readonly number[]): number {
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const variance = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (returns.length - 1);
  return Math.sqrt(variance * hoursPerYear);
}
