/**
 * The nodes on which a price is computed by finite differences: x = ln(underlying / strike), close together around the strike, where
 * the payoff has its kink and the exercise boundary is, and ever wider apart away from it. x = width sinh(xi), the xi evenly
 * spaced with one of them at zero: with its kink on a node a payoff costs the scheme none of its order. It relies on the exact functions and knows nothing of payoffs or of time.
 *
 * D. Tavella and C. Randall, "Pricing Financial Instruments: The Finite Difference Method", Wiley 2000, section 5.
 */
import { exp, log } from "@stoa/base/exact";

export type Grid = {
  /** ln(underlying / strike) at each node, ascending. */
  readonly x: Float64Array;
  /** exp(x): underlying over strike at each node. */
  readonly ratio: Float64Array;
};

export type GridExtent = {
  /** The least and the largest x wanted; a fixed end is kept to the bit, a free one may move outwards. */
  readonly low: number;
  readonly high: number;
  /** Distance from the strike within which the nodes are about evenly spaced. */
  readonly width: number;
  readonly fixed?: "low" | "high";
};

/**
 * A grid of about `steps` cells over `extent`, each of them cut into `refinement` parts. With the same steps the nodes of one
 * refinement are among those of its multiples, which comparing the two relies on.
 */
export function strikeGrid({ low, high, width, fixed }: GridExtent, steps: number, refinement: number): Grid {
  const from = inverseSinh(low / width);
  const to = inverseSinh(high / width);
  let spacing = (to - from) / steps;
  let first = from / spacing;
  let count = steps;
  if (low < 0 && 0 < high) {
    // The spacing is what puts an integer number of cells between the strike and the fixed end (or the lower one).
    const anchor = fixed === "high" ? to : -from;
    const cells = Math.max(2, Math.floor(anchor / spacing + 0.5));
    spacing = anchor / cells;
    const others = Math.max(2, Math.ceil((fixed === "high" ? -from : to) / spacing - 1e-9));
    first = fixed === "high" ? -others : -cells;
    count = cells + others;
  }
  spacing /= refinement;
  first *= refinement;
  count *= refinement;
  const x = new Float64Array(count + 1);
  const ratio = new Float64Array(count + 1);
  for (let index = 0; index <= count; index++) {
    x[index] = width * sinh((first + index) * spacing);
    if (fixed === "low" && index === 0) x[index] = low;
    if (fixed === "high" && index === count) x[index] = high;
    ratio[index] = exp(x[index] as number);
  }
  return { x, ratio };
}

/** (e^x - e^-x) / 2; the difference loses nothing that a place of a node needs. */
function sinh(x: number): number {
  return 0.5 * (exp(x) - exp(-x));
}

/** The x of which `value` is the sinh. */
function inverseSinh(value: number): number {
  const size = value < 0 ? -value : value;
  const x = log(size + Math.sqrt(size * size + 1));
  return value < 0 ? -x : x;
}
