/**
 * What is done with whole chains: the fit of a surface to 1,300 quotes, beside QuantLib computing that chain's implied volatilities
 * and greeks once; and scenario tables, price by volatility, of accounts with 10, 60 and 500 positions, the grid priced once per
 * instrument, beside QuantLib's formula for the cells of that grid. Then how both grow with quotes and strikes.
 *
 * `npm run bench -- bench/pricing-chains.ts`
 */
import { createPrng } from "@stoa/base/prng";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { typescriptKernel, type Kernel } from "@stoa/pricing/kernel/kernel";
import type { Instrument } from "@stoa/pricing/portfolio/instrument";
import { scenarioMatrix, type ScenarioMatrix } from "@stoa/pricing/portfolio/matrix";
import { scenarioGrid } from "@stoa/pricing/portfolio/scenario";
import { holdingsOf, sumProfits } from "@stoa/pricing/portfolio/table";
import type { ExpiryQuotes } from "@stoa/pricing/surface/chain";
import { fitSurface } from "@stoa/pricing/surface/fit-surface";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { makeWorld, quoteWorld } from "../packages/pricing/test/surface/chains.ts";
import { measure, printTable, runMs } from "./comparison.ts";
import { openWorkshop, type Peer, type Workshop } from "./peers.ts";
import { median, withSpread } from "./statistics.ts";

const roundsCount = 7;

/** Options of a chain with a price and a volatility, as columns for QuantLib: sign, forward, strike, years, discount, volatility, price. */
function columnsOf(chain: readonly ExpiryQuotes[]): Float64Array[] {
  const rows = chain.flatMap(({ years: length, forward = 60_000, quotes }) => {
    // QuantLib counts whole days.
    const years = Math.max(1, Math.round(365 * length)) / 365;
    return quotes.flatMap(({ type, strike, bid = 0, ask = 0 }) => {
      const price = 0.5 * (bid + ask);
      const volatility = impliedVolatility({ type, forward, strike, years, price });
      const isPriced = typeof volatility === "number" && 0.01 < volatility;
      return isPriced ? [[type === "call" ? 1 : -1, forward, strike, years, 1, volatility, price]] : [];
    });
  });
  return [0, 1, 2, 3, 4, 5, 6].map((column) => Float64Array.from(rows, (row) => row[column]!));
}

type Timed = { readonly name: string; readonly run: () => Promise<number> | number };

/** Milliseconds of each in turn, the first two rounds for warming up; ratios are to the first. */
async function compareMilliseconds(title: string, ways: readonly Timed[]): Promise<void> {
  const runs = ways.map((): number[] => []);
  for (let round = -2; round < roundsCount; round++)
    for (const [index, { run }] of ways.entries()) {
      const time = await run();
      if (0 <= round) runs[index]!.push(time);
    }
  const rows = ways.map(({ name }, index) => [
    name,
    withSpread(runs[index]!, 3),
    withSpread(
      runs[index]!.map((time, round) => time / runs[0]![round]!),
      2,
    ),
  ]);
  printTable([[title, "ms", "times the first"], ...rows]);
  console.log();
}

const milliseconds = (work: () => void): number => measure(1, work, runMs) / 1e6;

async function compareFit(workshop: Workshop): Promise<void> {
  const chain = quoteWorld(makeWorld("bench", 13), "bench", { strikes: 50, noise: 0.3 });
  const count = chain.reduce((sum, { quotes }) => sum + quotes.length, 0);
  const columns = columnsOf(chain);
  const priced = columns[0]!.length;
  const quantlib = await workshop.startPeer("quantlib-options", columns);
  const summed = (peer: Peer, names: readonly string[]) => async (): Promise<number> => {
    let sum = 0;
    for (const name of names) sum += ((await peer.measure(name, runMs)).nanoseconds * priced) / 1e6;
    return sum;
  };
  const peers: Timed[] =
    quantlib === undefined
      ? []
      : [
          {
            name: "QuantLib formulas: implied volatilities + greeks",
            run: summed(quantlib, ["implied-formula", "calculator"]),
          },
          {
            name: "QuantLib instruments: implied volatilities + greeks",
            run: summed(quantlib, ["implied-machinery", "machinery"]),
          },
        ];
  const fit = (): number => {
    let result: ReturnType<typeof fitSurface> | undefined;
    const time = milliseconds(() => (result = fitSurface(chain)));
    if (result === undefined || "refusal" in result) throw new Error("the chain of the bench is not fitted");
    return time;
  };
  await compareMilliseconds(`${count} quotes, of which QuantLib prices ${priced}`, [
    { name: "fitSurface: volatilities, SVI by expiry, SSVI, arbitrage checks", run: fit },
    ...peers,
  ]);
}

