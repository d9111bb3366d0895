/**
 * A volatility surface: one SVI slice, forward and discount factor per expiry, and named rules for the times between, before and
 * after. It is read at a strike and a time, or at a log-moneyness k = ln(strike/forward) and a time. It relies on slices that
 * are free of arbitrage (`fit-surface.ts`) and says what its rules keep of that; it does not check them.
 *
 * Between expiries the forward and the discount factor are linear in time in their logarithms; before the first and after the
 * last expiry the forward stays what it is there, and the discount factor keeps its rate.
 *
 * J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014), lemma 5.1.
 */
import { exp, log } from "@stoa/base/exact";
import { timeValue } from "../black76.ts";
import { impliedVolatility } from "../implied-volatility.ts";
import { finite, oneOf, positive, PricingRefusal } from "../refusal.ts";
import { sviVariance, type SviSlice } from "../svi.ts";
import { checkedRaw } from "./svi-forms.ts";

export type SurfaceSlice = {
  /** Positive, ascending over the slices of a surface. */
  readonly years: number;
  readonly forward: number;
  readonly discount: number;
  readonly svi: SviSlice;
};

export type SurfaceRules = {
  /**
   * Before the first expiry. "constant-volatility": total variance at fixed k in proportion to time. It stays free of butterflies
   * (with w' and w'' scaled by c, g is concave in c and not negative at 0 and 1) and of calendar spreads.
   */
  readonly before: "constant-volatility";
  /**
   * "total-variance": linear in time at fixed k. Free of calendar spreads; a butterfly between two expiries is not excluded.
   * "price": the undiscounted option price over the forward is linear in time at fixed k, which keeps both (lemma 5.1) and
   * costs an implied volatility per reading.
   */
  readonly between: "total-variance" | "price";
  /**
   * After the last expiry. "constant-volatility": as before the first; free of calendar spreads, of butterflies for as long as
   * the wings stay below Lee's bound. "constant-forward-variance": at every k total variance grows by what the at-the-money
   * variance grew per year between the last two expiries; free of calendar spreads.
   */
  readonly after: "constant-volatility" | "constant-forward-variance";
};

export const surfaceRules: SurfaceRules = {
  before: "constant-volatility",
  between: "total-variance",
  after: "constant-volatility",
};

export type Surface = { readonly slices: readonly SurfaceSlice[]; readonly rules: SurfaceRules };

/** A surface of at least one slice; refuses by name what is not in its domain. */
export function makeSurface(slices: readonly SurfaceSlice[], rules: SurfaceRules = surfaceRules): Surface {
  if (slices.length === 0) throw new PricingRefusal("slices", "empty", slices);
  for (const [index, { years, forward, discount, svi }] of slices.entries()) {
    positive(`slices[${index}].years`, years);
    positive(`slices[${index}].forward`, forward);
    positive(`slices[${index}].discount`, discount);
    const { a, b, rho, s } = checkedRaw(svi, `slices[${index}].svi.`);
    const least = a + b * s * Math.sqrt((1 - rho) * (1 + rho));
    if (least < 0) {
      const rule = "leaves a strike with negative variance";
      throw new PricingRefusal(`slices[${index}].svi.a`, "outside-range", a, rule);
    }
    if (0 < index && years <= (slices[index - 1] as SurfaceSlice).years) {
      throw new PricingRefusal(`slices[${index}].years`, "not-ascending", years);
    }
  }
  const { before, between, after } = rules;
  oneOf("rules.before", before, ["constant-volatility"]);
  oneOf("rules.between", between, ["total-variance", "price"]);
  oneOf("rules.after", after, ["constant-volatility", "constant-forward-variance"]);
  return { slices, rules: { before, between, after } };
}

/** The forward for delivery after `years`. */
export function surfaceForward({ slices }: Surface, years: number): number {
  const { early, late, part } = placeOf(slices, years);
  if (early === undefined) return late.forward;
  if (late.years <= years) return late.forward;
  return early.forward * exp(part * log(late.forward / early.forward));
}

/** The discount factor for `years`. */
export function surfaceDiscount({ slices }: Surface, years: number): number {
  const { early, late, part } = placeOf(slices, years);
  if (early === undefined || late.years <= years) return exp((log(late.discount) * years) / late.years);
  return early.discount * exp(part * log(late.discount / early.discount));
}

/** Total variance (volatility squared times years) at log-moneyness `k` after `years`, both by the surface's rules. */
export function surfaceVariance(surface: Surface, k: number, years: number): number {
  finite("k", k);
  const { slices, rules } = surface;
  const { early, late, part } = placeOf(slices, years);
  const last = sviVariance(late.svi, k).variance;
  if (years === late.years) return last;
  if (late.years < years) return last + (years - late.years) * growthAfter(surface, last, late);
  if (early === undefined) return (last * years) / late.years;
  const first = sviVariance(early.svi, k).variance;
  if (rules.between === "total-variance") return first + part * (last - first);
  return varianceBetween(k, first, last, part);
}

/** The volatility per square-root year at a strike after `years`. */
export function surfaceVolatility(surface: Surface, strike: number, years: number): number {
  positive("strike", strike);
  const k = log(strike / surfaceForward(surface, years));
  return Math.sqrt(surfaceVariance(surface, k, years) / years);
}

/** The slices beside `years` and how far it is from the earlier to the later; no earlier one before the first. */
function placeOf(
  slices: readonly SurfaceSlice[],
  years: number,
): { readonly early: SurfaceSlice | undefined; readonly late: SurfaceSlice; readonly part: number } {
  positive("years", years);
  let index = 0;
  while (index < slices.length - 1 && (slices[index] as SurfaceSlice).years < years) index++;
  const early = slices[index - 1];
  const late = slices[index] as SurfaceSlice;
  return { early, late, part: early === undefined ? 0 : (years - early.years) / (late.years - early.years) };
}

/** Total variance per year at fixed k after the last expiry. */
function growthAfter({ slices, rules }: Surface, last: number, late: SurfaceSlice): number {
  const early = slices.at(-2);
  if (rules.after === "constant-volatility" || early === undefined) return last / late.years;
  const rise = sviVariance(late.svi, 0).variance - sviVariance(early.svi, 0).variance;
  return Math.max(0, rise) / (late.years - early.years);
}

/** The total variance whose price over the forward, out of the money, is the same part of the way as time. */
function varianceBetween(k: number, first: number, last: number, part: number): number {
  const strike = exp(k);
  const low = timeValue(1, strike, Math.sqrt(first));
  const high = timeValue(1, strike, Math.sqrt(last));
  const price = low + part * (high - low);
  const volatility = impliedVolatility({ type: strike < 1 ? "put" : "call", forward: 1, strike, years: 1, price });
  // Where the prices are below the smallest double the variances still are not.
  if (typeof volatility !== "number" || volatility === 0) return first + part * (last - first);
  const variance = volatility * volatility;
  return Math.min(last, Math.max(first, variance));
}
