/**
 * Whether a raw SVI slice admits a butterfly, answered for all strikes and not for a grid of them. Gatheral's density factor
 *
 *   g(k) = (1 - k w'/(2 w))^2 - (w'^2 / 4) (1/w + 1/4) + w''/2
 *
 * is bounded from below on intervals: w is convex, so w' lies between its values at the ends, w between its vertex and its
 * larger end, and w'' has one maximum and so its minimum at an end. Intervals where the bound is not positive are halved.
 * Beyond the last interval w lies between a tangent and its asymptote, which bounds g on the whole half-line. Bounds are
 * computed in doubles, so the proof is up to their rounding (about 1e-14 of the terms of g).
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), section 2.1;
 * R. Lee, "The moment formula for implied volatility at extreme strikes", Mathematical Finance 14 (2004), for the wings.
 */
import { number } from "../refusal.ts";
import { sviDensityFactor, type SviSlice } from "../svi.ts";

/** In the order in which they are checked. */
export const sviRefusals = ["parameters-outside-domain", "variance-negative", "wings-too-steep", "butterfly"] as const;
export type SviRefusal = (typeof sviRefusals)[number];

/**
 * Why a slice is no valid smile, or undefined: parameters outside their domain; minimum variance not positive; wings not
 * below Lee's bound, b (1 + |rho|) < 2; a strike at which the density is negative or cannot be shown to be positive. What is
 * no number at all, as a word, throws a `PricingRefusal`.
 */
export function sviRefusal(slice: SviSlice): SviRefusal | undefined {
  const a = number("slice.a", slice.a);
  const b = number("slice.b", slice.b);
  const rho = number("slice.rho", slice.rho);
  const m = number("slice.m", slice.m);
  const s = number("slice.s", slice.s);
  const domain = 0 <= b && -1 < rho && rho < 1 && 0 < s && a - a === 0 && b - b === 0 && m - m === 0 && s - s === 0;
  if (!domain) return "parameters-outside-domain";
  if (!(0 < a + b * s * Math.sqrt(1 - rho * rho))) return "variance-negative";
  if (2 <= b * (1 + (rho < 0 ? -rho : rho))) return "wings-too-steep";
  return butterflyAt(slice) === undefined ? undefined : "butterfly";
}

const intervalsCountMax = 20_000;
const doublingsCountMax = 60;

/**
 * A log-moneyness at which a slice with positive variance and wings below Lee's bound admits a butterfly or comes so close
 * to one that doubles cannot tell; undefined when it admits none at any strike.
 */
export function butterflyAt(slice: SviSlice): number | undefined {
  const reach = Math.abs(slice.m) + 4 * slice.s;
  const middle = butterflyWithin(slice, -reach, reach);
  if (middle !== undefined) return middle;
  return butterflyBeyond(slice, reach) ?? butterflyBefore(slice, reach);
}

/** The same to the right of `start`, by intervals that double in length until the rest is one half-line without butterflies. */
function butterflyBeyond(slice: SviSlice, start: number): number | undefined {
  let from = start;
  for (let doubling = 0; doubling < doublingsCountMax; doubling++) {
    if (0 < tailBound(slice, from)) return undefined;
    const found = butterflyWithin(slice, from, 2 * from);
    if (found !== undefined) return found;
    from *= 2;
  }
  return from;
}

/** The left wing is the right wing of the mirror image. */
function butterflyBefore(slice: SviSlice, start: number): number | undefined {
  const found = butterflyBeyond({ ...slice, rho: -slice.rho, m: -slice.m }, start);
  return found === undefined ? undefined : -found;
}

/** The pending intervals of the search, ends in pairs: depth-first, so at most one per halving waits. */
const pending = new Float64Array(2 * 128);

function butterflyWithin(slice: SviSlice, left: number, right: number): number | undefined {
  pending[0] = left;
  pending[1] = right;
  let count = 1;
  for (let visited = 0; 0 < count; visited++) {
    count--;
    const low = pending[2 * count] as number;
    const high = pending[2 * count + 1] as number;
    if (0 < intervalBound(slice, low, high)) continue;
    const middle = low + 0.5 * (high - low);
    const stuck = intervalsCountMax < visited || middle <= low || high <= middle || 126 <= count;
    if (stuck || sviDensityFactor(slice, middle) < 0) return middle;
    pending[2 * count] = middle;
    pending[2 * count + 1] = high;
    pending[2 * count + 2] = low;
    pending[2 * count + 3] = middle;
    count += 2;
  }
  return undefined;
}

/** A number that g does not fall below on [low, high]. */
function intervalBound({ a, b, rho, m, s }: SviSlice, low: number, high: number): number {
  const left = low - m;
  const right = high - m;
  const rootLeft = Math.sqrt(left * left + s * s);
  const rootRight = Math.sqrt(right * right + s * s);
  const slopeLow = b * (rho + left / rootLeft);
  const slopeHigh = b * (rho + right / rootRight);
  const atLeft = a + b * (rho * left + rootLeft);
  const atRight = a + b * (rho * right + rootRight);
  const least =
    slopeLow < 0 && 0 < slopeHigh ? a + b * s * Math.sqrt(1 - rho * rho) : atLeft < atRight ? atLeft : atRight;
  const most = atLeft < atRight ? atRight : atLeft;

  const leanLow = 1 - productMax(low, high, slopeLow, slopeHigh, least, most);
  const leanHigh = 1 + productMax(-high, -low, slopeLow, slopeHigh, least, most);
  const lean = 0 < leanLow ? leanLow : leanHigh < 0 ? leanHigh : 0;
  const slopeSquare = slopeLow * slopeLow < slopeHigh * slopeHigh ? slopeHigh * slopeHigh : slopeLow * slopeLow;
  const rootMost = rootLeft < rootRight ? rootRight : rootLeft;
  const curvature = (b * s * s) / (rootMost * rootMost * rootMost);
  return lean * lean - 0.25 * slopeSquare * (1 / least + 0.25) + 0.5 * curvature;
}

/** The largest k w' / (2 w) for k, w' and w in their intervals, w positive. */
function productMax(
  kLow: number,
  kHigh: number,
  slopeLow: number,
  slopeHigh: number,
  least: number,
  most: number,
): number {
  const product = Math.max(kLow * slopeLow, kLow * slopeHigh, kHigh * slopeLow, kHigh * slopeHigh);
  return product / (2 * (0 < product ? least : most));
}

/**
 * A number that g does not fall below on [from, Infinity). There w' rises to beta = b (1 + rho), and w lies above its tangent
 * at `from`; so k w'/(2 w) <= k beta / (2 tangent(k)), which is monotone in k and largest at one of the two ends.
 */
function tailBound({ a, b, rho, m, s }: SviSlice, from: number): number {
  const offset = from - m;
  const root = Math.sqrt(offset * offset + s * s);
  const variance = a + b * (rho * offset + root);
  const slope = b * (rho + offset / root);
  const wing = b * (1 + rho);
  if (wing === 0) return 1;
  if (!(0 < offset && 0 < slope)) return -1;
  const lean = 1 - Math.max((from * wing) / (2 * variance), wing / (2 * slope));
  if (lean <= 0) return -1;
  return lean * lean - 0.25 * wing * wing * (1 / variance + 0.25);
}
