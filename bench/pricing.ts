/**
 * Price and six greeks of options, and their implied volatilities, by the chain kernels in both forms: nanoseconds per option,
 * beside QuantLib (formula, calculator, and the instrument machinery asked for value and greeks after the spot has moved), a
 * plain C++ loop, and the npm packages that people use. Then how the time grows with the number of options. All of it in one
 * run that goes round and round, because a shared machine has more than one speed.
 *
 * `npm run bench -- bench/pricing.ts`
 */
import { createPrng } from "@stoa/base/prng";
import { black76 } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import type { BlackColumns, GreekColumns } from "@stoa/pricing/kernel/black";
import type { PriceColumns } from "@stoa/pricing/kernel/implied";
import { typescriptKernel, type Kernel } from "@stoa/pricing/kernel/kernel";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { measure, openWorkshop, printTable, type Peer } from "./peers.ts";
import { median, withSpread } from "./statistics.ts";

const optionsCount = 1_024;
const runsCount = 9;
const runMs = 60;
const packages = ["black-scholes@1.1.0", "greeks@1.0.0", "implied-volatility@1.0.0", "@uqee/black-scholes@1.0.7"];

/** One way to do the work: nanoseconds per option of one run, and the sum of its results, which all ways share. */
type Candidate = {
  readonly name: string;
  /** Its sum is that of all; else it computes something near it (a spot that moved) or less. */
  readonly isChecked?: boolean;
  readonly run: () => Promise<{ readonly nanoseconds: number; readonly sum: number }>;
};

/** Options as a venue lists them: one day to two years, strikes within three deviations, 15 % to 150 %, no interest. */
function drawOptions(count: number, kernel: Kernel): BlackColumns {
  const random = createPrng("bench/pricing");
  const between = (low: number, high: number): number => low + (high - low) * random.nextFloat();
  const [sign, forward, strike] = [kernel.allocate(count), kernel.allocate(count), kernel.allocate(count)];
  const [years, discount, volatility] = [kernel.allocate(count), kernel.allocate(count), kernel.allocate(count)];
  for (let row = 0; row < count; row++) {
    forward[row] = 60_000;
    years[row] = (1 + random.below(730)) / 365;
    volatility[row] = between(0.15, 1.5);
    const distance = between(-3, 3) * volatility[row]! * Math.sqrt(years[row]!);
    strike[row] = 60_000 * Math.exp(distance);
    sign[row] = distance < 0 ? -1 : 1; // out of the money, as venues quote volatilities
    discount[row] = 1;
  }
  return { sign, forward, strike, years, discount, volatility };
}

function greeksIn(kernel: Kernel, count: number): GreekColumns {
  const column = (): Float64Array => kernel.allocate(count);
  return {
    price: column(),
    delta: column(),
    gamma: column(),
    vega: column(),
    theta: column(),
    rho: column(),
    vanna: column(),
    status: kernel.allocateStatuses(count),
  };
}

const sumOf = (column: Float64Array): number => column.reduce((sum, value) => sum + value, 0);

function ours(name: string, count: number, work: () => void, result: () => number): Candidate {
  return {
    name,
    isChecked: true,
    run: async () => ({ nanoseconds: measure(count, work, runMs), sum: result() }),
  };
}

function theirs(peer: Peer | undefined, name: string, measurement: string, isChecked: boolean): Candidate[] {
  if (peer === undefined) return [];
  const run = async () => {
    const { nanoseconds, checksum } = await peer.measure(measurement, runMs);
    return { nanoseconds, sum: checksum };
  };
  return [{ name, isChecked, run }];
}

/** Every candidate in turn, again and again; the first round warms up. */
async function compare(title: string, candidates: readonly Candidate[], base: string): Promise<void> {
  const runs = candidates.map((): number[] => []);
  let wanted = NaN;
  for (let round = -2; round < runsCount; round++)
    for (const [index, { name, isChecked, run }] of candidates.entries()) {
      const { nanoseconds, sum } = await run();
      if (index === 0) wanted = sum;
      if (isChecked === true && !(Math.abs(sum / wanted - 1) < 1e-6))
        throw new Error(`${name} computes something else: ${sum}, not ${wanted}`);
      if (0 <= round) runs[index]!.push(nanoseconds);
    }
  const baseRuns = runs[candidates.findIndex(({ name }) => name === base)];
  const rows = candidates.map(({ name }, index) => {
    const ratios = baseRuns?.map((value, round) => value / runs[index]![round]!);
    return [name, withSpread(runs[index]!, 1), ratios === undefined ? "" : withSpread(ratios, 2)];
  });
  printTable([[title, "ns", baseRuns === undefined ? "" : `times as fast as ${base}`], ...rows, ["", "", ""]]);
}

