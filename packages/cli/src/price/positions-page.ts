/** The page of positions: payoff, profit by price and volatility and by price and time, greeks over prices, the positions. */
import type { Axis, HeatMap, LineChart, Page, Series, Table } from "../chart/page.ts";
import type { PositionsReport } from "./positions-report.ts";
import { breakevenText } from "./positions-text.ts";
import { shown } from "./text-table.ts";
import { minuteOf } from "./time.ts";

export function positionsPage(report: PositionsReport): Page {
  const { portfolio, unit, now } = report;
  const money = moneyOf(report);
  return {
    title: `${portfolio.underlying} positions`,
    subtitle: `${minuteOf(portfolio.timeMs)}, from ${portfolio.source}`,
    facts: [
      { label: "index", value: `${shown(portfolio.indexPrice, 8)} USD` },
      { label: "value", value: `${shown(now.value)} ${money}` },
      { label: "profit", value: `${shown(now.profit)} ${money}` },
      {
        label: "delta",
        value: `${shown(now.delta, 4)} ${unit === "currency" ? portfolio.underlying : `${money} per USD`}`,
      },
      { label: "vega per 1 %", value: `${shown(now.vega / 100, 4)} ${money}` },
      { label: "theta per day", value: `${shown(now.theta / 365, 4)} ${money}` },
    ],
    sections: [
      { title: "Payoff", text: [`${sentence(breakevenText(report))}.`], blocks: [payoffChart(report)] },
      { title: "Scenarios", blocks: [volatilityMap(report), timeMap(report)] },
      { title: "Greeks over prices", blocks: greekCharts(report) },
      { title: "Positions", blocks: [positionTable(report)] },
    ],
  };
}

const moneyOf = ({ unit, portfolio }: PositionsReport): string => (unit === "currency" ? "USD" : portfolio.underlying);
const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;
const priceAxis: Axis = { label: "Index", unit: "USD" };
const moveAxis: Axis = { label: "Move of the index", format: "percent", decimals: 1 };

const overPrices = ({ prices, portfolio }: PositionsReport) => [
  prices,
  prices.map((price) => price / portfolio.indexPrice - 1),
];

const nowMarker = ({ portfolio }: PositionsReport) => [{ label: "now", x: [portfolio.indexPrice, 0] }];

function payoffChart(report: PositionsReport): LineChart {
  const { curves, prices } = report;
  const name = (days: number, index: number): string =>
    index === 0
      ? "now"
      : index === curves.length - 1
        ? `at the first expiry, in ${days.toFixed(1)} days`
        : `in ${days.toFixed(1)} days`;
  const series: Series[] = curves.map(({ days, profit }, index) => ({
    name: name(days, index),
    mark: "line",
    x: overPrices(report),
    y: profit,
    dashed: index !== 0 && index !== curves.length - 1,
  }));
  const zero: Series = {
    name: "zero",
    mark: "line",
    x: overPrices(report),
    y: prices.map(() => 0),
    tone: "quiet",
    dashed: true,
  };
  return {
    kind: "lines",
    title: "Profit over prices",
    note: "Volatilities are held at their strikes. At the first expiry options that end then are worth exercise, the others their model price.",
    x: [priceAxis, moveAxis],
    y: { label: "Profit", unit: moneyOf(report) },
    markers: nowMarker(report),
    series: [...series, zero],
  };
}

const percentNames = (parts: readonly number[]): string[] =>
  parts.map((part) => `${0 < part ? "+" : ""}${Math.round(1_000 * part) / 10} %`);

const profitOf = (report: PositionsReport) => ({
  label: "Profit",
  unit: moneyOf(report),
  ...(report.unit === "currency" ? { decimals: 0 } : {}),
});

const volatilityMap = (report: PositionsReport): HeatMap => ({
  kind: "heat",
  title: "Profit now, by price and volatility",
  note: "Volatility is multiplied: +25 % makes 62.5 % of 50 %.",
  x: { label: "Move of the index", categories: percentNames(report.moves) },
  y: { label: "Volatility", categories: percentNames(report.shifts) },
  value: profitOf(report),
  palette: "diverging",
  cells: report.byVolatility,
});

const timeMap = (report: PositionsReport): HeatMap => ({
  kind: "heat",
  title: "Profit as time passes, volatility held",
  x: { label: "Move of the index", categories: percentNames(report.moves) },
  y: { label: "Days from now", categories: report.byTime.map(({ days }) => days.toFixed(1)) },
  value: profitOf(report),
  palette: "diverging",
  cells: report.byTime.map(({ profit }) => profit),
});

function greekCharts(report: PositionsReport): LineChart[] {
  const { greeks, unit, portfolio } = report;
  const money = moneyOf(report);
  const chart = (title: string, y: Axis, values: readonly number[]): LineChart => ({
    kind: "lines",
    title,
    x: [priceAxis, moveAxis],
    y,
    markers: nowMarker(report),
    series: [{ name: title, mark: "line", x: overPrices(report), y: values }],
  });
  const scaled = (values: readonly number[], factor: number): number[] => values.map((value) => value * factor);
  return [
    chart(
      "Delta",
      { label: "Delta", unit: unit === "currency" ? portfolio.underlying : `${money} per USD` },
      greeks.delta,
    ),
    chart("Gamma", { label: "Gamma", unit: "delta per 1,000 USD" }, scaled(greeks.gamma, 1_000)),
    chart("Vega", { label: "Vega", unit: `${money} per 1 %` }, scaled(greeks.vega, 0.01)),
    chart("Theta", { label: "Theta", unit: `${money} per day` }, scaled(greeks.theta, 1 / 365)),
  ];
}

function positionTable({ portfolio }: PositionsReport): Table {
  const { names, positions, instruments } = portfolio;
  return {
    kind: "table",
    title: `${positions.length} positions`,
    columns: [
      { label: "Instrument" },
      { label: "Amount" },
      { label: "Entry price" },
      { label: "Forward", unit: "USD" },
      { label: "Volatility", format: "percent", decimals: 2 },
      { label: "Days", decimals: 1 },
    ],
    rows: positions.map(({ instrument, amount, entryPrice }, index) => {
      const held = instruments[instrument]!;
      return [
        names[index]!,
        amount,
        entryPrice ?? null,
        held.kind === "spot" ? null : held.forward,
        held.kind === "option" ? held.volatility : null,
        "years" in held ? 365 * held.years : null,
      ];
    }),
  };
}
