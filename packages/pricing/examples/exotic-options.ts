// Options whose payoff is not the plain one: digitals, barriers, and options on the average.
import { geometricAsian } from "@stoa/pricing/asian";
import { barrier } from "@stoa/pricing/barrier";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";

// A call on one bitcoin at 110,000, 30 days to go, spot at 100,000, a volatility of 60 %, money at 4 %.
const option = {
  type: "call",
  spot: 100_000,
  strike: 110_000,
  years: 30 / 365,
  volatility: 0.6,
  rate: 0.04,
} as const;

function show(name: string, { price, delta, vega }: { price: number; delta: number; vega: number }): void {
  const columns = [price.toFixed(2).padStart(9), delta.toFixed(4).padStart(8), (vega / 100).toFixed(2).padStart(8)];
  console.log(name.padEnd(34) + columns.join(""));
}

console.log("".padEnd(34) + "    price   delta    vega");
show("the plain call", blackScholes(option));
show("pays 10,000 if above the strike", cashOrNothing({ ...option, cash: 10_000 }));
show("pays the bitcoin if above", assetOrNothing(option));
show("dead if 130,000 is ever touched", barrier({ ...option, knock: "up-and-out", barrier: 130_000 }));
show("alive only if 130,000 is touched", barrier({ ...option, knock: "up-and-in", barrier: 130_000 }));
show("dead below 90,000", barrier({ ...option, knock: "down-and-out", barrier: 90_000 }));
show("the same, 500 back when it dies", barrier({ ...option, knock: "down-and-out", barrier: 90_000, rebate: 500 }));
show("on the average of 30 daily prices", geometricAsian({ ...option, observationsCount: 30 }));
