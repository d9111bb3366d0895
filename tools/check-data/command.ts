/**
 * `npm run check:data -- FOLDER [--page FILE]`: fits a surface to every chain in FOLDER/deribit-options, prints how far it is from
 * the venue's own numbers and whether arbitrage is left, and writes the same with plots as one HTML page. Then it replays the recorded
 * markets that FOLDER holds and compares them with what is known of them. Ends with 1 when arbitrage is left, a chain has no surface or a market disagrees. The data stay where they are; the page holds some of them, so it is written outside of the
 * repository unless a place is named. `docs/reference/check-data.md` explains the numbers.
 */
import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { renderPage } from "@stoa/cli/chart/page";
import { compareCapturedGreeks, comparedGreeks, type CapturedGreeks } from "./captured-greeks.ts";
import { isKept, lineOfAgreement } from "./markets/agreement.ts";
import { checkMarkets } from "./markets/markets.ts";
import { measure, quantile, type Errors, type Measured } from "./measure.ts";
import { pageOf } from "./report.ts";
import { compareSecondSource, type SecondSource } from "./second-source.ts";
import { readSnapshot, snapshotFiles } from "./snapshots.ts";

const { values, positionals } = parseArgs({
  options: { page: { type: "string", default: join(tmpdir(), "stoa-check-data.html") } },
  allowPositionals: true,
});
const folder = positionals[0];
if (folder === undefined || positionals.length !== 1) end("usage: npm run check:data -- FOLDER [--page FILE]");
if (!existsSync(join(folder, "deribit-options"))) end(`there is no folder deribit-options in ${resolve(folder)}`);
const files = snapshotFiles(folder);
if (files.length === 0) end(`there is no deribit_options_snapshot_*.csv.gz in ${resolve(folder, "deribit-options")}`);

const all: Measured[] = [];
for (const file of files) {
  for (const chain of readSnapshot(file)) {
    const one = measure(chain);
    all.push(one);
    print(lineOf(one));
  }
}
printSummary(all);
const secondSource = compareSecondSource(folder, all);
if (secondSource !== undefined) printSecondSource(secondSource);
const captured = compareCapturedGreeks(folder);
if (captured !== undefined) printCaptured(captured);
const page = resolve(values.page);
writeFileSync(page, renderPage(pageOf(all, secondSource)));
print(`page: ${page}`);
const markets = await checkMarkets(folder);
for (const agreement of markets) print(lineOfAgreement(agreement));
const left = count(
  ({ arbitrage }) => arbitrage.butterfliesRefused + arbitrage.calendarsRefused + arbitrage.negativeCount,
);
if (0 < left || all.some(({ surface }) => surface === undefined) || !markets.every(isKept)) process.exitCode = 1;

function lineOf({ chain, surface, fitted, twoSidedCount, insideCount, milliseconds, optionCount }: Measured): string {
  const name = `${basename(chain.file, ".csv.gz").slice("deribit_options_snapshot_".length)} ${chain.currency}`;
  if (surface === undefined) return `${name}: no surface`;
  const error = quantile(fitted.volatility, 0.5)?.toFixed(4);
  const inside = ((100 * insideCount) / twoSidedCount).toFixed(1);
  return `${name}: ${optionCount} options, ${surface.slices.length} expiries, volatility ${error} off at the median, ${inside} % inside, ${milliseconds.toFixed(1)} ms`;
}

function printSummary(all: readonly Measured[]): void {
  print("");
  print("error of                        50 %      90 %      95 %      99 %   largest");
  printErrors(
    "venue",
    all.map(({ venue }) => venue),
    ["mark", "delta", "vega"],
  );
  printErrors(
    "fit",
    all.map(({ fitted }) => fitted),
    ["mark", "volatility", "delta", "vega"],
  );
  printErrors(
    "fit, delta .05-.95",
    all.map(({ fittedInside }) => fittedInside),
    ["mark", "volatility", "delta", "vega"],
  );
  const twoSided = count(({ twoSidedCount }) => twoSidedCount);
  const percent = (part: number): string => `${((100 * part) / twoSided).toFixed(1)} %`;
  print("");
  print(
    `inside bid and ask: surface ${percent(count(({ insideCount }) => insideCount))}, venue's mark ${percent(count(({ markInsideCount }) => markInsideCount))} of ${twoSided} quotes`,
  );
  print(
    `arbitrage: ${count(({ arbitrage }) => arbitrage.butterfliesRefused)} butterflies and ${count(({ arbitrage }) => arbitrage.calendarsRefused)} calendars refused of ${count(({ surface }) => surface?.slices.length ?? 0)} slices, ` +
      `${count(({ arbitrage }) => arbitrage.negativeCount)} of ${count(({ arbitrage }) => arbitrage.gridCount)} spreads below nothing, ${count(({ arbitrage }) => arbitrage.repairedCount)} slices repaired`,
  );
  const times = all.map(({ milliseconds }) => milliseconds);
  print(
    `time per chain: ${quantile(times, 0.5)?.toFixed(1)} ms at the median, ${quantile(times, 0.95)?.toFixed(1)} ms at 95 %`,
  );
}

function printSecondSource({ atTheMoney, riskReversal, butterfly }: SecondSource): void {
  const words = (numbers: readonly number[]): string =>
    `${quantile(numbers, 0.5)?.toFixed(4)} (largest ${quantile(numbers, 1)?.toFixed(4)})`;
  print(
    `second source, ${atTheMoney.length} expiries, off at the median: at the money ${words(atTheMoney)}, ` +
      `risk reversal ${words(riskReversal)}, butterfly ${words(butterfly)}`,
  );
}

function printCaptured(captured: CapturedGreeks): void {
  const words = comparedGreeks.map(
    (name) =>
      `${name} ${quantile(captured[name], 0.5)?.toExponential(1)} (largest ${quantile(captured[name], 1)?.toExponential(1)})`,
  );
  print(`captured tickers, ${captured.price.length}, off at the median: ${words.join(", ")}`);
}

function printErrors(name: string, errors: readonly Errors[], kinds: readonly (keyof Errors)[]): void {
  for (const kind of kinds) {
    const numbers = errors.flatMap((one) => one[kind]);
    const cells = [0.5, 0.9, 0.95, 0.99, 1].map((part) =>
      (quantile(numbers, part) ?? NaN).toExponential(1).padStart(10),
    );
    print(`${`${name}: ${kind}`.padEnd(28)}${cells.join("")}`);
  }
}

function count(read: (one: Measured) => number): number {
  return all.reduce((total, one) => total + read(one), 0);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function end(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
