// An American put: what the right to exercise early is worth, by finite differences and by simulation.
import { blackScholesPrice } from "@stoa/pricing/black-scholes";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import { createSimulation } from "@stoa/pricing/monte-carlo/simulation";

const terms = { type: "put", spot: 36, strike: 40, years: 1, volatility: 0.2, rate: 0.06 } as const;

const european = blackScholesPrice(terms);
const american = vanillaByFiniteDifferences({ ...terms, exercise: "american" });
console.log(`European              ${european.toFixed(4)}`);
console.log(`American              ${american.price.toFixed(4)}, grid error below ${american.error.price.toFixed(4)}`);
console.log(`early exercise        ${(american.price - european).toFixed(4)}`);

// Longstaff and Schwartz allow exercise at fifty dates only, and find a rule that is good but not the best.
const work = {
  model: { kind: "black-scholes", spot: 36, rate: 0.06, dividendYield: 0, volatility: 0.2 },
  payoff: { kind: "american", type: "put", strike: 40, years: 1, exercises: 50, regressionBlocks: 4 },
  method: { ...plainMethod, antithetic: true },
  seed: 1n,
} as const;
const { value } = estimate(work, createSimulation(work).run({ firstPath: 0, pathCount: 8_192 }));
console.log(`by simulation         ${value.mean.toFixed(3)} ± ${value.standardError.toFixed(3)}`);