/** Options of one index in 10 expiries, strikes from half to twice the index. */
function instrumentsOf(count: number): Instrument[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "option" as const,
    type: index % 2 === 0 ? ("call" as const) : ("put" as const),
    strike: 30_000 + 90_000 * ((index >> 1) / Math.max(1, count >> 1)),
    forward: 60_000,
    years: (1 + (index % 10)) / 12,
    volatility: 0.5 + 0.2 * Math.abs(index / count - 0.5),
    settlement: "currency" as const,
  }));
}

/** 21 prices from -20 % to +20 %, 7 volatilities from -30 % to +30 %. */
const grid = scenarioGrid({
  prices: Array.from({ length: 21 }, (_, index) => ({ relative: -0.2 + 0.02 * index })),
  volatilities: Array.from({ length: 7 }, (_, index) => ({ kind: "relative" as const, shift: -0.3 + 0.1 * index })),
});

function pricedBy(kernel: Kernel, instruments: readonly Instrument[]): () => number {
  return () => milliseconds(() => void scenarioMatrix(instruments, 60_000, grid, { greeks: false, kernel }));
}

/** Profits of an account in every scenario, in milliseconds per account, averaged over 64 accounts. */
function summedBy(matrix: ScenarioMatrix, positionsCount: number): () => number {
  const random = createPrng(`positions ${positionsCount}`);
  const accounts = Array.from({ length: 64 }, () =>
    holdingsOf(
      matrix,
      Array.from({ length: positionsCount }, () => ({
        instrument: random.below(matrix.instruments.length),
        amount: random.below(41) - 20,
      })),
    ),
  );
  const [currency, coin] = [new Float64Array(grid.length), new Float64Array(grid.length)];
  const work = (): void => {
    for (const holdings of accounts) sumProfits(matrix, holdings, currency, coin);
  };
  return () => measure(accounts.length, work, runMs) / 1e6;
}

async function compareScenarios(workshop: Workshop): Promise<void> {
  const wasm = activeKernel();
  const instruments = instrumentsOf(500);
  const cells = instruments.length * grid.length;
  const matrix = scenarioMatrix(instruments, 60_000, grid, { greeks: false, kernel: wasm });
  const quantlib = await workshop.startPeer("quantlib-options", columnsOf(quoteWorld(makeWorld("grid"), "grid")));
  const formulas = async (): Promise<number> => ((await quantlib!.measure("formula", runMs)).nanoseconds * cells) / 1e6;
  await compareMilliseconds(`scenario tables, ${grid.length} scenarios`, [
    { name: `pricing 500 instruments once, TypeScript`, run: pricedBy(typescriptKernel, instruments) },
    ...(wasm.form === "wasm-simd"
      ? [{ name: `pricing 500 instruments once, SIMD`, run: pricedBy(wasm, instruments) }]
      : []),
    ...(quantlib === undefined ? [] : [{ name: "QuantLib blackFormula for as many cells", run: formulas }]),
    ...[10, 60, 500].map((count) => ({
      name: `an account of ${count} positions after that`,
      run: summedBy(matrix, count),
    })),
  ]);
}

/** Milliseconds by the number of quotes (of the fit) and of strikes (of the scenario matrix). */
function printGrowth(): void {
  const kernel = activeKernel();
  const rows = [10, 25, 50, 100, 200].map((strikes) => {
    const chain = quoteWorld(makeWorld("growth", 10), "growth", { strikes, noise: 0.3 });
    const quotes = chain.reduce((sum, expiry) => sum + expiry.quotes.length, 0);
    const instruments = instrumentsOf(2 * strikes);
    const fits = [0, 1, 2].map(() => milliseconds(() => void fitSurface(chain)));
    const tables = [0, 1, 2].map(pricedBy(kernel, instruments));
    return [
      String(strikes),
      String(quotes),
      median(fits).toFixed(2),
      String(instruments.length),
      median(tables).toFixed(3),
    ];
  });
  printTable([["strikes", "quotes of 10 expiries", "fit, ms", "instruments", "147 scenarios each, ms"], ...rows]);
}

const workshop = openWorkshop();
try {
  await compareFit(workshop);
  await compareScenarios(workshop);
} finally {
  workshop.close();
}
printGrowth();
