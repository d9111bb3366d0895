/**
 * By how much one raw SVI slice lies above another, at all strikes: the calendar condition, total variance that never falls
 * with time at fixed log-moneyness. Both curves are convex, so on an interval the later lies above its tangents and the
 * earlier below its chord: the gap is bounded by the least of a tangent minus a chord, which is found without search.
 * Intervals whose bound does not decide are halved; beyond the last one a tangent is compared with an asymptote. Bounds are
 * computed in doubles and so hold up to their rounding.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), lemma 2.1.
 */
import { sviVariance, type SviSlice } from "../svi.ts";
import { checkedRaw } from "./svi-forms.ts";

export type CalendarGap = {
  /** Total variance of the later slice above the earlier is at least this at every strike; -Infinity where the wings cross. */
  readonly gap: number;
  /** Where it is negative, a log-moneyness at which it is within a hundredth of that. */
  readonly k: number;
};

const intervalsCountMax = 20_000;
const doublingsCountMax = 60;

/** The pending intervals of the search, ends in pairs: depth-first, so at most one per halving waits. */
const pending = new Float64Array(2 * 128);

/**
 * A bound on the least of late(k) - early(k) over all k: positive when there is no calendar arbitrage between the two (then
 * it is some lower bound); otherwise the least gap itself to within a hundredth. Refuses parameters outside their domain.
 */
export function calendarGap(early: SviSlice, late: SviSlice): CalendarGap {
  checkedRaw(early, "early.");
  checkedRaw(late, "late.");
  const reach = Math.max(Math.abs(early.m) + 4 * early.s, Math.abs(late.m) + 4 * late.s);
  const right = tailOf(early, late, reach);
  const left = tailOf(mirrored(early), mirrored(late), reach);
  if (right === undefined) return { gap: -Infinity, k: Infinity };
  if (left === undefined) return { gap: -Infinity, k: -Infinity };
  const { gap, k } = leastGap(early, late, -left.from, right.from);
  return { gap: Math.min(gap, left.gap, right.gap), k };
}

const mirrored = (slice: SviSlice): SviSlice => ({ ...slice, rho: -slice.rho, m: -slice.m });

type Tail = { readonly from: number; readonly gap: number };

/** A k and the positive gap that there is at least from it on to the right; undefined where the wings cross or run parallel. */
function tailOf(early: SviSlice, late: SviSlice, start: number): Tail | undefined {
  const wing = early.b * (1 + early.rho);
  let from = start;
  for (let doubling = 0; doubling < doublingsCountMax; doubling++) {
    const { variance, slope } = sviVariance(late, from);
    const offset = from - early.m;
    // sqrt(x^2 + s^2) <= x + s^2 / (2 x): from here on the earlier curve lies below this line.
    const ceiling = early.a + wing * offset + (early.b * early.s * early.s) / (2 * offset);
    if (wing <= slope && ceiling < variance) return { from, gap: variance - ceiling };
    from *= 2;
  }
  return undefined;
}

function leastGap(early: SviSlice, late: SviSlice, left: number, right: number): CalendarGap {
  let best = Infinity;
  let bestK = left;
  let bound = Infinity;
  pending[0] = left;
  pending[1] = right;
  let count = 1;
  for (let visited = 0; 0 < count; visited++) {
    count--;
    const low = pending[2 * count] as number;
    const high = pending[2 * count + 1] as number;
    const middle = low + 0.5 * (high - low);
    const gap = sviVariance(late, middle).variance - sviVariance(early, middle).variance;
    if (gap < best) {
      best = gap;
      bestK = middle;
    }
    const least = intervalBound(early, late, low, high);
    // Where there is a violation its depth is wanted, else only that there is none.
    const enough = 0 < best ? 0 < least : best * 1.01 <= least;
    const stuck = intervalsCountMax < visited || middle <= low || high <= middle || 126 <= count;
    if (enough || stuck) {
      if (least < bound) bound = least;
      continue;
    }
    pending[2 * count] = middle;
    pending[2 * count + 1] = high;
    pending[2 * count + 2] = low;
    pending[2 * count + 3] = middle;
    count += 2;
  }
  return { gap: bound, k: bestK };
}

/** A number that late - early does not fall below on [low, high]: the later's two tangents above the earlier's chord. */
function intervalBound(early: SviSlice, late: SviSlice, low: number, high: number): number {
  const first = sviVariance(late, low);
  const last = sviVariance(late, high);
  const chordLow = sviVariance(early, low).variance;
  const chordHigh = sviVariance(early, high).variance;
  const width = high - low;
  const atLow = first.variance - chordLow;
  const atHigh = last.variance - chordHigh;
  let least = atLow < atHigh ? atLow : atHigh;
  // Where the tangents meet; elsewhere the maximum of the two is linear and least at an end.
  const turn = last.slope - first.slope;
  if (0 < turn) {
    const meet = (last.slope * width - (last.variance - first.variance)) / turn;
    if (0 < meet && meet < width) {
      const there = first.variance + first.slope * meet - (chordLow + (chordHigh - chordLow) * (meet / width));
      if (there < least) least = there;
    }
  }
  return least;
}
