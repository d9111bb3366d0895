/** What `stoa price` finds out about positions: profit by price and volatility, by price and time, breakevens and greeks. */
import { scenarioMatrix } from "@stoa/pricing/portfolio/matrix";
import { breakevens, firstExpiry, payoff } from "@stoa/pricing/portfolio/payoff";
import { scenarioGrid } from "@stoa/pricing/portfolio/scenario";
import { holdingsOf, scenarioTable, type ReportUnit, type ScenarioTable } from "@stoa/pricing/portfolio/table";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import type { NamedPortfolio } from "./positions-csv.ts";

export interface Curve {
  /** Days from now. */
  readonly days: number;
  readonly profit: readonly number[];
}

export interface PositionsReport {
  readonly portfolio: NamedPortfolio;
  readonly unit: ReportUnit;
  /** Relative moves of the index, and relative shifts of volatility: the axes of `byVolatility`. */
  readonly moves: readonly number[];
  readonly shifts: readonly number[];
  /** A row per shift, a column per move: profit now. */
  readonly byVolatility: readonly (readonly number[])[];
  /** A row per time, a column per move: profit with volatility held. */
  readonly byTime: readonly { readonly days: number; readonly profit: readonly number[] }[];
  /** Value, profit and greeks now. */
  readonly now: Readonly<Record<keyof ScenarioTable, number>>;
  /** Days to the first expiry that is held; undefined when nothing expires. */
  readonly horizonDays: number | undefined;
  /** Index prices without profit or loss at the first expiry (now, when nothing expires). */
  readonly breakevens: readonly number[];
  /** For plots: prices, profits over them at several times, and greeks now. */
  readonly prices: readonly number[];
  readonly curves: readonly Curve[];
  readonly greeks: Readonly<Record<"delta" | "gamma" | "vega" | "theta", readonly number[]>>;
}

const shifts = [-0.25, -0.1, 0, 0.1, 0.25, 0.5];
const curvePoints = 241;

export function reportOf(portfolio: NamedPortfolio, unit: ReportUnit, range: number): PositionsReport {
  const { instruments, positions, indexPrice } = portfolio;
  const moves = Array.from({ length: 13 }, (_, index) => (range * (index - 6)) / 6);
  const years = firstExpiry(portfolio);
  const times = years === 0 ? [0] : [0, 0.25 * years, 0.5 * years, 0.75 * years, years];
  const kernel = activeKernel();
  const tableOver = (scenarios: ReturnType<typeof scenarioGrid>): ScenarioTable => {
    const matrix = scenarioMatrix(instruments, indexPrice, scenarios, { kernel });
    return scenarioTable(matrix, holdingsOf(matrix, positions), unit);
  };
  const prices = moves.map((relative) => ({ relative }));
  const volatilities = shifts.map((shift) => ({ kind: "relative", shift }) as const);
  const byVolatility = tableOver(scenarioGrid({ prices, volatilities })).profit;
  const byTime = tableOver(scenarioGrid({ prices, times })).profit;
  const now = tableOver([{ name: "now" }]);
  const levels = Array.from(
    { length: curvePoints },
    (_, index) => indexPrice * (1 - range + (2 * range * index) / (curvePoints - 1)),
  );
  const over = tableOver(scenarioGrid({ prices: levels.map((level) => ({ level })) }));
  const at = years === 0 ? [0] : [0, 0.5 * years, years];
  return {
    portfolio,
    unit,
    moves,
    shifts,
    byVolatility: shifts.map((_, row) => [...byVolatility.slice(row * moves.length, (row + 1) * moves.length)]),
    byTime: times.map((time, row) => ({
      days: 365 * time,
      profit: [...byTime.slice(row * moves.length, (row + 1) * moves.length)],
    })),
    now: Object.fromEntries(Object.entries(now).map(([name, [value]]) => [name, value])) as PositionsReport["now"],
    horizonDays: years === 0 ? undefined : 365 * years,
    breakevens: breakevens(portfolio, { unit, low: 0.05 * indexPrice, high: 5 * indexPrice, cellsCount: 1_000 }),
    prices: levels,
    curves: at.map((horizon) => ({ days: 365 * horizon, profit: [...payoff(portfolio, levels, { unit, horizon })] })),
    greeks: { delta: [...over.delta], gamma: [...over.gamma], vega: [...over.vega], theta: [...over.theta] },
  };
}
