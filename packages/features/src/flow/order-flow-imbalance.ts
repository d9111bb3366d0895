/**
 * Order-flow imbalance of the best quotes: what came to the bid and left the ask, less what came to the ask and left the bid. Cont,
 * Kukanov and Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12(1), 2014, equation (4).
 */
import type { Feature, Operator } from "../graph/operator.ts";
import type { Levels } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger } from "../refusal.ts";
import { WindowSum } from "../window.ts";

/** What one change of the book at level `level` contributed, in lots: e_n of the paper for level 0. */
export function flowOfLevel(now: Levels, before: Levels, level: number): number {
  return (
    arrived(
      now.bidPrice[level] as number,
      now.bidSize[level] as number,
      before.bidPrice[level] as number,
      before.bidSize[level] as number,
    ) -
    arrived(
      -(now.askPrice[level] as number),
      now.askSize[level] as number,
      -(before.askPrice[level] as number),
      before.askSize[level] as number,
    )
  );
}

/** Lots that came to a side, less those that left it; for the ask with the sign of prices turned. A level that is not there has no lots. */
function arrived(price: number, size: number, priceBefore: number, sizeBefore: number): number {
  if (price > priceBefore) return size;
  if (price < priceBefore) return -sizeBefore;
  return size - sizeBefore;
}

/** The increment e_n of each change of the book, shared by all who sum it up. Not a column. */
export const flowIncrements: Feature<Operator & { readonly increment: () => number }> = {
  id: "ofi_increment",
  version: 1,
  parameters: {},
  columns: [],
  levels: 1,
  make(context) {
    const state = context.keep({ increment: 0 });
    return {
      onBook(market) {
        const counts = market.usable && market.usableBefore && market.touchedDepth === 0;
        state.increment = counts ? flowOfLevel(market.levels, market.before, 0) : 0;
      },
      increment: () => state.increment,
    };
  },
};

/** `ofi`: sum of e_n over the last `window` nanoseconds, in lots. Changes across a gap, or to or from a one-sided or crossed book, do not count. */
export function orderFlowImbalance({ window }: { readonly window: number }): Feature {
  positiveInteger("ofi.window", window);
  return {
    id: "ofi",
    version: 1,
    parameters: { window },
    columns: [{ name: `ofi_${nameOfWindow(window)}`, unit: "lots", formula: "sum of e_n over the window" }],
    source: "Cont, Kukanov and Stoikov, Journal of Financial Econometrics 12(1), 2014",
    lookback: nameOfWindow(window),
    levels: 1,
    make(context) {
      const increments = context.use(flowIncrements);
      const sum = new WindowSum(window);
      const state = context.keep({ sum, sinceNs: NaN });
      return {
        onBook(_, timeNs) {
          if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
          const increment = increments.increment();
          if (increment !== 0) sum.push(timeNs, increment);
        },
        onGap() {
          sum.clear();
          state.sinceNs = NaN;
        },
        write(row, offset, timeNs) {
          row[offset] = context.market.usable ? sum.total(timeNs) : NaN;
        },
        isWarm: (timeNs) => timeNs - state.sinceNs >= window,
      };
    },
  };
}
