/**
 * Parameters of generated markets, as `tools/fit-flow.ts` printed them: aggregates of a recorded hour, rounded to four digits. `reaction`,
 * `openingGapTicks` and `openingPrice` are chosen, not fitted, and `openingLevels` is bounded.
 */
import type { FlowParameters } from "./flow-parameters.ts";

/** The future on an American share index in a quiet night hour: a tick of spread, deep queues, bursts within a millisecond. */
export const equityIndexFuture: FlowParameters = {
  baseline: { limit: 0.4252, cancel: 0.001055, market: 0.07727 },
  excitedSame: {
    limit: { limit: 0.396, cancel: 0.05223, market: 0.5179 },
    cancel: { limit: 0.08393, cancel: 0.392, market: 0.06467 },
    market: { limit: 0.006227, cancel: 0.002228, market: 0.3708 },
  },
  excitedOpposite: {
    limit: { limit: 0.06346, cancel: 0.0792, market: 0.06083 },
    cancel: { limit: 0.168, cancel: 0.1151, market: 0.314 },
    market: { limit: 0.009025, cancel: 0.01228, market: 0.007866 },
  },
  decay: 5000,
  limitSize: {
    sizes: [1, 2, 3, 4, 5, 6, 12, 13],
    weights: [0.7462, 0.08815, 0.05393, 0.03372, 0.009163, 0.00752, 0.02639, 0.005428],
    tailMean: 16.77,
  },
  marketSize: {
    sizes: [1, 2, 3, 4, 5, 6, 8, 10],
    weights: [0.5916, 0.1539, 0.05683, 0.04483, 0.02859, 0.01447, 0.01447, 0.01235],
    tailMean: 13.73,
  },
  improve: 0.3312,
  placement: [
    0.5746, 0.06184, 0.02333, 0.01533, 0.006808, 0.008835, 0.006132, 0.005041, 0.004313, 0.007172, 0.03357, 0.008367,
  ],
  placementTailMean: 61.53,
  cancellation: [
    0.3977, 0.1149, 0.0573, 0.05139, 0.04038, 0.02121, 0.009649, 0.008629, 0.007821, 0.03549, 0.006248, 0.006588,
  ],
  cancellationTailMean: 62.12,
  partial: 0,
  modify: 0.4731,
  reaction: 0.7,
  queueOrders: [12.97, 19.87, 21.52, 22.35, 21.79, 21.31, 21.43, 21.46, 21.93, 22.46, 24.05, 24.44],
  nearTicks: 20,
  openingLevels: 400,
  openingGapTicks: 2,
  openingPrice: 20000,
};

/** All of them by name, for the command line. */
export const flowPresets: Readonly<Record<string, FlowParameters>> = { equityIndexFuture };
