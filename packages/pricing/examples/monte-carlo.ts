// A price by simulation, with its standard error; and that splitting the work changes nothing, not even the last bit.
import { black76Price } from "@stoa/pricing/black76";
import { heston } from "@stoa/pricing/heston";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod } from "@stoa/pricing/monte-carlo/method";
import { mergePartials } from "@stoa/pricing/monte-carlo/partial";
import { createSimulation } from "@stoa/pricing/monte-carlo/simulation";

const model = { kind: "black-scholes", spot: 100, rate: 0, dividendYield: 0, volatility: 0.6 } as const;
const payoff = { kind: "european", type: "call", strike: 110, years: 0.25 } as const;
const exact = black76Price({ type: "call", forward: 100, strike: 110, years: 0.25, volatility: 0.6 });

function report(name: string, method: typeof plainMethod): void {
  const work = { model, payoff, method, seed: 1n };
  const { value } = estimate(work, createSimulation(work).run({ firstPath: 0, pathCount: 65_536 }));
  const errors = (value.mean - exact) / value.standardError;
  console.log(
    `${name}  ${value.mean.toFixed(4)} ± ${value.standardError.toFixed(4)}   ${errors.toFixed(1)} errors away`,
  );
}

console.log(`exact         ${exact.toFixed(4)}`);
report("plain       ", plainMethod);
report("antithetic  ", { ...plainMethod, antithetic: true });
report("with control", { ...plainMethod, control: "spot" });

const work = { model, payoff, method: plainMethod, seed: 1n };
const simulation = createSimulation(work);
const whole = simulation.run({ firstPath: 0, pathCount: 10_000 });
const parts = mergePartials(
  simulation.run({ firstPath: 3_000, pathCount: 7_000 }),
  simulation.run({ firstPath: 0, pathCount: 3_000 }),
);
console.log(
  `in two parts  ${estimate(work, parts).value.mean === estimate(work, whole).value.mean ? "the same bits" : "different"}`,
);

// Heston's model, where volatility moves too: its price by integration, and by paths of fifty steps.
const terms = { variance: 0.36, meanReversion: 2, longVariance: 0.25, volatilityOfVariance: 0.8, correlation: -0.5 };
const integral = heston({ type: "call", spot: 100, strike: 110, years: 0.25, ...terms });
const moving = {
  model: { kind: "heston", spot: 100, rate: 0, dividendYield: 0, ...terms },
  payoff,
  method: { ...plainMethod, antithetic: true, stepsPerObservation: 50 },
  seed: 1n,
} as const;
const paths = estimate(moving, createSimulation(moving).run({ firstPath: 0, pathCount: 8_192 })).value;
console.log(
  `Heston        ${integral.price.toFixed(4)} by integration, ${paths.mean.toFixed(2)} ± ${paths.standardError.toFixed(2)} by paths`,
);
