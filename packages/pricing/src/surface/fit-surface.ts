/**
 * Fits a volatility surface to the quotes of an option chain: SVI per expiry, free of butterflies and calendar spreads at all
 * strikes, which is checked on the result and not only steered for. In order:
 *
 * 1. the forward of each expiry, given or from put-call parity, and what its quotes say of total variance;
 * 2. each expiry with enough quotes by itself; then SSVI through all, which also serves the expiries with few quotes;
 * 3. slices that cross or admit a butterfly again, in corridors that are fair to both neighbours, then between what the neighbours
 *    are (`surface-corridors.ts`);
 * 4. what remains is lifted or blended with the SSVI surface until every check passes (`surface-repair.ts`).
 *
 * Deterministic: no randomness, every iteration bounded, sums in a fixed order.
 *
 * PERF: about 12 microseconds of processor time per quote, of which a fifth are volatilities, half the slices by themselves and a
 * quarter the rounds between neighbours (`bench/pricing-chains.ts`).
 */
import { notNegative, positive } from "../refusal.ts";
import { sviVariance, type SviSlice } from "../svi.ts";
import { checkChain, quoteSettings, type ExpiryQuotes, type QuoteSettings } from "./chain.ts";
import { observe, type Observations, type QuoteTally } from "./observations.ts";
import { impliedForward, paritySettings, rateErrorMax, type ParityRefusal } from "./put-call-parity.ts";
import { fitSlice, freeWings, type SliceFit } from "./slice-fit.ts";
import { fitSsvi, thetaOf } from "./ssvi-fit.ts";
import { ssviSlice, type Ssvi } from "./ssvi.ts";
import { corridorBeside, corridorsBetween, wingsBeside, type Fitted } from "./surface-corridors.ts";
import { repairSurface, violatorsOf, type Repair } from "./surface-repair.ts";
import { makeSurface, type Surface, type SurfaceRules } from "./surface.ts";

export type FitSettings = QuoteSettings &
  SurfaceRules & {
    /** No quote is trusted to better than this in volatility. */
    readonly volatilityErrorMin: number;
    /**
     * The largest standard error, as a rate per year, at which a discount factor from put-call parity is taken; 1 is taken otherwise.
     */
    readonly rateErrorMax: number;
    /** Expiries with fewer usable two-sided quotes take the shape of their smile from all others (SSVI). */
    readonly sviQuotesMin: number;
  };

export const fitSettings: FitSettings = {
  ...quoteSettings,
  volatilityErrorMin: 0.002,
  rateErrorMax,
  sviQuotesMin: 6,
  before: "constant-volatility",
  between: "total-variance",
  after: "constant-volatility",
};

/** Why an expiry is not in the surface, in the order in which they are checked. */
export const expiryRefusals = ["no-quotes", "all-crossed", "all-stale", "no-forward", "no-volatility"] as const;
export type ExpiryRefusal = (typeof expiryRefusals)[number];

/** What became of one expiry of the chain. */
export type ExpiryFit = {
  readonly years: number;
  /** "svi": by itself; "ssvi": too few quotes, the shape is that of all expiries; else why it is not in the surface. */
  readonly model: "svi" | "ssvi" | ExpiryRefusal;
  readonly forward: number | undefined;
  readonly discount: number | undefined;
  /** Set when the forward is from put-call parity and there is none. */
  readonly parityRefusal: ParityRefusal | undefined;
  /** Absent when there was no forward. */
  readonly tally: QuoteTally | undefined;
  readonly outlierCount: number;
  /** Root mean squared residual in standard errors, of the fit by itself. */
  readonly residual: number | undefined;
  /** What was done to the slice so that no arbitrage is left. */
  readonly repair: Repair | undefined;
};

/** Why there is no surface at all: no expiry says anything, or not even the common surface passes the checks. */
export const fitRefusals = ["no-expiry-fitted", "arbitrage-left"] as const;
export type FitRefusal = (typeof fitRefusals)[number];

export type SurfaceFit =
  | { readonly surface: Surface; readonly ssvi: Ssvi; readonly expiries: readonly ExpiryFit[] }
  | { readonly refusal: FitRefusal; readonly expiries: readonly ExpiryFit[] };

/**
 * The surface of a chain whose expiries ascend. Arguments outside their domain are refused by name (`chain[2].quotes[14].bid`);
 * expiries that cannot be fitted are left out and say why.
 *
 * @example
 * const fit = fitSurface([{ years: 0.1, forward: 100, quotes: [{ type: "call", strike: 100, bid: 4.9, ask: 5.1 }] }]);
 * if (!("refusal" in fit)) surfaceVolatility(fit.surface, 105, 0.1);
 */
