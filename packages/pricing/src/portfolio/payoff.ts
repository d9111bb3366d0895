/**
 * What a portfolio pays when a given time has come, over prices of the index, and where that crosses zero. The prices are
 * those of `matrix.ts` at the horizon: what has ended by then is worth exercise, what lives on is worth its model price at
 * today's volatility. It knows nothing of exercise before expiry.
 */
import { integer, notNegative, positive, PricingRefusal } from "../refusal.ts";
import type { Instrument, Position } from "./instrument.ts";
import { scenarioMatrix } from "./matrix.ts";
import { holdingsOf, scenarioTable, type ReportUnit } from "./table.ts";

export type Portfolio = {
  readonly instruments: readonly Instrument[];
  readonly positions: readonly Position[];
  /** The index today. */
  readonly indexPrice: number;
};

export type PayoffSettings = {
  readonly unit: ReportUnit;
  /** Years from now; the first expiry of a held instrument when absent (now, when none expires). */
  readonly horizon?: number;
};

/** The profit at each index price, at the horizon. */
export function payoff(portfolio: Portfolio, prices: ArrayLike<number>, settings: PayoffSettings): Float64Array {
  const { instruments, positions, indexPrice } = portfolio;
  const years = notNegative("horizon", settings.horizon ?? firstExpiry(portfolio));
  if (prices.length === 0) throw new PricingRefusal("prices", "empty", "[]");
  const scenarios = Array.from(prices, (level, index) => ({
    name: "",
    price: { level: positive(`prices[${index}]`, level) },
    years,
  }));
  const matrix = scenarioMatrix(instruments, indexPrice, scenarios, { greeks: false });
  return scenarioTable(matrix, holdingsOf(matrix, positions), settings.unit).profit;
}

/** Years to the first expiry of what is held; 0 when nothing that is held expires. */
export function firstExpiry({ instruments, positions }: Portfolio): number {
  let first = Infinity;
  for (const { instrument: index, amount } of positions) {
    const instrument = instruments[index];
    if (instrument === undefined || amount === 0) continue;
    if (instrument.kind !== "option" && instrument.kind !== "future") continue;
    if (instrument.years < first) first = instrument.years;
  }
  return first === Infinity ? 0 : first;
}

export type BreakevenSettings = PayoffSettings & {
  /** The index prices between which crossings are looked for. */
  readonly low: number;
  readonly high: number;
  /** Cells of the search beside the strikes, where payoffs bend; 400 when absent. */
  readonly cellsCount?: number;
};

/**
 * The index prices from `low` to `high`, ascending, at which the profit at the horizon crosses or touches zero on the grid of
 * strikes and `cellsCount` even cells. Where every held instrument has ended, profits between strikes are straight lines (in
 * currency) and none is missed; else two crossings within one cell are. A stretch without profit or loss is given by its ends.
 */
export function breakevens(portfolio: Portfolio, settings: BreakevenSettings): readonly number[] {
  const { low, high, cellsCount = 400 } = settings;
  positive("low", low);
  if (!(low < high) || high === Infinity)
    throw new PricingRefusal("high", "outside-range", high, "must be finite and above low");
  const points = searchPoints(portfolio, low, high, integer("cellsCount", cellsCount, 1, 1_000_000));
  const profits = payoff(portfolio, points, settings);
  const found: number[] = [];
  for (let index = 0; index < points.length; index++) {
    const here = profits[index] as number;
    const before = index === 0 ? undefined : profits[index - 1];
    const after = profits[index + 1];
    if (here === 0) {
      if (before !== 0 || after !== 0) found.push(points[index] as number);
    } else if (before !== undefined && ((before < 0 && 0 < here) || (here < 0 && 0 < before))) {
      found.push(crossing(portfolio, settings, points[index - 1] as number, points[index] as number));
    }
  }
  return found;
}

function searchPoints({ instruments }: Portfolio, low: number, high: number, cellsCount: number): Float64Array {
  const strikes = instruments.flatMap((instrument) =>
    instrument.kind === "option" && low < instrument.strike && instrument.strike < high ? [instrument.strike] : [],
  );
  const even = Array.from({ length: cellsCount + 1 }, (_, index) =>
    index === cellsCount ? high : low + ((high - low) * index) / cellsCount,
  );
  // A typed array sorts by value.
  return Float64Array.from(new Set([...even, ...strikes])).sort();
}

/** Halves the interval, with 16 prices at a time, until its ends are neighbours or 1e-13 of the price apart. */
function crossing(portfolio: Portfolio, settings: PayoffSettings, from: number, to: number): number {
  let [low, high] = [from, to];
  const points = new Float64Array(17);
  while (1e-13 * high < high - low) {
    for (let index = 0; index <= 16; index++) points[index] = index === 16 ? high : low + ((high - low) * index) / 16;
    const profits = payoff(portfolio, points, settings);
    const rising = (profits[0] as number) < 0;
    let cell = 1;
    while (cell < 16 && (profits[cell] as number) < 0 === rising && profits[cell] !== 0) cell++;
    if (profits[cell] === 0) return points[cell] as number;
    const [left, right] = [points[cell - 1] as number, points[cell] as number];
    if (left === low && right === high) break;
    [low, high] = [left, right];
  }
  return low + 0.5 * (high - low);
}
