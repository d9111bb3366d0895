/** Positions on a terminal: the greeks now, profit by price and volatility, profit by price and time, breakevens. */
import type { PositionsReport } from "./positions-report.ts";
import { shown, textTable } from "./text-table.ts";
import { minuteOf } from "./time.ts";

export function positionsText(report: PositionsReport): string {
  const { portfolio, unit, now, moves, shifts, byVolatility, byTime } = report;
  const coin = portfolio.underlying === "" ? "coin" : portfolio.underlying;
  const money = unit === "currency" ? "USD" : coin;
  const head = `${portfolio.positions.length} positions in ${coin}, index ${shown(portfolio.indexPrice, 8)} USD, ${minuteOf(portfolio.timeMs)}, from ${portfolio.source}`;
  const greeks = textTable(
    ["now", "", ""],
    [
      ["value", shown(now.value, 8), money],
      ["profit", shown(now.profit, 8), money],
      ["delta", shown(now.delta, 6), unit === "currency" ? coin : `${money} per USD`],
      ["gamma", shown(now.gamma * 1_000, 6), `of delta per 1,000 USD`],
      ["vega", shown(now.vega / 100, 6), `${money} per 1 % of volatility`],
      ["theta", shown(now.theta / 365, 6), `${money} per day`],
    ].map((row) => [row[0]!, row[1]!, `  ${row[2]}`.padEnd(26)]),
  );
  // Every other column: the page has all of them.
  const columns = moves.flatMap((_, index) => (index % 2 === 0 ? [index] : []));
  const prices = columns.map((index) => `${signed(moves[index]!)} %`);
  const cells = (row: readonly number[]): string[] => columns.map((index) => shown(row[index], 4));
  const volatility = textTable(
    ["volatility", ...prices],
    shifts.map((shift, row) => [`${signed(shift)} %`, ...cells(byVolatility[row]!)]),
  );
  const time = textTable(
    ["days from now", ...prices],
    byTime.map(({ days, profit }) => [days.toFixed(1), ...cells(profit)]),
  );
  return [
    ...[head, "", greeks, "", `profit in ${money} now, by price and volatility`, "", volatility],
    ...["", `profit in ${money} as time passes`, "", time, "", breakevenText(report)],
  ].join("\n");
}

export function breakevenText({ breakevens, horizonDays }: PositionsReport): string {
  const when = horizonDays === undefined ? "now" : `in ${horizonDays.toFixed(1)} days, at the first expiry`;
  if (breakevens.length === 0) return `no breakeven ${when}`;
  return `breakeven ${when}: ${breakevens.map((price) => shown(price, 7)).join(", ")} USD`;
}

const signed = (part: number): string => `${0 < part ? "+" : ""}${Math.round(1_000 * part) / 10}`;

/** Everything, for programs. */
export function positionsObject({ portfolio, prices, curves, greeks, ...rest }: PositionsReport) {
  const { names, instruments, positions, indexPrice, source, timeMs } = portfolio;
  return {
    source,
    time: new Date(timeMs).toISOString(),
    indexPrice,
    ...rest,
    positions: positions.map((position, index) => ({
      name: names[index],
      ...position,
      ...instruments[position.instrument],
    })),
    plots: { prices, curves, greeks },
  };
}
