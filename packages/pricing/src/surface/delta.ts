/**
 * Reading a volatility surface as traders quote it: at a delta, at the money, as risk reversals and butterflies, over expiries.
 * Every convention has a name and is an argument. Deltas are given as sizes: 0.25 is the put with delta -0.25 as well.
 *
 * With d1 = -k/sqrt(w) + sqrt(w)/2, d2 = d1 - sqrt(w), k = ln(strike/forward) and D the discount factor, the size of delta is
 * - "forward":           N(d1) of a call, N(-d1) of a put: per unit of the forward, as Deribit publishes it;
 * - "discounted":        D times that: the derivative of the price in the forward;
 * - "premium-adjusted":  e^k N(d2), e^k N(-d2): of a position whose premium is paid in the underlying, delta less price/forward.
 *
 * U. Wystup, "FX Options and Structured Products" (2017), section 1.5; D. Reiswich and U. Wystup, "A guide to FX options quoting
 * conventions", Journal of Derivatives 18 (2010).
 */
import { exp, normalDistribution } from "@stoa/base/exact";
import type { OptionType } from "../black76.ts";
import { oneOf, positive, PricingRefusal } from "../refusal.ts";
import { surfaceDiscount, surfaceForward, surfaceVariance, type Surface } from "./surface.ts";

export const deltaConventions = ["forward", "discounted", "premium-adjusted"] as const;
export type DeltaConvention = (typeof deltaConventions)[number];

/** "forward": the strike is the forward. "delta-neutral": call and put have deltas of one size. */
export const moneyConventions = ["forward", "delta-neutral"] as const;
export type MoneyConvention = (typeof moneyConventions)[number];

export type DeltaArguments = {
  readonly type: OptionType;
  /** The size of delta, within (0, 1). */
  readonly delta: number;
  readonly years: number;
  /** "forward" when absent. */
  readonly convention?: DeltaConvention;
};

/** The surface at one strike. */
export type SurfacePoint = {
  readonly strike: number;
  /** ln(strike / forward). */
  readonly k: number;
  /** Per square-root year. */
  readonly volatility: number;
};

/** Why no strike is read: no strike on the out-of-the-money side has a delta of that size. */
export const deltaRefusals = ["delta-not-reached"] as const;
export type DeltaRefusal = (typeof deltaRefusals)[number];

/** The size of the delta of an option at log-moneyness `k` after `years`. */
export function deltaAt(
  surface: Surface,
  { type, k, years, convention }: { type: OptionType; k: number; years: number; convention: DeltaConvention },
): number {
  const deviation = Math.sqrt(surfaceVariance(surface, k, years));
  const sign = type === "call" ? 1 : -1;
  const d1 = 0.5 * deviation - k / deviation;
  if (convention === "premium-adjusted") return exp(k) * normalDistribution(sign * (d1 - deviation));
  const size = normalDistribution(sign * d1);
  return convention === "discounted" ? surfaceDiscount(surface, years) * size : size;
}

const walkStepsCountMax = 60;

/**
 * The strike at which an option has a delta, with its volatility. Of several strikes the one farthest out of the money: a
 * premium-adjusted call has two.
 *
 * @example strikeAtDelta(surface, { type: "put", delta: 0.25, years: 30 / 365 })
 */
export function strikeAtDelta(surface: Surface, question: DeltaArguments): SurfacePoint | DeltaRefusal {
  const { type, years, convention = "forward" } = question;
  oneOf("type", type, ["call", "put"]);
  oneOf("convention", convention, deltaConventions);
  const delta = positive("delta", question.delta);
  if (1 <= delta) throw new PricingRefusal("delta", "outside-range", delta, "must be between 0 and 1");
  // Out of the money is away from zero in this direction, and there the delta falls to 0.
  const sign = type === "call" ? 1 : -1;
  const sizeAt = (distance: number): number => deltaAt(surface, { type, k: sign * distance, years, convention });
  const unit = Math.sqrt(surfaceVariance(surface, 0, years));
  let outer = unit;
  for (let count = 0; delta <= sizeAt(outer); count++) {
    if (count === walkStepsCountMax) return "delta-not-reached";
    outer *= 2;
  }
  let inner = outer;
  for (let count = 0; sizeAt(inner) < delta; count++) {
    if (count === 2 * walkStepsCountMax) return "delta-not-reached";
    outer = inner;
    // Small steps while the maximum of a premium-adjusted delta may be near, then ever larger ones.
    inner -= count < walkStepsCountMax ? 0.1 * unit : unit * (count - walkStepsCountMax);
  }
  return pointAt(surface, sign * bisected((distance) => sizeAt(distance) - delta, inner, outer), years);
}

