/**
 * Monte Carlo by both forms of the inner loops on one core, beside QuantLib's engines: nanoseconds per path of a European call in one
 * step, per step of Black-Scholes paths and of Heston's by the quadratic-exponential scheme. Then paths per second by the
 * number of threads, and how the time of one estimate grows with the number of paths. One run, going round and round.
 *
 * `npm run bench -- bench/pricing-paths.ts`
 */
import { availableParallelism } from "node:os";
import { typescriptKernel, type Kernel } from "@stoa/pricing/kernel/kernel";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import { installPathKernels } from "@stoa/pricing/monte-carlo/installed-kernels";
import { createSimulation } from "@stoa/pricing/monte-carlo/simulation";
import type { Work } from "@stoa/pricing/monte-carlo/work";
import { nodeWorkerPool } from "@stoa/pricing/parallel/node-workers";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { compare, ours, printTable, theirs, type Candidate } from "./comparison.ts";
import { openWorkshop } from "./peers.ts";
import { median, withSpread } from "./statistics.ts";

const black = { kind: "black-scholes", spot: 100, rate: 0.03, dividendYield: 0.01, volatility: 0.6 } as const;
const heston = {
  kind: "heston",
  spot: 100,
  rate: 0.03,
  dividendYield: 0.01,
  variance: 0.09,
  meanReversion: 1.5,
  longVariance: 0.16,
  volatilityOfVariance: 0.6,
  correlation: -0.5,
} as const;
const payoff = { kind: "european", type: "call", strike: 110, years: 1 } as const;
const works = {
  european: { model: black, payoff, method: plainMethod, seed: 42n },
  steps: { model: black, payoff, method: { ...plainMethod, stepsPerObservation: 100 }, seed: 42n },
  heston: { model: heston, payoff, method: { ...plainMethod, stepsPerObservation: 50 }, seed: 42n },
} as const satisfies Record<string, Work>;

/** Standard errors of the samples are up to 9 % of the value. */
const tolerance = 0.5;

function simulated(kernel: Kernel, name: string, work: Work, pathCount: number, stepsCount: number): Candidate {
  const simulation = createSimulation(work);
  let firstPath = 0;
  const { run } = ours(
    name,
    pathCount * stepsCount,
    () => {
      const partial = simulation.run({ firstPath, pathCount });
      firstPath += pathCount;
      return estimate(work, partial).value.mean;
    },
    tolerance,
  );
  const runInstalled = (): ReturnType<typeof run> => {
    installPathKernels(kernel.paths);
    return run();
  };
  return { name, tolerance, run: runInstalled };
}

const wasm = activeKernel();
const simd = wasm.form === "wasm-simd" ? [wasm] : [];
const workshop = openWorkshop();
try {
  const quantlib = await workshop.startPeer("quantlib-paths", []);
  const rows = [
    ["European call, ns per path", "european", 16_384, 1, "QuantLib MCEuropeanEngine"],
    ["Black-Scholes in 100 steps, ns per step", "steps", 1_024, 100, "QuantLib MCEuropeanEngine"],
    ["Heston in 50 steps, ns per step", "heston", 1_024, 50, "QuantLib MCEuropeanHestonEngine (QE-M)"],
  ] as const;
  for (const [title, name, pathCount, stepsCount, peer] of rows)
    await compare(
      title,
      [
        simulated(typescriptKernel, "TypeScript", works[name], pathCount, stepsCount),
        ...simd.map((kernel) => simulated(kernel, "WebAssembly SIMD", works[name], pathCount, stepsCount)),
        ...theirs(quantlib, peer, name, tolerance),
      ],
      peer,
    );
} finally {
  workshop.close();
}
await printThreads();
printGrowth();

/** Paths per second of the Heston call by the number of threads, and how many times one thread. */
async function printThreads(): Promise<void> {
  const counts = Array.from({ length: availableParallelism() }, (_, index) => index + 1);
  const pools = counts.map((count) => nodeWorkerPool(count));
  const rates = counts.map((): number[] => []);
  try {
    for (let round = -1; round < 5; round++)
      for (const [index, pool] of pools.entries()) {
        const start = performance.now();
        await pool.simulate(works.heston, { firstPath: 0, pathCount: 65_536 });
        if (0 <= round) rates[index]!.push(65_536_000 / (performance.now() - start));
      }
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
  const rows = counts.map((count, index) => {
    const ratios = rates[index]!.map((rate, round) => rate / rates[0]![round]!);
    return [String(count), withSpread(rates[index]!, 0), withSpread(ratios, 2)];
  });
  printTable([["threads, Heston in 50 steps", "paths per second", "times one thread"], ...rows]);
  console.log();
}

/** What an estimate costs by its number of paths, and what is left of its standard error. */
function printGrowth(): void {
  installPathKernels(wasm.paths);
  const rows = [1_024, 4_096, 16_384, 65_536, 262_144].map((pathCount) => {
    const cells = (["european", "heston"] as const).flatMap((name) => {
      const work = works[name];
      const times: number[] = [];
      let error = NaN;
      for (let round = 0; round < 3; round++) {
        const start = performance.now();
        const partial = createSimulation(work).run({ firstPath: 0, pathCount });
        error = estimate(work, partial).value.standardError;
        times.push(performance.now() - start);
        if (1_000 < times[0]!) break;
      }
      return [median(times).toFixed(1), error.toFixed(4)];
    });
    return [String(pathCount), ...cells];
  });
  printTable([["paths", "European, ms", "error", "Heston in 50 steps, ms", "error"], ...rows]);
}
