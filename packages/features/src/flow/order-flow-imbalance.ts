/**
 * Order-flow imbalance of the best quotes: what came to the bid and left the ask, less what came to the ask and left the bid. Cont,
 * Kukanov and Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12(1), 2014, equation (4).
 */
import type { Feature } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger } from "../refusal.ts";
import { WindowSum } from "../window.ts";
import { coverage } from "./coverage.ts";
import { flowIncrements, flowOfLevel, flowParameters, nameOfSource, type FlowSettings } from "./flow-increments.ts";

/**
 * `ofi`: sum of e_n over the last `window` nanoseconds, in lots, where e_n = 1{b_n >= b_n-1} q^b_n - 1{b_n <= b_n-1} q^b_n-1 -
 * 1{a_n <= a_n-1} q^a_n + 1{a_n >= a_n-1} q^a_n-1. Changes across a gap, or to or from a one-sided or crossed book, do not count.
 */
export function orderFlowImbalance({
  window,
  sourceClock = 0,
}: { readonly window: number } & Pick<FlowSettings, "sourceClock">): Feature {
  positiveInteger("ofi.window", window);
  const settings = { levels: 1, sourceClock };
  flowParameters("ofi", settings);
  return {
    id: "ofi",
    version: 1,
    parameters: { window, sourceClock },
    columns: [
      {
        name: `ofi_${nameOfWindow(window)}${nameOfSource(sourceClock)}`,
        unit: "lots",
        formula: "sum of e_n over the window",
      },
    ],
    source: "Cont, Kukanov and Stoikov, Journal of Financial Econometrics 12(1), 2014",
    lookback: nameOfWindow(window),
    levels: 1,
    make(context) {
      const seen = context.use(coverage);
      const { sum } = context.keep({ sum: new WindowSum(window) });
      context.use(flowIncrements(settings)).listen((timeNs, now, before) => {
        const increment = flowOfLevel(now, before, 0);
        if (increment !== 0) sum.push(timeNs, increment);
      });
      return {
        onGap: () => sum.clear(),
        write(row, offset, timeNs) {
          row[offset] = context.market.usable ? sum.total(timeNs) : NaN;
        },
        isWarm: (timeNs) => seen.covers(timeNs, window),
      };
    },
  };
}
