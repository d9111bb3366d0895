/**
 * The forward of an underlying over time, from futures and from put-call parity of options: points that are known, and named rules
 * between and beyond them. It knows nothing of how a point was observed but its standard error.
 *
 * Between points the logarithm of the forward is linear in time: the carry between two deliveries is constant.
 */
import { exp, log } from "@stoa/base/exact";
import { notNegative, oneOf, positive, PricingRefusal } from "../refusal.ts";
import type { ExpiryQuotes } from "./chain.ts";
import { impliedForward, paritySettings, rateErrorMax, type ParitySettings } from "./put-call-parity.ts";

export type ForwardPoint = {
  /** Not negative: 0 is the spot price. Ascending over a curve. */
  readonly years: number;
  readonly forward: number;
  /** Standard error in the unit of the forward; 0 where it is known. */
  readonly error: number;
  readonly source: "spot" | "future" | "parity";
};

export type ForwardRules = {
  /** Before the first point: its forward, or the carry between the first two. */
  readonly before: "constant-forward" | "constant-carry";
  /** After the last point: its forward, or the carry between the last two. */
  readonly after: "constant-forward" | "constant-carry";
};

export const forwardRules: ForwardRules = { before: "constant-forward", after: "constant-forward" };

export type ForwardCurve = { readonly points: readonly ForwardPoint[]; readonly rules: ForwardRules };

/** A curve through at least one point. */
export function makeForwardCurve(points: readonly ForwardPoint[], rules: ForwardRules = forwardRules): ForwardCurve {
  if (points.length === 0) throw new PricingRefusal("points", "empty", points);
  for (const [index, { years, forward, error }] of points.entries()) {
    notNegative(`points[${index}].years`, years);
    positive(`points[${index}].forward`, forward);
    notNegative(`points[${index}].error`, error);
    if (0 < index && years <= (points[index - 1] as ForwardPoint).years) {
      throw new PricingRefusal(`points[${index}].years`, "not-ascending", years);
    }
  }
  oneOf("rules.before", rules.before, ["constant-forward", "constant-carry"]);
  oneOf("rules.after", rules.after, ["constant-forward", "constant-carry"]);
  return { points, rules };
}

/**
 * The points of a chain: per expiry the mean of its future and of what put-call parity says, weighted by the inverse squares of their
 * errors, or whichever there is. `futureError` is the standard error of the futures as a part of their price; at 0, the default, a
 * future is taken as it is.
 */
export function forwardPoints(
  chain: readonly ExpiryQuotes[],
  settings: Partial<ParitySettings> & { readonly futureError?: number } = {},
): ForwardPoint[] {
  const part = notNegative("settings.futureError", settings.futureError ?? 0);
  return chain.flatMap((expiry): ForwardPoint[] => {
    const { years, quotes, forward } = expiry;
    const future =
      forward === undefined ? undefined : { years, forward, error: part * forward, source: "future" as const };
    if (future?.error === 0) return [future];
    const discount = expiry.discount ?? settings.discount;
    const implied = impliedForward(quotes, {
      ...paritySettings,
      discountErrorMax: rateErrorMax * years,
      ...settings,
      discount,
    });
    if (typeof implied === "string") return future === undefined ? [] : [future];
    const parity = { years, forward: implied.forward, error: implied.forwardError, source: "parity" as const };
    if (future === undefined) return [parity];
    const futureWeight = 1 / (future.error * future.error);
    const parityWeight = 1 / Math.max(1e-300, parity.error * parity.error);
    const total = futureWeight + parityWeight;
    const mean = future.forward + (parity.forward - future.forward) * (parityWeight / total);
    return [
      { years, forward: mean, error: Math.sqrt(1 / total), source: futureWeight < parityWeight ? "parity" : "future" },
    ];
  });
}

/** The forward for delivery after `years`. */
export function forwardOf({ points, rules }: ForwardCurve, years: number): number {
  notNegative("years", years);
  const first = points[0] as ForwardPoint;
  const last = points.at(-1) as ForwardPoint;
  if (years <= first.years) {
    const second = points[1];
    if (rules.before === "constant-forward" || second === undefined) return first.forward;
    return carried(first, second, years);
  }
  if (last.years <= years) {
    const before = points.at(-2);
    if (rules.after === "constant-forward" || before === undefined) return last.forward;
    return carried(before, last, years);
  }
  const next = points.findIndex((point) => years <= point.years);
  return carried(points[next - 1] as ForwardPoint, points[next] as ForwardPoint, years);
}

/** On the straight line through two points in ln(forward) over time. */
function carried(one: ForwardPoint, other: ForwardPoint, years: number): number {
  if (years === one.years) return one.forward;
  if (years === other.years) return other.forward;
  const part = (years - one.years) / (other.years - one.years);
  return one.forward * exp(part * log(other.forward / one.forward));
}
