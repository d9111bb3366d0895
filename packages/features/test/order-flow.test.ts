/** Order flow against naive second implementations. */
import { expect, test } from "vitest";
import { seconds } from "../src/graph/clock.ts";
import { orderFlowImbalance } from "../src/flow/order-flow-imbalance.ts";
import { expectNaive, type Moment } from "./support/history.ts";
import { randomOrders } from "./support/random-market.ts";

/** e_n with the four indicators of the paper's equation. */
function increment(now: Moment, before: Moment): number {
  const [b, a, B, A] = [now.bids[0]!, now.asks[0]!, before.bids[0]!, before.asks[0]!];
  return (
    (b.price >= B.price ? b.size : 0) -
    (b.price <= B.price ? B.size : 0) -
    (a.price <= A.price ? a.size : 0) +
    (a.price >= A.price ? A.size : 0)
  );
}

test("ofi is the sum of the paper's increments over the window, and forgets at a gap", () => {
  const window = seconds(2);
  const numbers = expectNaive(
    orderFlowImbalance({ window }),
    (moments, timeNs) => {
      const settled = moments.filter((moment) => moment.settled);
      const lastGap = settled.findLastIndex(({ event }) => event.kind === 8);
      let sum = 0;
      for (let index = Math.max(1, lastGap); index < settled.length; index++) {
        const [now, before] = [settled[index]!, settled[index - 1]!];
        if (now.usable && before.usable && now.timeNs > timeNs - window) sum += increment(now, before);
      }
      return [settled.at(-1)!.usable ? sum : NaN];
    },
    randomOrders(21, 3_000),
    { stride: 3 },
  );
  expect(numbers).toBeGreaterThan(400);
});
