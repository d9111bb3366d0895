/** For how long the stream has been seen without a hole: what says whether a window of time is full. Not a column. */
import type { Feature, Operator } from "../graph/operator.ts";

export type Coverage = Operator & {
  /** Whether everything within the last `windowNs` was seen. */
  readonly covers: (timeNs: number, windowNs: number) => boolean;
};

export const coverage: Feature<Coverage> = {
  id: "coverage",
  version: 1,
  parameters: {},
  columns: [],
  make(context) {
    const state = context.keep({ sinceNs: NaN });
    const see = (timeNs: number): void => {
      if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
    };
    return {
      onTrade: (event) => see(event.timeNs),
      onBook: (_, timeNs) => see(timeNs),
      onGap() {
        state.sinceNs = NaN;
      },
      covers: (timeNs, windowNs) => timeNs - state.sinceNs >= windowNs,
    };
  },
};
