/**
 * Measures what is no formula: American options on a grid and Heston's integral, against QuantLib's best and thirty-digit arithmetic, on
 * the fixtures of the tests. Prints the tables of docs/pricing/methods-measured.md; needs neither Python nor QuantLib.
 *
 *   node --conditions=@stoa/source tools/verify/pricing-methods.ts
 */
import { readFileSync } from "node:fs";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { heston } from "@stoa/pricing/heston";

type Row = readonly (number | string | boolean | null)[];
const fixture = (name: string): Record<string, readonly Row[]> =>
  JSON.parse(readFileSync(new URL(`../../packages/pricing/test/fixtures/${name}.json`, import.meta.url), "utf8"));

function line(name: string, errors: readonly number[]): string {
  const sorted = [...errors].sort((a, b) => a - b);
  const at = (part: number): string => sorted[Math.floor(part * (sorted.length - 1))]!.toExponential(1);
  return `| ${name} | ${errors.length} | ${at(0.5)} | ${at(0.9)} | ${at(1)} |`;
}

const head = "| method | options | half of the errors below | 90 % | all |\n| --- | --- | --- | --- | --- |";

function americanTable(): string {
  // Where exercise is optimal now the reference itself is above it by some 1e-6: that says nothing of a grid.
  const rows = (fixture("american")["americans"] as unknown as readonly number[][]).filter((row) => {
    const exercise = Math.max(0, (row[0] as unknown) === "call" ? row[1]! - row[2]! : row[2]! - row[1]!);
    return exercise === 0 || 5e-6 <= Math.abs(row[7]! - exercise);
  });
  const ours = [50, 100, 200, 400].map((priceSteps) => {
    const errors = rows.map((row) => {
      const [type, spot, strike, days, volatility, rate, dividendYield, price] = row as number[];
      const terms = { spot: spot!, strike: strike!, years: days! / 365, volatility: volatility! };
      const option = { type: type as unknown as "call" | "put", exercise: "american", ...terms } as const;
      const values = vanillaByFiniteDifferences({ ...option, rate: rate!, dividendYield: dividendYield!, priceSteps });
      return Math.abs(values.price - price!);
    });
    return line(`this library, ${priceSteps} and ${2 * priceSteps} steps`, errors);
  });
  const theirs = [
    line(
      "QuantLib FdBlackScholesVanillaEngine, 800 steps, 400 in time",
      rows.map((row) => Math.abs(row[8]! - row[7]!)),
    ),
    line(
      "QuantLib BinomialVanillaEngine, Leisen-Reimer, 2,001 steps",
      rows.map((row) => Math.abs(row[12]! - row[7]!)),
    ),
  ];
  return [head, ...ours, ...theirs].join("\n");
}

function hestonTable(): string {
  const rows = (fixture("heston")["rows"] as unknown as readonly number[][]).filter((row) => row.length === 16);
  const values = rows.map((row) => {
    const [
      type,
      spot,
      strike,
      days,
      rate,
      dividendYield,
      variance,
      meanReversion,
      longVariance,
      volatility,
      correlation,
    ] = row;
    const terms = { spot: spot!, strike: strike!, years: days! / 365, rate: rate!, dividendYield: dividendYield! };
    const model = { variance: variance!, meanReversion: meanReversion!, longVariance: longVariance! };
    return heston({
      ...{ type: type as unknown as "call" | "put", ...terms, ...model },
      ...{ volatilityOfVariance: volatility!, correlation: correlation! },
    });
  });
  const answered = rows.filter((row) => (row[11] as unknown) !== null);
  return [
    head,
    line(
      "this library",
      rows.map((row, index) => Math.abs(values[index]!.price - row[13]!)),
    ),
    line(
      "the error that it states",
      values.map(({ error }) => error),
    ),
    line(
      "QuantLib AnalyticHestonEngine, Andersen-Piterbarg",
      answered.map((row) => Math.abs(row[11]! - row[13]!)),
    ),
  ].join("\n");
}

console.log(`${americanTable()}\n\n${hestonTable()}`);
