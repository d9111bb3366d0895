/**
 * What is measured on one chain: how well Black-76 at the venue's own volatility gives the venue's own numbers, how far the surface
 * fitted to bids and asks is from them, whether quotes hold it, and whether it leaves arbitrage: by the certificate of the fit and,
 * independently, by the prices of butterflies and calendar spreads on dense grids.
 */
import { black76, black76Price } from "@stoa/pricing/black76";
import { fitSurface, type SurfaceFit } from "@stoa/pricing/surface/fit-surface";
import { impliedForward, paritySettings } from "@stoa/pricing/surface/put-call-parity";
import { surfaceFairVariance, volatilityIndex } from "@stoa/pricing/surface/volatility-index";
import { checkSurface } from "@stoa/pricing/surface/surface-check";
import { surfaceVariance, surfaceVolatility, type Surface } from "@stoa/pricing/surface/surface";
import type { Chain, SnapshotRow } from "./snapshots.ts";

/** Sizes of differences, a number per option. */
export interface Errors {
  readonly mark: number[];
  readonly volatility: number[];
  readonly delta: number[];
  readonly vega: number[];
}

export interface Measured {
  readonly chain: Chain;
  readonly fit: SurfaceFit;
  readonly surface: Surface | undefined;
  readonly milliseconds: number;
  readonly optionCount: number;
  /** Black-76 at the venue's volatility against the venue's mark, delta and vega. */
  readonly venue: Errors;
  /** The fitted surface against the venue's mark, volatility, delta and vega. */
  readonly fitted: Errors;
  /** The same for options whose delta has a size of 0.05 to 0.95. */
  readonly fittedInside: Errors;
  readonly twoSidedCount: number;
  /** Two-sided quotes that hold the surface's price between bid and ask, and those that hold the venue's mark. */
  readonly insideCount: number;
  readonly markInsideCount: number;
  readonly arbitrage: Arbitrage;
  /** Put-call parity's forward over the venue's, less one, per expiry. */
  readonly parityErrors: number[];
  /** The index from quotes and the square root of the surface's fair variance at the same 30 days; undefined where there is none. */
  readonly index: number | undefined;
  readonly fairVolatility: number | undefined;
}

export interface Arbitrage {
  /** Slices that the certificate refuses, and pairs of neighbours that it does not part. */
  readonly butterfliesRefused: number;
  readonly calendarsRefused: number;
  /** Spreads that cost less than nothing on the price grids, of so many. */
  readonly negativeCount: number;
  readonly gridCount: number;
  /** Slices that had to be lifted or blended. */
  readonly repairedCount: number;
}

const emptyErrors = (): Errors => ({ mark: [], volatility: [], delta: [], vega: [] });

export function measure(chain: Chain): Measured {
  const expiries = chain.expiries.map(({ years, forward, quotes }) => ({ years, forward, quotes }));
  const started = performance.now();
  const fit = fitSurface(expiries, { unit: "coin" });
  const milliseconds = performance.now() - started;
  const surface = "refusal" in fit ? undefined : fit.surface;
  const rows = chain.expiries.flatMap((expiry) => expiry.rows);
  const venue = emptyErrors();
  for (const row of rows) addErrors(venue, row, row.markVolatility, row.forward);
  const errors = surface === undefined ? undefined : errorsOf(chain, surface);
  const index = volatilityIndex(expiries, { unit: "coin" });
  return {
    chain,
    fit,
    surface,
    milliseconds,
    optionCount: rows.length,
    venue,
    fitted: errors?.all ?? emptyErrors(),
    fittedInside: errors?.inside ?? emptyErrors(),
    twoSidedCount: rows.filter(({ bid, ask }) => bid !== undefined && ask !== undefined && bid <= ask).length,
    insideCount: errors?.insideCount ?? 0,
    markInsideCount: rows.filter((row) => holds(row, row.mark)).length,
    arbitrage: arbitrageOf(fit),
    parityErrors: parityErrorsOf(chain),
    index: typeof index === "string" ? undefined : index.volatility,
    fairVolatility: surface === undefined ? undefined : Math.sqrt(surfaceFairVariance(surface, 30 / 365)),
  };
}

