/**
 * The volatility at any strike from the five nodes that validators agree on per expiry. The nodes stand at standardised
 * log-moneyness x = ln(strike / forward) / sqrt(years) = -1, -1/2, 0, 1/2, 1; between them runs the shape-preserving cubic
 * of Fritsch and Butland (slopes are harmonic means of the neighbouring secants, zero at a turn), beyond them the outer
 * value holds, and it is met with slope zero. So the smile has a continuous slope everywhere, passes through its nodes,
 * lies between the two nodes beside x, and is positive when they are. Why this and not SVI or a natural spline:
 * `docs/decisions/0202-smile-interpolation.md`. It is no guarantee against butterflies: `svi.ts` has that check.
 *
 * F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984).
 */
import { log } from "@stoa/base/exact";
import { notNegative, positive, PricingRefusal } from "./refusal.ts";

/** The standardised log-moneyness of each node. */
export const smileNodes = [-1, -0.5, 0, 0.5, 1] as const;

/**
 * The volatility at a strike, in the unit of the nodes. At expiry (`years` 0) it is the middle node on the forward and the
 * outer node on either side of it. Refuses another number of nodes than five, a forward or strike that is not positive, and a
 * negative time.
 */
export function volatilityAt(nodes: readonly number[], forward: number, strike: number, years: number): number {
  if (nodes.length !== smileNodes.length)
    throw new PricingRefusal("nodes", nodes.length === 0 ? "empty" : "lengths-differ", nodes.length, "must be five");
  positive("forward", forward);
  positive("strike", strike);
  notNegative("years", years);
  return volatilityAtMoneyness(nodes, standardisedMoneyness(forward, strike, years));
}

/** ln(strike / forward) / sqrt(years); at expiry its limit, 0 or infinite. */
export function standardisedMoneyness(forward: number, strike: number, years: number): number {
  if (years === 0) return strike === forward ? 0 : strike < forward ? -Infinity : Infinity;
  return log(strike / forward) / Math.sqrt(years);
}

/** The same at a standardised log-moneyness, which may be infinite. */
export function volatilityAtMoneyness(nodes: readonly number[], x: number): number {
  // The bounds are asked of the rounded position: just under x = 1 it is already 4, which is no cell.
  const position = (x + 1) * 2;
  if (position <= 0) return nodes[0] as number;
  if (4 <= position) return nodes[4] as number;
  const cell = Math.floor(position);
  const left = nodes[cell] as number;
  const right = nodes[cell + 1] as number;
  const t = position - cell;
  const rise = right - left;
  const value = hermite(t, rise, slopeAt(nodes, cell), slopeAt(nodes, cell + 1)) + left;
  // Rounding alone could pass a node by a unit in the last place; the promise is exact.
  return between(value, left, right);
}

/** The slope at a node in volatility per cell. */
function slopeAt(nodes: readonly number[], index: number): number {
  if (index === 0 || index === 4) return 0;
  const middle = nodes[index] as number;
  const before = middle - (nodes[index - 1] as number);
  const after = (nodes[index + 1] as number) - middle;
  if (0 < before && 0 < after) return (2 * before * after) / (before + after);
  if (before < 0 && after < 0) return (2 * before * after) / (before + after);
  return 0;
}

/** The cubic on [0, 1] from 0 to `rise` with the given slopes at its ends. */
function hermite(t: number, rise: number, slopeLeft: number, slopeRight: number): number {
  return t * (slopeLeft + t * (3 * rise - 2 * slopeLeft - slopeRight + t * (slopeLeft + slopeRight - 2 * rise)));
}

function between(value: number, a: number, b: number): number {
  const low = a < b ? a : b;
  const high = a < b ? b : a;
  return value < low ? low : high < value ? high : value;
}
