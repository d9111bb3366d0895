/**
 * How often the source tells of the book at all: so that flow of throttled snapshots is not taken for flow of every event. A feed of
 * 100 ms snapshots shows 100 ms here whatever its name promises.
 */
import type { Feature } from "../graph/operator.ts";

/** `source_clock`: the least time between two changes of the book with different stamps so far, in seconds; null before the second. */
export function sourceClock(): Feature {
  return {
    id: "source_clock",
    version: 1,
    parameters: {},
    columns: [{ name: "source_clock", unit: "s", formula: "min of t_n - t_n-1 > 0 over changes of the book so far" }],
    make(context) {
      const state = context.keep({ lastNs: NaN, leastNs: NaN });
      return {
        onBook(_, timeNs) {
          const betweenNs = timeNs - state.lastNs;
          if (betweenNs > 0 && !(betweenNs >= state.leastNs)) state.leastNs = betweenNs;
          state.lastNs = timeNs;
        },
        onGap() {
          state.lastNs = NaN;
        },
        write(row, offset) {
          row[offset] = state.leastNs / 1e9;
        },
      };
    },
  };
}
