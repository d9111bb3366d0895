/**
 * Is a surface consistent? The static conditions on its slices, certified at all strikes, and Dupire's local volatility, which
 * exists exactly where they hold: total variance that grows with time over a positive density factor.
 *
 * B. Dupire, "Pricing with a smile", Risk 7 (1994); J. Gatheral, "The Volatility Surface" (2006), equation 1.10.
 */
import { PricingRefusal } from "../refusal.ts";
import { densityFactor, sviVariance, type SviVariance } from "../svi.ts";
import { sviRefusal, type SviRefusal } from "./butterfly-check.ts";
import { calendarGap, type CalendarGap } from "./calendar-check.ts";
import { surfaceVariance, type Surface, type SurfaceSlice } from "./surface.ts";

export type SurfaceCheck = {
  /** No butterfly at any strike of any expiry, no calendar spread between any two. */
  readonly free: boolean;
  /** Per slice, undefined where it is sound. */
  readonly butterflies: readonly (SviRefusal | undefined)[];
  /** Per pair of neighbours: a lower bound on the gap, negative where they cross. */
  readonly calendars: readonly CalendarGap[];
};

/** The conditions of Gatheral and Jacquier (2014) on the slices, by bounds that hold at all strikes and not on a grid. */
export function checkSurface({ slices }: Surface): SurfaceCheck {
  const butterflies = slices.map(({ svi }) => sviRefusal(svi));
  const calendars = slices.slice(1).map(({ svi }, index) => calendarGap((slices[index] as SurfaceSlice).svi, svi));
  const free = butterflies.every((refusal) => refusal === undefined) && calendars.every(({ gap }) => 0 < gap);
  return { free, butterflies, calendars };
}

/** Total variance after `years` with its derivatives in k, under the rules "total-variance" and "constant-volatility". */
export function surfaceShape(surface: Surface, k: number, years: number): SviVariance {
  const { slices, rules } = surface;
  if (rules.between !== "total-variance") {
    throw new PricingRefusal("surface.rules.between", "unknown", rules.between, "must be total-variance");
  }
  const variance = surfaceVariance(surface, k, years);
  const { early, late } = besides(slices, years);
  const last = sviVariance(late.svi, k);
  const beyond = late.years < years && rules.after === "constant-forward-variance";
  if (beyond) return { ...last, variance };
  const part =
    early === undefined || late.years <= years ? undefined : (years - early.years) / (late.years - early.years);
  if (part === undefined) {
    const scale = years / late.years;
    return { variance, slope: last.slope * scale, curvature: last.curvature * scale };
  }
  const first = sviVariance((early as SurfaceSlice).svi, k);
  return {
    variance,
    slope: first.slope + part * (last.slope - first.slope),
    curvature: first.curvature + part * (last.curvature - first.curvature),
  };
}

/** Gatheral's g of the surface at any time: negative where the interpolation in total variance admits a butterfly. */
export function surfaceDensityFactor(surface: Surface, k: number, years: number): number {
  return densityFactor(surfaceShape(surface, k, years), k);
}

/**
 * Dupire's local volatility at log-moneyness `k` after `years`: the square root of dw/dt at fixed k over g. At an expiry the
 * growth towards it is taken. Not a number where the surface is not consistent.
 */
export function localVolatility(surface: Surface, k: number, years: number): number {
  const { early, late } = besides(surface.slices, years);
  const here = surfaceVariance(surface, k, years);
  let growth: number;
  if (early === undefined) growth = here / years;
  else if (late.years < years) growth = (here - surfaceVariance(surface, k, late.years)) / (years - late.years);
  else {
    const first = sviVariance(early.svi, k).variance;
    growth = (sviVariance(late.svi, k).variance - first) / (late.years - early.years);
  }
  return Math.sqrt(growth / surfaceDensityFactor(surface, k, years));
}

function besides(
  slices: readonly SurfaceSlice[],
  years: number,
): { readonly early: SurfaceSlice | undefined; readonly late: SurfaceSlice } {
  let index = 0;
  while (index < slices.length - 1 && (slices[index] as SurfaceSlice).years < years) index++;
  return { early: slices[index - 1], late: slices[index] as SurfaceSlice };
}