export function fitSurface(chain: readonly ExpiryQuotes[], settings: Partial<FitSettings> = {}): SurfaceFit {
  const all = { ...fitSettings, ...settings };
  positive("settings.volatilityErrorMin", all.volatilityErrorMin);
  notNegative("settings.rateErrorMax", all.rateErrorMax);
  checkChain(chain, all);
  const drafts = chain.map((expiry) => draftOf(expiry, all));
  const usable = drafts.filter((draft) => draft.observations !== undefined) as Usable[];
  if (usable.length === 0) return { refusal: "no-expiry-fitted", expiries: drafts.map((draft) => reportOf(draft)) };

  const { fitted, ssvi } = fitExpiries(usable, all);
  refitViolators(usable, fitted);
  const { slices, repairs } = repairSurface(
    fitted.map(({ slice }) => slice),
    fitted.map(({ reference }) => reference),
  );
  const expiries = reportsOf(drafts, fitted, repairs);
  // Slices of their own were checked when they were repaired; the common surface is sound by its theorem, up to rounding.
  const common = repairs.every(({ blend }) => blend === 1);
  if (common && 0 < violatorsOf(slices).size) return { refusal: "arbitrage-left", expiries };
  const surface = makeSurface(
    usable.map(({ years, forward, discount }, index) => ({ years, forward, discount, svi: slices[index] as SviSlice })),
    all,
  );
  return { surface, ssvi, expiries };
}

function reportsOf(drafts: readonly Draft[], fitted: readonly Fitted[], repairs: readonly Repair[]): ExpiryFit[] {
  let next = 0;
  return drafts.map((draft) => {
    if (draft.observations === undefined) return reportOf(draft);
    const index = next++;
    return { ...reportOf(draft, fitted[index]), repair: repairs[index] };
  });
}

type Draft = {
  readonly years: number;
  readonly refusal: ExpiryRefusal | undefined;
  readonly parityRefusal: ParityRefusal | undefined;
  readonly forward: number | undefined;
  readonly discount: number | undefined;
  readonly tally: QuoteTally | undefined;
  readonly observations: Observations | undefined;
};
type Usable = Draft & { readonly forward: number; readonly discount: number; readonly observations: Observations };

/** The forward and the observations of an expiry, or why it has none. */
function draftOf(expiry: ExpiryQuotes, settings: FitSettings): Draft {
  const { years, quotes } = expiry;
  const none = { years, parityRefusal: undefined, observations: undefined, tally: undefined };
  const terms = termsOf(expiry, settings);
  if (typeof terms === "string") {
    const tally = observe(quotes, { years, forward: 1, discount: 1 }, settings).tally;
    const refusal = emptinessOf(quotes.length, tally) ?? "no-forward";
    return { ...none, forward: undefined, discount: undefined, parityRefusal: terms, refusal };
  }
  const observations = observe(quotes, { years, ...terms }, settings);
  const { tally } = observations;
  const emptiness = emptinessOf(quotes.length, tally);
  const usable = 0 < tally.twoSided;
  const refusal = emptiness ?? (usable ? undefined : "no-volatility");
  return { ...none, ...terms, tally, refusal, observations: refusal === undefined ? observations : undefined };
}

function emptinessOf(count: number, { empty, crossed, stale }: QuoteTally): ExpiryRefusal | undefined {
  if (empty === count) return "no-quotes";
  if (empty + crossed + stale !== count) return undefined;
  return stale <= crossed ? "all-crossed" : "all-stale";
}

function termsOf(
  { years, forward, discount, quotes }: ExpiryQuotes,
  settings: FitSettings,
): { readonly forward: number; readonly discount: number } | ParityRefusal {
  if (forward !== undefined) return { forward, discount: discount ?? 1 };
  const discountErrorMax = settings.rateErrorMax * years;
  const implied = impliedForward(quotes, { ...paritySettings, ...settings, discount, discountErrorMax });
  return typeof implied === "string" ? implied : { forward: implied.forward, discount: implied.discount };
}

