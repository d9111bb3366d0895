/** The tables of bars, each of its kind, for the catalogue of the library. */
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { minutes } from "../graph/clock.ts";
import { type Closing, type SignRule, type hiddenRules } from "./bar.ts";
import { imbalanceBars, runBars, type InformationBarSettings } from "./information-bars.ts";
import { dollarBars, tickBars, timeBars, volumeBars, type Measure, type emptyRules } from "./threshold-bars.ts";

const tape = { sign: "aggressor", hidden: "include" };
const closed = { closing: "crossing-in", ...tape };
const information = {
  measure: "volume",
  expectedTrades: 100,
  barsSpan: 10,
  tradesSpan: 1000,
  clamp: 2,
  imbalanceMin: 0.1,
  ...closed,
};

const tapeFrom = (parameters: Parameters): { sign: SignRule; hidden: (typeof hiddenRules)[number] } => ({
  sign: parameters["sign"] as SignRule,
  hidden: parameters["hidden"] as (typeof hiddenRules)[number],
});
const closedFrom = (parameters: Parameters): ReturnType<typeof tapeFrom> & { closing: Closing } => ({
  ...tapeFrom(parameters),
  closing: parameters["closing"] as Closing,
});
const informationFrom = (parameters: Parameters): InformationBarSettings => ({
  measure: parameters["measure"] as Measure,
  expectedTrades: parameters["expectedTrades"] as number,
  barsSpan: parameters["barsSpan"] as number,
  tradesSpan: parameters["tradesSpan"] as number,
  clamp: parameters["clamp"] as number,
  imbalanceMin: parameters["imbalanceMin"] as number,
  closing: parameters["closing"] as Exclude<Closing, "split">,
  ...tapeFrom(parameters),
});

export const barsCatalogue: readonly CatalogueEntry[] = [
  {
    kind: "table",
    id: "time_bars",
    summary: "Bars of trades over equal times on the grid of 1970 UTC.",
    defaults: { step: minutes(1), empty: "skip", ...tape },
    needs: ["trades"],
    make: (parameters) =>
      timeBars({
        step: parameters["step"] as number,
        empty: parameters["empty"] as (typeof emptyRules)[number],
        ...tapeFrom(parameters),
      }),
  },
  {
    kind: "table",
    id: "tick_bars",
    summary: "Bars of equally many trades.",
    defaults: { count: 100, ...closed },
    needs: ["trades"],
    make: (parameters) => tickBars({ count: parameters["count"] as number, ...closedFrom(parameters) }),
  },
  {
    kind: "table",
    id: "volume_bars",
    summary: "Bars of equally many lots.",
    defaults: { lots: 100, ...closed },
    needs: ["trades"],
    make: (parameters) => volumeBars({ lots: parameters["lots"] as number, ...closedFrom(parameters) }),
  },
  {
    kind: "table",
    id: "dollar_bars",
    summary: "Bars of equal value in the currency of quotation.",
    defaults: { value: 1_000_000, ...closed },
    needs: ["trades"],
    make: (parameters) => dollarBars({ value: parameters["value"] as number, ...closedFrom(parameters) }),
  },
  {
    kind: "table",
    id: "imbalance_bars",
    summary: "Bars that close when signed trades, volume or value are further from balance than expected.",
    defaults: information,
    needs: ["trades"],
    make: (parameters) => imbalanceBars(informationFrom(parameters)),
  },
  {
    kind: "table",
    id: "run_bars",
    summary: "Bars that close when one side has traded more than expected, whatever the other did.",
    defaults: information,
    needs: ["trades"],
    make: (parameters) => runBars(informationFrom(parameters)),
  },
];
