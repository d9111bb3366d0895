// Who bought? Five rules that do not look at the venue's flag, and how often each agrees with it.
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { classifiedTrades, signAccuracy } from "@stoa/features/trades/classified-trades";
import { openMarket } from "./support/market.ts";

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(12);

for (const lag of [0, 1, 5]) {
  const source = await openMarket(process.argv[2], 60_000);
  const table = classifiedTrades({ lag: lag * 1e9 });
  const graph = features({ ...source, clock: every.trade() }).table("trades", table);
  const rows: Float64Array[] = [];
  const stream = graph.stream({ onTableRow: (_table, _timeNs, values) => void rows.push(values.slice()) });
  for await (const batch of source.batches()) stream.pushBatch(batch);
  console.log(`quotes of ${lag} s before  has a sign   and right     by lots`);
  for (const { rule, classifiedShare, agreement, agreementByLots } of signAccuracy(rows))
    console.log(rule.padEnd(21) + percent(classifiedShare) + percent(agreement) + percent(agreementByLots));
}
