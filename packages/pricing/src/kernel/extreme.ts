/**
 * Rows of a chain that the straight line of `black.ts` leaves out: options of no time or no volatility, terms at the ends of
 * their domains, prices beyond 34 deviations. The same formulas with every case told apart, a row at a time; time and volatility
 * of zero give the derivatives of exercise. The WebAssembly form is `assembly/extreme.ts`.
 */
import type { BlackColumns, GreekColumns } from "./columns.ts";
import { log, logRatio, ratioCell, ratioWidth, scaledExp } from "./functions.ts";
import { boundedRatio, nearDifference, ratioEnd } from "./mills-ratio.ts";

/** The price of a row whose terms are good. */
export function extremePrice(options: BlackColumns, row: number): number {
  const forward = options.forward[row] as number;
  const strike = options.strike[row] as number;
  const isBelow = forward <= strike;
  const deviation = (options.volatility[row] as number) * (Math.sqrt(options.years[row] as number) + 0) + 0;
  const gain = options.sign[row] === 1 ? forward - strike : strike - forward;
  const value = timeValue(isBelow ? forward : strike, isBelow ? strike : forward, deviation);
  return (options.discount[row] as number) * ((0 < gain ? gain : 0) + value);
}

/** Writes price and greeks of a row whose terms are good. */
export function fillExtreme(options: BlackColumns, out: GreekColumns, row: number): void {
  const forward = options.forward[row] as number;
  const strike = options.strike[row] as number;
  const years = options.years[row] as number;
  const volatility = options.volatility[row] as number;
  const discount = options.discount[row] as number;
  const isCall = options.sign[row] === 1;
  const isBelow = forward <= strike;
  const price = extremePrice(options, row);
  const root = Math.sqrt(years) + 0; // a zero that is added makes -0 a 0
  const deviation = volatility * root + 0;

  // N(d1) of a call at or under the strike, N(-d1) of a put above it; then what is left to one, without cancelling.
  const weight = left(weightIndex);
  const tail = (weight / forward) * left(isBelow ? innerRatioIndex : outerRatioIndex);
  const flips = isBelow && left(flipIndex) === 1;
  const isTail = (isCall === isBelow) !== flips;
  const probability = isTail ? tail : 1 - tail;

  const isCertain = deviation === 0;
  const isOver = years === 0;
  const density = isCertain ? 0 : discount * (weight * densityAtZero); // discount * forward * n(d1)
  const perForward = density / forward;
  const d2 = isBelow ? -left(outerIndex) : left(innerIndex);
  const decay = (-0.5 * density * volatility) / (isOver ? 1 : root) - (price * log(discount)) / (isOver ? 1 : years);
  out.price[row] = price;
  out.delta[row] = discount * (isCall ? probability : -probability) + 0;
  out.gamma[row] = perForward / (forward * (isCertain ? 1 : deviation));
  out.vega[row] = density * root;
  out.theta[row] = isOver ? 0 : decay + 0;
  out.rho[row] = -years * price + 0;
  out.vanna[row] = (perForward * -d2) / (isCertain ? 1 : volatility) + 0;
}

/**
 * The undiscounted value of the out-of-the-money one of call and put, within 0 and `low`, for 0 < low <= high. It leaves
 * behind what the greeks take, to be read by {@link left}: an answer in several numbers that allocates nothing.
 */
function timeValue(low: number, high: number, deviation: number): number {
  const quotient = logRatio(high, low);
  const ratio = quotient === 0 ? 0 : quotient / deviation;
  const h = ratio < farthest ? ratio : farthest;
  const half = 0.5 * deviation;
  const t = half < farthest ? half : farthest;
  const inner = h - t;
  const outer = h + t;
  const weight = scaledExp(-0.5 * (h * h + t * t), 0, low * Math.sqrt(high / low));
  const cell = ratioCell(h < ratioEnd ? h : ratioEnd);
  const value =
    deviation <= ratioWidth(cell)
      ? weight * (deviation * nearDifference(cell, inner, outer, deviation, leftovers, innerRatioIndex))
      : farValue(low, weight, inner, outer);
  leftovers[flipIndex] = deviation <= ratioWidth(cell) || 0 <= inner ? 0 : 1;
  leftovers[weightIndex] = weight;
  leftovers[innerIndex] = inner;
  leftovers[outerIndex] = outer;
  return value < 0 ? 0 : low < value ? low : value;
}

/** The value where R is taken from two cells; left of the peak R(inner) is what its mirror image leaves of the whole. */
function farValue(low: number, weight: number, inner: number, outer: number): number {
  const first = boundedRatio(inner < 0 ? -inner : inner);
  const second = boundedRatio(outer);
  leftovers[innerRatioIndex] = first;
  leftovers[outerRatioIndex] = second;
  return inner < 0 ? low - weight * (first + second) : weight * (first - second);
}

/** What {@link timeValue} left behind, by the indices below. */
function left(index: number): number {
  return leftovers[index] as number;
}

const leftovers = new Float64Array(6);
/** R of |h - t| (of h - t where nothing flips); R of h + t; G; h - t; h + t; 1 where h - t < 0 was mirrored, else 0. */
const [innerRatioIndex, outerRatioIndex, weightIndex, innerIndex, outerIndex, flipIndex] = [0, 1, 2, 3, 4, 5] as const;

/** Beyond it every density is zero, and so is whatever is multiplied by one. */
const farthest = 1000;
const densityAtZero = 0.3989422804014327;
