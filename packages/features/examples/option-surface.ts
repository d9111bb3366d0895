// A month of one chain of options, a row a day: level, skew, curvature and term structure of its volatilities, and whether calls and puts agree.
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { runFeatures } from "@stoa/features/io/batch";
import { memorySink } from "@stoa/features/io/writers/memory";
import { dealerChoices, gammaExposure } from "@stoa/features/options/exposure";
import { optionParity } from "@stoa/features/options/parity";
import { optionSkew } from "@stoa/features/options/smile";
import { constantMaturity, optionTerm } from "@stoa/features/options/term-structure";
import { optionMonth, secondExpiry, trueAtTheMoney, trueVolatilityAt, yearsOf } from "./support/option-month.ts";

const source = optionMonth();
const chain = { volatility: "mid", money: "forward" } as const;
const graph = features({ ...source, clock: every.seconds(86_400) })
  .add(constantMaturity({ ...chain, days: 30 }), optionTerm({ ...chain, near: 30, far: 60 }))
  .add(optionSkew({ volatility: "mid", tenor: 2, delta: 25 }), optionParity({ tenor: 2 }))
  .add(...dealerChoices.map((dealer) => gammaExposure({ volatility: "mid", dealer })));
const sink = memorySink();
await runFeatures(graph, source, { sink });

const { count, timeNs, columns } = sink.collected();
const column = (start: string): Float64Array => columns[Object.keys(columns).find((name) => name.startsWith(start))!]!;
const [level, slope, reversal] = [column("option_cm"), column("option_slope"), column("option_rr")];
const [butterfly, parity] = [column("option_bf"), column("option_parity")];
const points = (value: number): string => (100 * value).toFixed(1).padStart(7);

console.log("in points of volatility; parity in basis points of the forward");
console.log("night  30 days   true  slope   expiry     RR   true     BF   true   parity");
for (let row = 0; row < count; row++) {
  const day = Number((timeNs[row]! - source.originNs) / 1_000_000_000n) / 86_400 - 1 / 288;
  const [call, put, middle] = [-0.67449, 0.67449, 0].map((d1) =>
    trueVolatilityAt(day, yearsOf(secondExpiry(day)), d1),
  ) as [number, number, number];
  const line = [
    new Date(Number(timeNs[row]! / 1_000_000n)).toISOString().slice(5, 10),
    ` ${points(level[row]!)}${points(trueAtTheMoney(day, yearsOf(30)))}${points(slope[row]!)}`,
    `${secondExpiry(day).toFixed(0).padStart(5)} d ${points(reversal[row]!)}${points(call - put)}`,
    `${points(butterfly[row]!)}${points((call + put) / 2 - middle)}`,
    (1e4 * parity[row]!).toFixed(1).padStart(9),
    `  ${"#".repeat(Math.round(50 * level[row]!))}`,
  ];
  console.log(line.join(""));
}

console.log(
  "\ngamma exposure of the last night, in thousands of currency for a move of one percent, and where it changes its sign",
);
for (const dealer of dealerChoices) {
  const suffix = dealer.replaceAll("-", "_");
  const [exposure, flip] = [column(`option_gex_${suffix}`), column(`option_gamma_flip_${suffix}`)];
  const where = Number.isNaN(flip.at(-1)!) ? "nowhere within 20 %" : `${flip.at(-1)!.toFixed(1)} %`;
  console.log(`${dealer.padEnd(24)}${(exposure.at(-1)! / 1000).toFixed(0).padStart(9)}   ${where}`);
}
