/**
 * Corridors between the slices of neighbouring expiries: at fixed log-moneynesses, and for the slopes of both wings, the values
 * of all slices are made to ascend with the least change in squares, weighted by how well each is known, and the middle
 * between two neighbours becomes the ceiling of the earlier and the floor of the later.
 */
import { sviVariance, type SviSlice } from "../svi.ts";
import { ascending } from "./robust.ts";
import { wingMax, type Corridor, type SliceFit, type WingRanges } from "./slice-fit.ts";

/** A slice on its way into the surface. */
export type Fitted = {
  /** Absent when the expiry had too few quotes for a fit of its own. */
  readonly own: SliceFit | undefined;
  readonly slice: SviSlice;
  /** The slice of the arbitrage-free SSVI surface at this expiry. */
  readonly reference: SviSlice;
  /** The inverse variance of the at-the-money total variance. */
  readonly weight: number;
};

/** Log-moneynesses at which neighbours are kept apart: closer together where short expiries live, and two for the wings. */
const points = [0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.14, 0.2, 0.3, 0.45, 0.7, 1.1, 1.7, 2.6, 10, 100];
const corridorPoints: readonly number[] = [...points.map((k) => -k).reverse(), 0, ...points];
const farPoint = 10;

/** Pooled values are spread by this, so that no two slices are asked to touch. */
const growthMin = 1.002;

/** A corridor per slice. */
export function corridorsBetween(fitted: readonly Fitted[]): Omit<Corridor, "tolerance">[] {
  const rows = corridorPoints.map((k) =>
    separated(
      fitted.map(({ slice }) => sviVariance(slice, k).variance),
      fitted.map((one) => weightAt(one, k)),
      Infinity,
    ),
  );
  return fitted.map((_, index) => ({
    k: corridorPoints,
    low: rows.map((row) => row[index] as number),
    high: rows.map((row) => row[index + 1] as number),
  }));
}

/** The corridor of one slice between what its neighbours are now, at the fixed points and at `more`. */
export function corridorBeside(
  fitted: readonly Fitted[],
  index: number,
  more: readonly number[],
): Omit<Corridor, "tolerance"> {
  const k = [...corridorPoints, ...more];
  const before = fitted[index - 1]?.slice;
  const after = fitted[index + 1]?.slice;
  return {
    k,
    low: k.map((at) => (before === undefined ? 0 : sviVariance(before, at).variance * growthMin)),
    high: k.map((at) => (after === undefined ? Infinity : sviVariance(after, at).variance / growthMin)),
  };
}

/** The ranges of one slice's wings between those of its neighbours; where these cross, above the earlier one's. */
export function wingsBeside(fitted: readonly Fitted[], index: number): WingRanges {
  const before = fitted[index - 1]?.slice;
  const after = fitted[index + 1]?.slice;
  const range = (slope: (slice: SviSlice) => number): { readonly low: number; readonly high: number } => {
    const low = before === undefined ? 0 : slope(before) * growthMin;
    const high = after === undefined ? wingMax : slope(after) / growthMin;
    return low < high ? { low, high } : { low, high: Math.min(wingMax, low * growthMin) };
  };
  const right = range(({ b, rho }) => b * (1 + rho));
  const left = range(({ b, rho }) => b * (1 - rho));
  return { rightMin: right.low, rightMax: right.high, leftMin: left.low, leftMax: left.high };
}

/**
 * The inverse of the variance of a fitted value. No value is taken to be known better than to a fiftieth, and far out, where
 * nothing is quoted, no slope better than to a tenth of a deviation: what the normal equations say there is the form of the curve.
 */
function weightAt({ own, slice, weight }: Fitted, k: number): number {
  const atMoney = sviVariance(slice, 0).variance;
  const value = sviVariance(slice, k).variance;
  const least = 0.02 * value;
  const far = farPoint <= Math.abs(k) ? 0.1 * Math.sqrt(atMoney) * k : 0;
  return 1 / ((own === undefined ? 1 / weight : own.varianceOf(k)) + least * least + far * far);
}

/** 0, the middles between neighbours of the ascending sequence nearest to `values`, and `highest`. */
function separated(values: readonly number[], weights: readonly number[], highest: number): number[] {
  let before = 0;
  const rising = ascending(values, weights).map((value) => (before = Math.max(value, before * growthMin)));
  const middles = rising.slice(1).map((value, index) => 0.5 * (value + (rising[index] as number)));
  return [0, ...middles, highest];
}