type Npm = {
  readonly blackScholes: { blackScholes: (...terms: (number | string)[]) => number };
  readonly greeks: Record<string, (...terms: (number | string)[]) => number>;
  readonly implied: { getImpliedVolatility: (...terms: (number | string)[]) => number };
  readonly uqee: {
    option: (terms: object) => { price: number };
    sigma: (terms: object) => number;
  };
};

function loadPackages(require: NodeJS.Require | undefined): Npm | undefined {
  if (require === undefined) return undefined;
  const { BlackScholes } = require("@uqee/black-scholes");
  return {
    blackScholes: require("black-scholes"),
    greeks: require("greeks"),
    implied: require("implied-volatility"),
    uqee: new BlackScholes({ priceToSigmaMethod: "newton-raphson", priceToSigmaAccuracy: 1e-9 }),
  };
}

function npmGreeks({ sign, forward, strike, years, volatility }: BlackColumns, npm: Npm): Candidate[] {
  let sum = 0;
  const each = (work: (row: number, type: "call" | "put") => number) => () => {
    sum = 0;
    for (let row = 0; row < optionsCount; row++) sum += work(row, sign[row] === 1 ? "call" : "put");
  };
  const names = ["getDelta", "getGamma", "getVega", "getTheta", "getRho"];
  const classic = each((row, type) => {
    const terms = [forward[row]!, strike[row]!, years[row]!, volatility[row]!, 0] as const;
    for (const name of names) npm.greeks[name]!(...terms, type);
    return npm.blackScholes.blackScholes(...terms, type);
  });
  const uqee = each((row, type) => {
    const [underlying, time, sigma] = [forward[row]!, years[row]!, volatility[row]!];
    return npm.uqee.option({ rate: 0, sigma, strike: strike[row]!, time, type, underlying }).price;
  });
  return [
    ours("npm black-scholes + greeks (5 greeks)", optionsCount, classic, () => sum),
    { ...ours("npm @uqee/black-scholes (5 greeks, interpolated)", optionsCount, uqee, () => sum), isChecked: false },
  ];
}

function npmVolatilities(options: PriceColumns, npm: Npm): Candidate[] {
  const { sign, forward, strike, years, price } = options;
  let sum = 0;
  const each = (work: (row: number, type: "call" | "put") => number) => () => {
    sum = 0;
    for (let row = 0; row < optionsCount; row++) sum += work(row, sign[row] === 1 ? "call" : "put");
  };
  const classic = each((row, type) =>
    npm.implied.getImpliedVolatility(price[row]!, forward[row]!, strike[row]!, years[row]!, 0, type),
  );
  const uqee = each((row, type) =>
    npm.uqee.sigma({
      price: price[row]!,
      rate: 0,
      strike: strike[row]!,
      time: years[row]!,
      type,
      underlying: forward[row]!,
    }),
  );
  return [
    { ...ours("npm implied-volatility (to a cent)", optionsCount, classic, () => sum), isChecked: false },
    { ...ours("npm @uqee/black-scholes (Newton)", optionsCount, uqee, () => sum), isChecked: false },
  ];
}

function chainCandidates(kernel: Kernel, name: string, options: BlackColumns, home: Kernel): Candidate {
  const out = greeksIn(home, optionsCount);
  return ours(
    name,
    optionsCount,
    () => kernel.blackChain(options, out),
    () => sumOf(out.price),
  );
}

