/**
 * Estimates with their standard errors from the exact sums of a partial: means and variances are quotients of integers, rounded once,
 * so nothing cancels and every order of merging gives the same bits.
 */
import { equalBytes } from "@stoa/base/bytes";
import { PricingRefusal } from "../refusal.ts";
import { controlMean, hasControl } from "./control.ts";
import { nearestDouble, unitExponent } from "./exact-sum.ts";
import { pathCountOf, type Group, type Partial } from "./partial.ts";
import { columnNames, sumCount } from "./simulation.ts";
import { sampleBlockSize, workDigest, type Work } from "./work.ts";

/** A mean, and the standard deviation that such a mean has over seeds. */
export type Estimate = { readonly mean: number; readonly standardError: number };

export type Estimates = {
  readonly value: Estimate;
  /** Per unit of spot. */
  readonly delta?: Estimate;
  /** Per 1.00 of volatility. */
  readonly vega?: Estimate;
  /** Of delta per unit of spot. */
  readonly gamma?: Estimate;
  /** Of a basket: by the spot of each asset, and by its volatility. */
  readonly deltas?: readonly Estimate[];
  readonly vegas?: readonly Estimate[];
  readonly pathCount: number;
};

/**
 * What the partial says. At least two samples are needed (three with a control): two paths, two blocks of 4,096 with moment matching,
 * one path in each replicate of Sobol points, and there the same number in each.
 */
export function estimate(work: Work, partial: Partial): Estimates {
  if (!equalBytes(workDigest(work), partial.work)) {
    throw new PricingRefusal("partial.work", "outside-range", partial.work, "must be of this work, not");
  }
  checkShape(work, partial);
  const names = columnNames(work);
  const estimates = names.map((_, column) => estimateColumn(work, partial.groups, column));
  const value = estimates[0]!;
  const pathCount = pathCountOf(partial);
  if (work.model.kind === "black-scholes-basket" && 1 < estimates.length) {
    const vegasBegin = 1 + work.model.assets.length;
    const [deltas, vegas] = [estimates.slice(1, vegasBegin), estimates.slice(vegasBegin)];
    return { value, deltas, vegas, pathCount };
  }
  const greeks = names.slice(1).map((name, index) => [name, estimates[index + 1]!] as const);
  return { value, ...(Object.fromEntries(greeks) as Pick<Estimates, "delta" | "vega" | "gamma">), pathCount };
}

/** A partial may come from anyone: what no simulation of this work gives is refused before it is read. */
function checkShape(work: Work, { groups, ranges }: Partial): void {
  const { replicates, momentMatching } = work.method;
  const width = sumCount(work);
  const sampleCount = groups.reduce((total, group) => total + group.sampleCount, 0);
  const pathCount = pathCountOf({ ranges }) / (momentMatching ? sampleBlockSize : 1);
  const sound =
    groups.length === replicates && groups.every(({ sums }) => sums.length === width) && sampleCount === pathCount;
  if (sound) return;
  throw new PricingRefusal(
    "partial.groups",
    "lengths-differ",
    sampleCount,
    "must hold the sums of this work for all its paths, not",
  );
}

function estimateColumn(work: Work, groups: readonly Group[], column: number): Estimate {
  const columnCount = columnNames(work).length;
  const all = groups.map((group) => momentsOf(group, column, columnCount, hasControl(work)));
  const whole = all.reduce(addMoments);
  return groups.length === 1 ? fromSamples(work, whole) : fromReplicates(work, all, whole);
}

/** Sums over samples of y, y^2 and, with a control, x, x^2 and x y; counts of 2^-1074. */
type Moments = {
  readonly count: bigint;
  readonly y: bigint;
  readonly yy: bigint;
  readonly x: bigint;
  readonly xx: bigint;
  readonly xy: bigint;
};

/** Reads the layout that `sumCount` in `simulation.ts` documents. */
function momentsOf({ sampleCount, sums }: Group, column: number, columnCount: number, controlled: boolean): Moments {
  const [y, yy] = [sums[2 * column]!, sums[2 * column + 1]!];
  const count = BigInt(sampleCount);
  if (!controlled) return { count, y, yy, x: 0n, xx: 0n, xy: 0n };
  const first = 2 * columnCount;
  return { count, y, yy, x: sums[first]!, xx: sums[first + 1]!, xy: sums[first + 2 + column]! };
}

function addMoments(left: Moments, right: Moments): Moments {
  return {
    count: left.count + right.count,
    y: left.y + right.y,
    yy: left.yy + right.yy,
    x: left.x + right.x,
    xx: left.xx + right.xx,
    xy: left.xy + right.xy,
  };
}

const unit = 1n << BigInt(unitExponent);

/** n times the sum of products less the product of sums, a count of 2^-2148: n (n - 1) times a covariance. */
function spread({ count }: Moments, product: bigint, left: bigint, right: bigint): bigint {
  return count * product * unit - left * right;
}

function mean({ count }: Moments, sum: bigint): number {
  return nearestDouble(sum, count * unit);
}

/** Independent samples: the mean, less beta times what the control is off, and the deviation of what the control leaves. */
function fromSamples(work: Work, moments: Moments): Estimate {
  const controlled = hasControl(work);
  const { count, y, yy, x, xx, xy } = moments;
  enough(count, controlled ? 3n : 2n);
  const syy = spread(moments, yy, y, y);
  const scale = count * count * unit * unit;
  if (!controlled) {
    return { mean: mean(moments, y), standardError: rootOf(syy, scale * (count - 1n)) };
  }
  const [sxx, sxy] = [spread(moments, xx, x, x), spread(moments, xy, x, y)];
  const beta = 0n < sxx ? nearestDouble(sxy, sxx) : 0;
  const rest = 0n < sxx ? syy * sxx - sxy * sxy : syy;
  return {
    mean: mean(moments, y) - beta * (mean(moments, x) - controlMean(work)),
    standardError: rootOf(rest, scale * (count - 2n) * (0n < sxx ? sxx : 1n)),
  };
}

/** Means of independent scramblings, beta from all of them together. */
function fromReplicates(work: Work, all: readonly Moments[], whole: Moments): Estimate {
  const counts = new Set(all.map(({ count }) => count));
  if (counts.size !== 1) {
    const rule = "must hold as many paths of each replicate; take a multiple of 256 * replicates, not";
    throw new PricingRefusal("partial", "lengths-differ", Number(whole.count), rule);
  }
  enough(all[0]!.count, 1n);
  const [sxx, sxy] = [spread(whole, whole.xx, whole.x, whole.x), spread(whole, whole.xy, whole.x, whole.y)];
  const beta = hasControl(work) && 0n < sxx ? nearestDouble(sxy, sxx) : 0;
  const expected = hasControl(work) ? controlMean(work) : 0;
  const means = all.map((moments) => mean(moments, moments.y) - beta * (mean(moments, moments.x) - expected));
  const total = means.reduce((sum, value) => sum + value, 0) / means.length;
  const squares = means.reduce((sum, value) => sum + (value - total) * (value - total), 0);
  return { mean: total, standardError: Math.sqrt(squares / (means.length * (means.length - 1))) };
}

function enough(count: bigint, least: bigint): void {
  if (least <= count) return;
  throw new PricingRefusal("partial", "outside-range", Number(count), `must hold at least ${least} samples, not`);
}

/** The products were rounded one by one, so of equal samples a spread next to zero may be left, on either side of it. */
function rootOf(numerator: bigint, denominator: bigint): number {
  return numerator <= 0n ? 0 : Math.sqrt(nearestDouble(numerator, denominator));
}
