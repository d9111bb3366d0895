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
import type { BlackColumns, GreekColumns } from "@stoa/pricing/kernel/columns";
import type { PriceColumns } from "@stoa/pricing/kernel/implied";
import { typescriptKernel, type Kernel } from "@stoa/pricing/kernel/kernel";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { compare, measure, ours, printTable, theirs, type Candidate } from "./comparison.ts";
import { openWorkshop } from "./peers.ts";
import { median } from "./statistics.ts";

const optionsCount = 1_024;
const packages = ["black-scholes@1.1.0", "greeks@1.0.0", "implied-volatility@1.0.0", "@uqee/black-scholes@1.0.7"];

/** What money earns in a year, continuously: each expiry has a discount of its own. */
const interest = 0.04;

/**
 * Options as a venue lists them: one day to two years, strikes within three deviations, 15 % to 150 %, discounted. Each has an
 * expiry of its own, so a kernel takes as many logarithms of discounts as there are options.
 */
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
    discount[row] = Math.exp(-interest * years[row]!);
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

function sumOf(column: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < column.length; row++) sum += column[row]!;
  return sum;
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

/** The sum of what `price` gives for each row. */
const each = (options: BlackColumns, price: (row: number, type: "call" | "put") => number) => (): number => {
  let sum = 0;
  for (let row = 0; row < optionsCount; row++) sum += price(row, options.sign[row] === 1 ? "call" : "put");
  return sum;
};

/** The price today of an asset whose forward this is: packages of the shares' world begin from it. */
const spotOf = ({ forward, discount }: BlackColumns, row: number): number => forward[row]! * discount[row]!;

function npmGreeks(options: BlackColumns, npm: Npm): Candidate[] {
  const { strike, years, volatility } = options;
  const names = ["getDelta", "getGamma", "getVega", "getTheta", "getRho"];
  const classic = each(options, (row, type) => {
    const terms = [spotOf(options, row), strike[row]!, years[row]!, volatility[row]!, interest] as const;
    for (const name of names) npm.greeks[name]!(...terms, type);
    return npm.blackScholes.blackScholes(...terms, type);
  });
  const uqee = each(options, (row, type) => {
    const [underlying, time, sigma] = [spotOf(options, row), years[row]!, volatility[row]!];
    return npm.uqee.option({ rate: interest, sigma, strike: strike[row]!, time, type, underlying }).price;
  });
  return [
    ours("npm black-scholes + greeks (5 greeks)", optionsCount, classic),
    ours("npm @uqee/black-scholes (5 greeks, interpolated)", optionsCount, uqee, Infinity),
  ];
}

function npmVolatilities(options: PriceColumns & BlackColumns, npm: Npm): Candidate[] {
  const { strike, years, price } = options;
  const classic = each(options, (row, type) =>
    npm.implied.getImpliedVolatility(price[row]!, spotOf(options, row), strike[row]!, years[row]!, interest, type),
  );
  const uqee = each(options, (row, type) => {
    const [underlying, time] = [spotOf(options, row), years[row]!];
    return npm.uqee.sigma({ price: price[row]!, rate: interest, strike: strike[row]!, time, type, underlying });
  });
  return [
    ours("npm implied-volatility (to a cent)", optionsCount, classic, Infinity),
    ours("npm @uqee/black-scholes (Newton)", optionsCount, uqee, Infinity),
  ];
}

function chainGreeks(kernel: Kernel, name: string, options: BlackColumns, home: Kernel): Candidate {
  const out = greeksIn(home, optionsCount);
  return ours(name, optionsCount, () => {
    kernel.blackChain(options, out);
    return sumOf(out.price);
  });
}

function chainVolatilities(kernel: Kernel, name: string, options: PriceColumns): Candidate {
  const out = { volatility: typescriptKernel.allocate(optionsCount), status: new Uint8Array(optionsCount) };
  return ours(name, optionsCount, () => {
    kernel.impliedChain(options, out);
    return sumOf(out.volatility);
  });
}

const wasm = activeKernel();
const simd = wasm.form === "wasm-simd" ? [wasm] : [];
const outside = drawOptions(optionsCount, typescriptKernel);
const { price } = greeksOf(outside);
const priced = { ...outside, price };
const workshop = openWorkshop();
try {
  const columns = [outside.sign, outside.forward, outside.strike, outside.years, outside.discount, outside.volatility];
  const [loop, quantlib, require] = await Promise.all([
    workshop.startPeer("loop", [...columns, price]),
    workshop.startPeer("quantlib-options", [...columns, price]),
    workshop.installPackages(packages),
  ]);
  const npm = loadPackages(require);
  const machinery = "QuantLib VanillaOption, value + 5 greeks after a bump";
  await compare(
    `price + 6 greeks of ${optionsCount} options`,
    [
      chainGreeks(typescriptKernel, "chain kernel, TypeScript", outside, typescriptKernel),
      ...simd.flatMap((kernel) => [
        chainGreeks(kernel, "chain kernel, SIMD, columns in its memory", drawOptions(optionsCount, kernel), kernel),
        chainGreeks(kernel, "chain kernel, SIMD, columns copied", outside, typescriptKernel),
      ]),
      ours(
        "black76 (full precision)",
        optionsCount,
        each(outside, (row) => black76(termsOf(outside, row)).price),
      ),
      ...theirs(loop, "C++ loop, g++ -O3 -march=native", "greeks"),
      ...theirs(quantlib, "QuantLib blackFormula (price alone)", "formula"),
      ...theirs(quantlib, "QuantLib BlackCalculator (5 greeks)", "calculator"),
      ...theirs(quantlib, machinery, "machinery", Infinity),
      ...(npm === undefined ? [] : npmGreeks(outside, npm)),
    ],
    machinery,
  );
  const formula = "QuantLib blackFormulaImpliedStdDev (1e-12)";
  const volatilityOf = (row: number): number =>
    impliedVolatility({ ...termsOf(outside, row), price: price[row]! }) as number;
  await compare(
    `implied volatilities of ${optionsCount} options`,
    [
      chainVolatilities(typescriptKernel, "chain kernel, TypeScript", priced),
      ...simd.map((kernel) => chainVolatilities(kernel, "chain kernel, SIMD, columns copied", priced)),
      ours("impliedVolatility (full precision)", optionsCount, each(outside, volatilityOf)),
      ...theirs(loop, "C++ loop, Newton's method", "implied"),
      ...theirs(quantlib, formula, "implied-formula"),
      ...theirs(quantlib, "QuantLib VanillaOption::impliedVolatility (1e-10)", "implied-machinery"),
      ...(npm === undefined ? [] : npmVolatilities(priced, npm)),
    ],
    formula,
  );
  printGrowth();
} finally {
  workshop.close();
}

function greeksOf(options: BlackColumns): GreekColumns {
  const out = greeksIn(typescriptKernel, options.sign.length);
  typescriptKernel.blackChain(options, out);
  return out;
}

function termsOf({ sign, forward, strike, years, volatility, discount }: BlackColumns, row: number) {
  return {
    type: sign[row] === 1 ? ("call" as const) : ("put" as const),
    forward: forward[row]!,
    strike: strike[row]!,
    years: years[row]!,
    volatility: volatility[row]!,
    discount: discount[row]!,
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
