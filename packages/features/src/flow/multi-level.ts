/**
 * Order-flow imbalance at each of the first levels, and divided by the mean depth so that levels and days can be compared. Xu, Gould and
 * Howison, "Multi-Level Order-Flow Imbalance in a Limit Order Book", Market Microstructure and Liquidity 4(3-4), 2018; the division is of
 * Cont, Cucuringu and Zhang, "Cross-impact of order flow imbalance in equity markets", Quantitative Finance 23(10), 2023.
 */
import type { Feature, Operator } from "../graph/operator.ts";
import type { Levels } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger } from "../refusal.ts";
import { Ring, WindowSum } from "../window.ts";
import { coverage } from "./coverage.ts";
import { flowIncrements, flowOfLevel, flowParameters, nameOfSource, type FlowSettings } from "./flow-increments.ts";

export type WindowedFlowSettings = FlowSettings & {
  /** Nanoseconds. */
  readonly window: number;
};

export type LevelFlows = Operator & {
  /** Lots of flow at a level (0 the best) over the window that ends at `timeNs`. */
  readonly flow: (level: number, timeNs: number) => number;
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
 * PERF: one queue for all levels; O(levels from the shallowest touched on) per change, O(levels) per change that leaves the window.
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
      const { entries, sums } = context.keep({ entries: new Ring(1 + levels), sums: new Float64Array(levels) });
      context.use(flowIncrements(settings)).listen((timeNs, now, before, from) => {
        entries.push(timeNs);
        const entry = entries.count - 1;
        for (let level = 0; level < from; level++) entries.set(entry, 1 + level, 0);
        for (let level = from; level < levels; level++) {
          const increment = flowOfLevel(now, before, level);
          entries.set(entry, 1 + level, increment);
          sums[level] = (sums[level] as number) + increment;
        }
      });
      return {
        flow(level, timeNs) {
          const oldest = timeNs - window;
          while (entries.count > 0 && entries.at(0) <= oldest) {
            for (let each = 0; each < levels; each++) sums[each] = (sums[each] as number) - entries.at(0, 1 + each);
            entries.shift();
          }
          return sums[level] as number;
        },
        isWarm: (timeNs) => seen.covers(timeNs, window),
        onGap() {
          entries.clear();
          sums.fill(0);
        },
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
      const flows = context.use(levelFlows(flowSettings));
      if (scale === "lots") {
        return {
          write(row, offset, timeNs) {
            for (let level = 0; level < levels; level++)
              row[offset + level] = market.usable ? flows.flow(level, timeNs) : NaN;
          },
        };
      }
      const depths = context.use(levelDepths(flowSettings));
      return {
        write(row, offset, timeNs) {
          const divisor = market.usable ? depths.meanDepth(timeNs) : NaN;
          for (let level = 0; level < levels; level++) row[offset + level] = flows.flow(level, timeNs) / divisor;
        },
      };
    },
  };
}