/** Differences of mark price (coin), volatility, delta (N(d1), as the venue has it) and vega (per point of volatility). */
function addErrors(errors: Errors, row: SnapshotRow, volatility: number, forward: number): number {
  const { type, strike, years } = row;
  const values = black76({ type, forward, strike, years, volatility });
  const mark = values.price / forward;
  errors.mark.push(Math.abs(mark - row.mark));
  errors.volatility.push(Math.abs(volatility - row.markVolatility));
  errors.delta.push(Math.abs(values.delta - row.delta));
  errors.vega.push(Math.abs(values.vega / 100 - row.vega));
  return mark;
}

const holds = ({ bid, ask }: SnapshotRow, price: number): boolean =>
  bid !== undefined && ask !== undefined && bid <= price && price <= ask;

function errorsOf(chain: Chain, surface: Surface): { all: Errors; inside: Errors; insideCount: number } {
  const all = emptyErrors();
  const inside = emptyErrors();
  let insideCount = 0;
  for (const { rows, forward, years } of chain.expiries) {
    for (const row of rows) {
      const volatility = surfaceVolatility(surface, row.strike, years);
      const price = addErrors(all, row, volatility, forward);
      const size = Math.abs(row.delta);
      if (0.05 <= size && size <= 0.95) addErrors(inside, row, volatility, forward);
      if (holds(row, price)) insideCount++;
    }
  }
  return { all, inside, insideCount };
}

function parityErrorsOf(chain: Chain): number[] {
  return chain.expiries.flatMap(({ quotes, forward }) => {
    const implied = impliedForward(quotes, { ...paritySettings, unit: "coin", discount: 1 });
    return typeof implied === "string" ? [] : [Math.abs(implied.forward / forward - 1)];
  });
}

function arbitrageOf(fit: SurfaceFit): Arbitrage {
  if ("refusal" in fit) {
    return { butterfliesRefused: 0, calendarsRefused: 0, negativeCount: 0, gridCount: 0, repairedCount: 0 };
  }
  const check = checkSurface(fit.surface);
  const grid = gridSpreads(fit.surface);
  return {
    butterfliesRefused: check.butterflies.filter((refusal) => refusal !== undefined).length,
    calendarsRefused: check.calendars.filter(({ gap }) => !(0 < gap)).length,
    negativeCount: grid.negativeCount,
    gridCount: grid.count,
    repairedCount: fit.expiries.filter(({ repair }) => repair !== undefined && 0 < repair.blend + repair.lift).length,
  };
}

/**
 * Butterflies of three strikes a tenth of a deviation apart, out to eight deviations, and calendar spreads at fixed log-moneyness,
 * as undiscounted prices over the forward: how many there are and how many cost less than the rounding of their prices.
 */
function gridSpreads({ slices }: Surface): { readonly count: number; readonly negativeCount: number } {
  let count = 0;
  let negativeCount = 0;
  const common = Array.from({ length: 401 }, (_, index) => (index - 200) / 100);
  let before: number[] | undefined;
  for (const { years, svi } of slices) {
    const slice: Surface = {
      slices: [{ years, forward: 1, discount: 1, svi }],
      rules: { before: "constant-volatility", between: "total-variance", after: "constant-volatility" },
    };
    const deviation = Math.sqrt(surfaceVariance(slice, 0, years));
    const strikes = Array.from({ length: 161 }, (_, index) => Math.exp(((index - 80) / 10) * deviation));
    const prices = strikes.map((strike) => callPrice(slice, strike, years));
    for (let index = 1; index < strikes.length - 1; index++) {
      const left = strikes[index]! - strikes[index - 1]!;
      const right = strikes[index + 1]! - strikes[index]!;
      const convexity = (prices[index + 1]! - prices[index]!) / right - (prices[index]! - prices[index - 1]!) / left;
      count++;
      if (convexity < -4e-16 / left - 4e-16 / right) negativeCount++;
    }
    const now = common.map((k) => callPrice(slice, Math.exp(k), years));
    if (before !== undefined) {
      for (const [index, price] of now.entries()) {
        count++;
        if (price < before[index]! - 4e-16) negativeCount++;
      }
    }
    before = now;
  }
  return { count, negativeCount };
}

function callPrice(slice: Surface, strike: number, years: number): number {
  const volatility = surfaceVolatility(slice, strike, years);
  return black76Price({ type: "call", forward: 1, strike, years, volatility });
}

/** The value below which a part of the numbers lies; undefined of none. */
export function quantile(numbers: readonly number[], part: number): number | undefined {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
