/**
 * Order-flow imbalance at each of the first levels, and divided by the mean depth so that levels and days can be compared. Xu, Gould and
 * Howison, "Multi-Level Order-Flow Imbalance in a Limit Order Book", Market Microstructure and Liquidity 4(3-4), 2018; the division is of
 * Cont, Cucuringu and Zhang, "Cross-impact of order flow imbalance in equity markets", Quantitative Finance 23(10), 2023.
 */
import type { Feature, Operator } from "../graph/operator.ts";
import type { Levels } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger } from "../refusal.ts";
import { WindowSum, WindowSums } from "../window.ts";
import { coverage } from "./coverage.ts";
import {
  askFlowOfLevel,
  bidFlowOfLevel,
  flowIncrements,
  flowParameters,
  nameOfSource,
  type FlowSettings,
} from "./flow-increments.ts";

export type WindowedFlowSettings = FlowSettings & {
  /** Nanoseconds. */
  readonly window: number;
};

export type LevelFlows = Operator & {
  /** Lots of flow at each level (0 the best) over the window that ended when `expire` was called last. */
  readonly flows: Float64Array;
  readonly expire: (timeNs: number) => void;
  /** Whether the whole window was seen. */
  readonly isWarm: (timeNs: number) => boolean;
};

export type LevelDepths = Operator & {
  /** Mean over the window's states of the book, levels and sides of the lots at a level; NaN without a state in the window. */
  readonly meanDepth: (timeNs: number) => number;
};

export function windowedFlowParameters(argument: string, settings: WindowedFlowSettings): Record<string, number> {
  positiveInteger(`${argument}.window`, settings.window);
  return { window: settings.window, ...flowParameters(argument, settings) };
}

/**
 * The sums of all levels over one window, shared. Not a column.
 *
 * PERF: one queue for all levels; O(levels from the shallowest touched on) per change, and an entry for each that flowed.
 */
export function levelFlows(settings: WindowedFlowSettings): Feature<LevelFlows> {
  const { window, levels } = settings;
  return {
    id: "level_flows",
    version: 1,
    parameters: windowedFlowParameters("level_flows", settings),
    columns: [],
    levels,
    make(context) {
      const seen = context.use(coverage);
      const { sums } = context.keep({ sums: new WindowSums(window, levels) });
      const increments = new Float64Array(levels);
      context.use(flowIncrements(settings)).listen((timeNs, now, before, from) => {
        // A side that did not change is the same array before and after.
        const bidsMoved = now.bidPrice !== before.bidPrice;
        const asksMoved = now.askPrice !== before.askPrice;
        for (let level = from; level < levels; level++) {
          const bids = bidsMoved ? bidFlowOfLevel(now, before, level) : 0;
          increments[level] = asksMoved ? bids - askFlowOfLevel(now, before, level) : bids;
          sums.push(timeNs, increments, level);
        }
      });
      return {
        flows: sums.sums,
        expire: (timeNs) => sums.expire(timeNs),
        isWarm: (timeNs) => seen.covers(timeNs, window),
        onGap: () => sums.clear(),
      };
    },
  };
}

/** The lots that rested at the levels over one window, shared. Not a column. */
export function levelDepths(settings: WindowedFlowSettings): Feature<LevelDepths> {
  const { window, levels } = settings;
  return {
    id: "level_depths",
    version: 1,
    parameters: windowedFlowParameters("level_depths", settings),
    columns: [],
    levels,
    make(context) {
      const { depth } = context.keep({ depth: new WindowSum(window) });
      context.use(flowIncrements(settings)).listen((timeNs, now) => depth.push(timeNs, lotsWithin(now, levels)));
      return {
        meanDepth: (timeNs) => depth.total(timeNs) / (2 * levels * depth.count),
        onGap: () => depth.clear(),
      };
    },
  };
}

function lotsWithin({ bidSize, askSize }: Levels, levels: number): number {
  let lots = 0;
  for (let level = 0; level < levels; level++) lots += (bidSize[level] as number) + (askSize[level] as number);
  return lots;
}

const scales = {
  lots: { suffix: "", unit: "lots", formula: "sum of dW_m - dV_m over the window" },
  depth: { suffix: "_scaled", unit: "1", formula: "sum of dW_m - dV_m over the window / mean lots at a level" },
} as const;

/**
 * `mlofi`: flow at each of the first `levels` populated levels over the window, a column each. At the bid of level m dW is q_n if the
 * price rose, q_n - q_n-1 if it stayed, -q_n-1 if it fell; dV the same at the ask with prices turned; the flow is their difference.
 * `scale`: in `lots` (if absent), or by the mean `depth` of the window.
 */
export function multiLevelOrderFlow(
  settings: WindowedFlowSettings & { readonly scale?: keyof typeof scales },
): Feature {
  const { window, levels, sourceClock = 0, scale = "lots" } = settings;
  const parameters = windowedFlowParameters("mlofi", settings);
  const { suffix, unit, formula } = scales[scale];
  const flowSettings = { window, levels, sourceClock };
  return {
    id: "mlofi",
    version: 1,
    parameters: { ...parameters, scale },
    columns: Array.from({ length: levels }, (_, level) => ({
      name: `mlofi_${level + 1}${suffix}_${nameOfWindow(window)}${nameOfSource(sourceClock)}`,
      unit,
      formula,
    })),
    source: "Xu, Gould and Howison, Market Microstructure and Liquidity 4(3-4), 2018",
    lookback: nameOfWindow(window),
    levels,
    make(context) {
      const { market } = context;
      const { flows, expire } = context.use(levelFlows(flowSettings));
      const depths = scale === "depth" ? context.use(levelDepths(flowSettings)) : undefined;
      return {
        write(row, offset, timeNs) {
          expire(timeNs);
          const divisor = market.usable ? (depths === undefined ? 1 : depths.meanDepth(timeNs)) : NaN;
          for (let level = 0; level < levels; level++) row[offset + level] = (flows[level] as number) / divisor;
        },
      };
    },
  };
}
