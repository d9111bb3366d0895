// Arrivals that excite one another: a process made with known parameters and fitted, then the trades of a market.
import { createPrng } from "@stoa/base/prng";
import { blankEvent, EventKind, readEvent } from "@stoa/features/event";
import {
  exponentialDistance,
  fitHawkes,
  hawkesIncrements,
  kolmogorovProbability,
  simulateHawkes,
} from "@stoa/features/intensity/hawkes";
import { openMarket } from "./support/market.ts";

function study(name: string, times: Float64Array, duration: number): void {
  // A millisecond's burst fades at thousands per second: the range must reach there.
  const fit = fitHawkes(times, duration, { betaMax: 50_000 });
  console.log(`${name}: ${times.length} points in ${duration.toFixed(0)} s`);
  console.log(
    `  mu ${fit.mu.toFixed(4)}/s  alpha ${fit.alpha.toPrecision(4)}/s  beta ${fit.beta.toPrecision(4)}/s` +
      `  branching ratio ${fit.branchingRatio.toFixed(3)}${fit.isAtBound ? "  (beta at the end of its range)" : ""}`,
  );
  console.log(`  log-likelihood above that of Poisson  ${(fit.logLikelihood - fit.poissonLogLikelihood).toFixed(1)}`);
  // If the model is right, the integrals of its intensity between points are exponential with mean 1.
  const models = { poisson: { mu: times.length / duration, alpha: 0, beta: 1 }, hawkes: fit };
  for (const [model, parameters] of Object.entries(models)) {
    const distance = exponentialDistance(hawkesIncrements(times, parameters));
    const probability = kolmogorovProbability(distance, times.length);
    console.log(
      `  ${model.padEnd(8)} distance ${distance.toFixed(4)}, as large by chance ${probability.toPrecision(2)}`,
    );
  }
}

const known = { mu: 0.5, alpha: 1.2, beta: 2 };
study("made with mu 0.5, alpha 1.2, beta 2", simulateHawkes(known, 4_000, createPrng(1).stream("points")), 4_000);

const source = await openMarket(process.argv[2], 60_000);
const event = blankEvent();
const times: number[] = [];
let firstNs = NaN;
for await (const batch of source.batches()) {
  for (let row = 0; row < batch.count; row++) {
    readEvent(batch, row, event);
    if (Number.isNaN(firstNs)) firstNs = event.timeNs;
    const seconds = (event.timeNs - firstNs) / 1e9;
    // One order that meets several is one arrival: trades of one instant count once.
    if (event.kind === EventKind.trade && seconds > (times.at(-1) ?? 0)) times.push(seconds);
  }
}
study("trades", Float64Array.from(times), (event.timeNs - firstNs) / 1e9);
