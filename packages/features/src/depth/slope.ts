/** How fast depth grows with the distance from the touch: the slope of Naes and Skjeltorp, and a curve through the cumulative depth. */
import type { Feature } from "../graph/operator.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { logsOfLots, placeOfLog } from "./log-of-lots.ts";
import { ofLevels } from "./of-levels.ts";

/**
 * `slope`: of each side (1/N) [v_1 / |p_1/m - 1| + sum_{j<N} (v_{j+1}/v_j - 1) / |p_{j+1}/p_j - 1|], v_j the logarithm of the lots of
 * the first j levels; then the mean of both sides. Null unless all N levels are there with prices above zero and more than one lot at the
 * best (ln 1 = 0 divides nothing). Depends on what a lot is, as the paper's depends on the unit of shares.
 */
export function slope({ levels }: { readonly levels: number }): Feature {
  positiveInteger("slope.levels", levels);
  return {
    id: "slope",
    version: 1,
    parameters: { levels },
    columns: [
      {
        name: `slope_${levels}`,
        unit: "1",
        formula: "mean over sides of (1/N) [v_1 / |p_1/m - 1| + sum (v_{j+1}/v_j - 1) / |p_{j+1}/p_j - 1|]",
      },
    ],
    source:
      "Naes and Skjeltorp, Order book characteristics and the volume-volatility relation, J. Financial Markets 9, 2006",
    levels,
    make({ market }) {
      const sides = new Float64Array(2);
      return ofLevels(market, 1, (values, { levels: { bidPrice, bidSize, askPrice, askSize } }) => {
        const mid = ((bidPrice[0] as number) + (askPrice[0] as number)) / 2;
        writeSlope(bidPrice, bidSize, mid, levels, sides, 0);
        writeSlope(askPrice, askSize, mid, levels, sides, 1);
        values[0] = ((sides[0] as number) + (sides[1] as number)) / 2;
      });
    },
  };
}

function writeSlope(
  price: Float64Array,
  size: Float64Array,
  mid: number,
  count: number,
  sides: Float64Array,
  side: number,
): void {
  sides[side] = NaN;
  const best = price[0] as number;
  // Prices fall on the bid: if the deepest is above zero, all are. NaN where there are fewer levels.
  if (!((price[count - 1] as number) > 0 && best > 0)) return;
  let lots = size[0] as number;
  let volume = logsOfLots[placeOfLog(lots)] as number;
  if (!(volume > 0)) return;
  let sum = volume / Math.abs(best / mid - 1);
  for (let level = 1; level < count; level++) {
    lots += size[level] as number;
    const next = logsOfLots[placeOfLog(lots)] as number;
    sum += (next / volume - 1) / Math.abs((price[level] as number) / (price[level - 1] as number) - 1);
    volume = next;
  }
  sides[side] = sum / count;
}

export const curveOrigins = ["best", "mid"] as const;
/** From where the distance x of the curve is measured. From the best, the best level itself has x = 0 and does not bear on the curve. */
export type CurveOrigin = (typeof curveOrigins)[number];

/**
 * `lin_slope`: c1 and c2 of the least-squares curve D(x) = c1 x + c2 x^2 through the cumulative depth of the first `levels` levels of each
 * side, x their distance in ticks: `lin_slope` is c1 (lots per tick), `convexity` c2 (lots per tick squared). Null unless all levels are there.
 */
export function linearSlope({ levels, origin }: { readonly levels: number; readonly origin: CurveOrigin }): Feature {
  positiveInteger("lin_slope.levels", levels);
  if (levels < 3) throw new FeatureRefusal({ argument: "lin_slope.levels", value: levels, wanted: "at least 3" });
  oneOf("lin_slope.origin", origin, curveOrigins);
  const suffix = `${levels}${origin === "mid" ? "_of_mid" : ""}`;
  return {
    id: "lin_slope",
    version: 1,
    parameters: { levels, origin },
    columns: ["bid", "ask"].flatMap((side) => [
      { name: `lin_slope_${side}_${suffix}`, unit: "lots/tick", formula: "c1 of D(x) ~ c1 x + c2 x^2" },
      { name: `convexity_${side}_${suffix}`, unit: "lots/tick^2", formula: "c2 of D(x) ~ c1 x + c2 x^2" },
    ]),
    levels,
    make({ market }) {
      // From its own best, the curve of a side changes with that side alone.
      let bids = -1;
      let asks = -1;
      const ofMid = origin === "mid";
      return ofLevels(market, 4, (values, { levels: read, bidsVersion, asksVersion }) => {
        const { bidPrice, askPrice } = read;
        if (ofMid || bids !== bidsVersion)
          fitCurve(bidPrice, read.bidSize, ofMid ? askPrice : bidPrice, levels, values, 0);
        if (ofMid || asks !== asksVersion)
          fitCurve(askPrice, read.askSize, ofMid ? bidPrice : askPrice, levels, values, 2);
        bids = bidsVersion;
        asks = asksVersion;
      });
    },
  };
}

/** Writes c1 and c2 by the normal equations, x from halfway between the best prices of `price` and `other`; NaN where a level is missing. */
function fitCurve(
  price: Float64Array,
  size: Float64Array,
  other: Float64Array,
  count: number,
  values: Float64Array,
  at: number,
): void {
  const from = ((price[0] as number) + (other[0] as number)) / 2;
  let depth = 0;
  let x2 = 0;
  let x3 = 0;
  let x4 = 0;
  let xd = 0;
  let x2d = 0;
  for (let level = 0; level < count; level++) {
    const x = Math.abs((price[level] as number) - from);
    const square = x * x;
    depth += size[level] as number;
    x2 += square;
    x3 += square * x;
    x4 += square * square;
    xd += x * depth;
    x2d += square * depth;
  }
  const determinant = x2 * x4 - x3 * x3;
  values[at] = (x4 * xd - x3 * x2d) / determinant;
  values[at + 1] = (x2 * x2d - x3 * xd) / determinant;
}