const wasm = activeKernel();
const outside = drawOptions(optionsCount, typescriptKernel);
const inside = drawOptions(optionsCount, wasm);
const prices = greeksIn(typescriptKernel, optionsCount);
typescriptKernel.blackChain(outside, prices);
const priced: PriceColumns = { ...outside, price: prices.price };
const workshop = openWorkshop();
try {
  const columns = [outside.sign, outside.forward, outside.strike, outside.years, outside.discount, outside.volatility];
  const [loop, quantlib, require] = await Promise.all([
    workshop.startPeer("loop", [...columns, prices.price]),
    workshop.startPeer("quantlib-options", [...columns, prices.price]),
    workshop.installPackages(packages),
  ]);
  const npm = loadPackages(require);
  const machinery = quantlib === undefined ? "" : "QuantLib VanillaOption, value + 5 greeks after a bump";
  const scalarGreeks = (): void => {
    scalarSum = 0;
    for (let row = 0; row < optionsCount; row++) scalarSum += black76(termsOf(outside, row)).price;
  };
  let scalarSum = 0;
  await compare(
    `price + 6 greeks of ${optionsCount} options`,
    [
      chainCandidates(typescriptKernel, "chain kernel, TypeScript", outside, typescriptKernel),
      ...(wasm.form === "typescript"
        ? []
        : [
            chainCandidates(wasm, "chain kernel, WebAssembly SIMD, columns in its memory", inside, wasm),
            chainCandidates(wasm, "chain kernel, WebAssembly SIMD, columns copied", outside, typescriptKernel),
          ]),
      ours("black76 (full precision, one at a time)", optionsCount, scalarGreeks, () => scalarSum),
      ...theirs(loop, "C++ loop, g++ -O3 -march=native", "greeks", true),
      ...theirs(quantlib, "QuantLib blackFormula (price alone)", "formula", true),
      ...theirs(quantlib, "QuantLib BlackCalculator (5 greeks)", "calculator", true),
      ...theirs(quantlib, machinery, "machinery", false),
      ...(npm === undefined ? [] : npmGreeks(outside, npm)),
    ],
    machinery,
  );
  const volatilities = { volatility: typescriptKernel.allocate(optionsCount), status: new Uint8Array(optionsCount) };
  const volatilitySum = (): number => sumOf(volatilities.volatility);
  const scalarVolatilities = (): void => {
    scalarSum = 0;
    for (let row = 0; row < optionsCount; row++)
      scalarSum += impliedVolatility({ ...termsOf(outside, row), price: prices.price[row]! }) as number;
  };
  const byFormula = quantlib === undefined ? "" : "QuantLib blackFormulaImpliedStdDev (1e-12)";
  const chain = (kernel: Kernel) => () => kernel.impliedChain(priced, volatilities);
  await compare(
    `implied volatilities of ${optionsCount} options`,
    [
      ours("chain kernel, TypeScript", optionsCount, chain(typescriptKernel), volatilitySum),
      ...(wasm.form === "typescript"
        ? []
        : [ours("chain kernel, WebAssembly SIMD, columns copied", optionsCount, chain(wasm), volatilitySum)]),
      ours("impliedVolatility (full precision, one at a time)", optionsCount, scalarVolatilities, () => scalarSum),
      ...theirs(loop, "C++ loop, Newton's method", "implied", true),
      ...theirs(quantlib, byFormula, "implied-formula", true),
      ...theirs(quantlib, "QuantLib VanillaOption::impliedVolatility (1e-10)", "implied-machinery", true),
      ...(npm === undefined ? [] : npmVolatilities(priced, npm)),
    ],
    byFormula,
  );
  printGrowth();
} finally {
  workshop.close();
}

function termsOf({ sign, forward, strike, years, volatility }: BlackColumns, row: number) {
  return {
    type: sign[row] === 1 ? ("call" as const) : ("put" as const),
    forward: forward[row]!,
    strike: strike[row]!,
    years: years[row]!,
    volatility: volatility[row]!,
  };
}

/** Nanoseconds per option against the number of options: what a call costs, and what caches do. */
function printGrowth(): void {
  const rows = [1, 8, 64, 1_024, 16_384, 131_072].map((count) => {
    const options = drawOptions(count, typescriptKernel);
    const out = greeksIn(typescriptKernel, count);
    const volatilities = { volatility: new Float64Array(count), status: new Uint8Array(count) };
    const runs = [0, 1, 2, 3].map((): number[] => []);
    for (let round = 0; round < 5; round++)
      for (const [index, kernel] of [typescriptKernel, wasm].entries()) {
        runs[index]!.push(measure(count, () => kernel.blackChain(options, out), 20));
        const priced = { ...options, price: out.price };
        runs[2 + index]!.push(measure(count, () => kernel.impliedChain(priced, volatilities), 20));
      }
    return [String(count), ...runs.map((values) => median(values).toFixed(1))];
  });
  printTable([
    ["options in a call, ns each", "greeks, TypeScript", wasm.form, "implied, TypeScript", wasm.form],
    ...rows,
  ]);
}