/** Slices by themselves, SSVI through all, and its slices for the expiries with few quotes. */
function fitExpiries(
  usable: readonly Usable[],
  { sviQuotesMin }: FitSettings,
): { readonly fitted: Fitted[]; readonly ssvi: Ssvi } {
  const alone = usable.map(({ observations }) => {
    if (observations.tally.twoSided < sviQuotesMin) return undefined;
    return fitSlice({ observations, wings: freeWings, corridor: undefined, prior: undefined, earlier: undefined });
  });
  const rich = usable.flatMap(({ observations }, index) => {
    const own = alone[index];
    return own === undefined ? [] : [{ observations, ...thetaFrom(own) }];
  });
  // Expiries with few quotes take their shape from the others, and then have their say in the common one.
  const shape = rich.length < usable.length ? fitSsvi(rich).ssvi : undefined;
  const expiries = usable.map(({ observations }, index) => {
    const own = alone[index];
    if (own !== undefined || shape === undefined) return { observations, ...thetaFrom(own as SliceFit) };
    const theta = thetaOf(observations, shape, startThetaOf(observations));
    return { observations, theta, weight: poorWeight(observations, theta) };
  });
  const { ssvi, thetas } = fitSsvi(expiries);
  const fitted = usable.map(({ observations }, index) => {
    const reference = ssviSlice(ssvi, thetas[index] as number);
    const { theta, weight } = expiries[index] as (typeof expiries)[number];
    const first = alone[index];
    if (first === undefined) return { own: first, slice: ssviSlice(ssvi, theta), reference, weight };
    const own = betterOf(first, observations, reference);
    return { own, slice: own.slice, reference, weight };
  });
  return { fitted, ssvi };
}

/** Above this the fit of an expiry by itself may have followed wrong quotes. */
const doubtfulDistance = 0.1;

/** A doubtful fit is tried again from the shape that all expiries have, and the one that is nearer to more quotes is kept. */
function betterOf(first: SliceFit, observations: Observations, shape: SviSlice): SliceFit {
  if (first.distance < doubtfulDistance) return first;
  const task = { observations, wings: freeWings, corridor: undefined, prior: undefined, earlier: undefined };
  const again = fitSlice({ ...task, shape });
  return again.distance < first.distance ? again : first;
}

function thetaFrom({ slice, varianceOf }: SliceFit): { readonly theta: number; readonly weight: number } {
  return { theta: sviVariance(slice, 0).variance, weight: 1 / varianceOf(0) };
}

function startThetaOf({ count, variance }: Observations): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += variance[index] as number;
  return sum / count;
}

/** The weight of an at-the-money variance from few quotes, as if each had measured it. */
function poorWeight({ count, error }: Observations, theta: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += 1 / ((error[index] as number) * (error[index] as number));
  return Math.min(sum, 1 / (1e-8 * theta * theta));
}

/**
 * Rounds of fitting again: the first in corridors that are fair to both neighbours, the next between what the neighbours then are, the
 * last with bound wings as well.
 */
const refitTolerances = [0.005, 0.002, 0.001, 0.0005, 0.0005] as const;
const freeRoundsCount = 2;

/** Slices that still violate after this are left to the repair. */
function refitViolators(usable: readonly Usable[], fitted: Fitted[]): void {
  let violators = violatorsOf(fitted.map(({ slice }) => slice));
  if (violators.size === 0) return;
  const fair = corridorsBetween(fitted);
  for (const [round, tolerance] of refitTolerances.entries()) {
    for (const [index, crossings] of violators) {
      const before = fitted[index] as Fitted;
      if (before.own === undefined) continue;
      const { observations } = usable[index] as Usable;
      const corridor = round === 0 ? (fair[index] as (typeof fair)[number]) : corridorBeside(fitted, index, crossings);
      const again = fitSlice({
        observations,
        wings: round < freeRoundsCount ? freeWings : wingsBeside(fitted, index),
        corridor: { ...corridor, tolerance },
        prior: before.reference,
        earlier: before.own,
      });
      // A corridor that the quotes contradict is no improvement: the repair does less harm.
      if (2 * before.own.residual + 1 < again.residual) continue;
      fitted[index] = { ...before, own: again, slice: again.slice };
    }
    violators = violatorsOf(fitted.map(({ slice }) => slice));
    if (violators.size === 0) return;
  }
}

function reportOf(draft: Draft, fitted?: Fitted): ExpiryFit {
  const { years, forward, discount, parityRefusal, tally, refusal } = draft;
  const own = fitted?.own;
  return {
    years,
    model: refusal ?? (own === undefined ? "ssvi" : "svi"),
    forward,
    discount,
    parityRefusal,
    tally,
    outlierCount: own?.outlierCount ?? 0,
    residual: own?.residual,
    repair: undefined,
  };
}