/** The volatility at a delta, or why there is none. */
export function volatilityAtDelta(surface: Surface, question: DeltaArguments): number | DeltaRefusal {
  const point = strikeAtDelta(surface, question);
  return typeof point === "string" ? point : point.volatility;
}

/** The strike and volatility at the money: at the forward, or where call and put have deltas of one size. */
export function atTheMoney(
  surface: Surface,
  years: number,
  money: MoneyConvention = "forward",
  convention: DeltaConvention = "forward",
): SurfacePoint {
  oneOf("money", money, moneyConventions);
  oneOf("convention", convention, deltaConventions);
  if (money === "forward") return pointAt(surface, 0, years);
  // d1 = 0, so k = w(k)/2; premium-adjusted d2 = 0, so k = -w(k)/2. Slopes of w are below 2: each has one root.
  const sign = convention === "premium-adjusted" ? -1 : 1;
  const rest = (distance: number): number => 0.5 * surfaceVariance(surface, sign * distance, years) - distance;
  let outer = surfaceVariance(surface, 0, years);
  for (let count = 0; 0 <= rest(outer) && count < walkStepsCountMax; count++) outer *= 2;
  return pointAt(surface, sign * bisected(rest, 0, outer), years);
}

export type SpreadArguments = {
  readonly delta: number;
  readonly years: number;
  /** "forward" when absent. */
  readonly convention?: DeltaConvention;
};

/** Volatility of the call less that of the put at the same size of delta. */
export function riskReversal(surface: Surface, question: SpreadArguments): number | DeltaRefusal {
  const call = volatilityAtDelta(surface, { ...question, type: "call" });
  const put = volatilityAtDelta(surface, { ...question, type: "put" });
  return typeof call === "string" ? call : typeof put === "string" ? put : call - put;
}

/** The mean of both volatilities at a size of delta less that at the money ("delta-neutral" when absent). */
export function butterfly(
  surface: Surface,
  question: SpreadArguments & { readonly money?: MoneyConvention },
): number | DeltaRefusal {
  const call = volatilityAtDelta(surface, { ...question, type: "call" });
  const put = volatilityAtDelta(surface, { ...question, type: "put" });
  if (typeof call === "string") return call;
  if (typeof put === "string") return put;
  const { years, money = "delta-neutral", convention = "forward" } = question;
  return 0.5 * (call + put) - atTheMoney(surface, years, money, convention).volatility;
}

export type TermPoint = {
  readonly years: number;
  readonly forward: number;
  /** At the forward. */
  readonly volatility: number;
  /** sqrt of the total variance gained since the time before, per year: since now for the first. */
  readonly forwardVolatility: number;
};

/** The at-the-money term structure at ascending times; at the surface's expiries when absent. */
export function termStructure(surface: Surface, times?: readonly number[]): TermPoint[] {
  let timeBefore = 0;
  let varianceBefore = 0;
  return (times ?? surface.slices.map(({ years }) => years)).map((years, index) => {
    if (years <= timeBefore) throw new PricingRefusal(`times[${index}]`, "not-ascending", years);
    const variance = surfaceVariance(surface, 0, years);
    const forwardVolatility = Math.sqrt(Math.max(0, variance - varianceBefore) / (years - timeBefore));
    timeBefore = years;
    varianceBefore = variance;
    const forward = surfaceForward(surface, years);
    return { years, forward, volatility: Math.sqrt(variance / years), forwardVolatility };
  });
}

function pointAt(surface: Surface, k: number, years: number): SurfacePoint {
  const volatility = Math.sqrt(surfaceVariance(surface, k, years) / years);
  return { strike: surfaceForward(surface, years) * exp(k), k, volatility };
}

/** The root of a function that is not negative at `low` and negative at `high`, to the last place that doubles have. */
function bisected(f: (x: number) => number, low: number, high: number): number {
  for (let count = 0; count < 200; count++) {
    const middle = low + 0.5 * (high - low);
    if (middle <= low || high <= middle) break;
    if (0 <= f(middle)) low = middle;
    else high = middle;
  }
  return low;
}
