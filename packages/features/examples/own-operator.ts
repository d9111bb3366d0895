// A feature that the library does not have: how many trades in a row were on one side, and for how long the last price has stood.
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import type { Feature } from "@stoa/features/graph/operator";
import { openMarket } from "./support/market.ts";

/** `trade_run`: trades since the aggressor's side last changed, positive of buys. Trades of unknown side do not count. */
const tradeRun: Feature = {
  id: "trade_run",
  version: 1,
  parameters: {},
  columns: [
    { name: "trade_run", unit: "trades", formula: "s x (trades since the sign s last changed)" },
    { name: "trade_age", unit: "s", formula: "t - t(last trade)" },
  ],
  make(context) {
    const state = context.keep({ run: NaN, timeNs: NaN });
    return {
      onTrade({ side, timeNs }) {
        if (side === 0) return;
        state.run = state.run * side > 0 ? state.run + side : side;
        state.timeNs = timeNs;
      },
      onGap() {
        state.run = state.timeNs = NaN;
      },
      write(row, offset, timeNs) {
        row[offset] = state.run;
        row[offset + 1] = (timeNs - state.timeNs) / 1e9;
      },
      isWarm: () => !Number.isNaN(state.run),
    };
  },
};

const source = await openMarket(process.argv[2], 40_000);
const graph = features({ ...source, clock: every.trade() }).add(tradeRun);
const column = graph.columnIndex("trade_run");

const lengths: number[] = [];
const read = (row: Float64Array): void => void lengths.push(row[column]!);
let stream = graph.stream({ onRow: read });
for await (const batch of source.batches()) {
  stream.pushBatch(batch);
  // What `keep` was given is in the checkpoint: a restart in the middle of a run goes on counting.
  stream = graph.stream({ onRow: read }, stream.save());
}

console.log("length of a run   rows   chance that the next trade is on the same side");
for (let length = 1; length <= 6; length++) {
  const at = lengths.flatMap((value, index) =>
    Math.abs(value) === length && index + 1 < lengths.length ? [index] : [],
  );
  const longer = at.filter((index) => Math.abs(lengths[index + 1]!) > length).length;
  console.log(
    `${String(length).padStart(15)}${String(at.length).padStart(7)}   ${((100 * longer) / at.length).toFixed(1)} %`,
  );
}
