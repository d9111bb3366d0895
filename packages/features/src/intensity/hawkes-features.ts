/** The Hawkes process online: its intensity, whether its increments are exponential as they should be, and the branching ratio without a model. */
import { exp } from "@stoa/base/exact";
import type { Feature, Operator } from "../graph/operator.ts";
import { gridUntil, phaseOfGrid } from "../grid.ts";
import { nameOfWindow } from "../naming.ts";
import { positiveInteger, positiveNumber } from "../refusal.ts";
import { Ring } from "../window.ts";
import { checkedPoints, points, type PointSettings } from "./arrivals.ts";
import { exponentialDistance, type HawkesParameters } from "./hawkes.ts";

/**
 * `hawkes`: lambda(t) = mu + alpha sum_{t_i <= t} e^{-beta (t - t_i)} in 1/s, points up to and including now. `hawkes_increment`: the integral of
 * lambda between the last two points, exponential with mean 1 if the model is right. Parameters from `fitHawkes` on past data. Null
 * until the book was usable since the last gap, from which on points count.
 */
export function hawkesIntensity(settings: PointSettings & HawkesParameters): Feature {
  const settled = checkedHawkes("hawkes", settings);
  const { events } = settled;
  return {
    id: "hawkes",
    version: 1,
    parameters: { ...settled },
    columns: [
      { name: `hawkes_${events}`, unit: "1/s", formula: "mu + alpha sum e^{-beta (t - t_i)}" },
      { name: `hawkes_increment_${events}`, unit: "1", formula: "integral of lambda between the last two points" },
    ],
    source: "Ozaki 1979; Bacry, Mastromatteo and Muzy, Hawkes processes in finance, 2015",
    lookback: `5 / beta, ${5 / settled.beta} s`,
    levels: 1,
    make(context) {
      const model = context.use(hawkesState(settled));
      return {
        write(row, offset, timeNs) {
          row[offset] = model.intensity(timeNs);
          row[offset + 1] = model.increment();
        },
        isWarm: (timeNs) => timeNs - model.sinceNs() >= 5e9 / settled.beta,
      };
    },
  };
}

/**
 * `hawkes_ks`: Kolmogorov-Smirnov distance of the last `count` increments of the model from the exponential distribution; at 5 % it is
 * significant above about 1.36 / sqrt(count). Null until there are `count`. PERF: O(count log count) at the first row after a point.
 */
export function hawkesDistance(settings: PointSettings & HawkesParameters & { readonly count: number }): Feature {
  const settled = checkedHawkes("hawkes_ks", settings);
  const count = positiveInteger("hawkes_ks.count", settings.count);
  return {
    id: "hawkes_ks",
    version: 1,
    parameters: { ...settled, count },
    columns: [
      { name: `hawkes_ks_${settled.events}_${count}`, unit: "1", formula: "sup |F_n(x) - (1 - e^-x)| of increments" },
    ],
    source: "Brown, Barbieri, Ventura, Kass and Frank, Neural Computation 14(2), 2002",
    lookback: `${count} points`,
    levels: 1,
    make(context) {
      const model = context.use(hawkesState(settled));
      const state = context.keep({ ring: new Ring(1, count), distance: NaN, isStale: false as boolean });
      const { ring } = state;
      const sorted = new Float64Array(count);
      model.listen({
        onIncrement(value) {
          if (ring.count === count) ring.shift();
          ring.push(value);
          state.isStale = true;
        },
        onBreak() {
          ring.clear();
          state.distance = NaN;
          state.isStale = false;
        },
      });
      return {
        write(row, offset) {
          if (state.isStale && ring.count === count) {
            for (let age = 0; age < count; age++) sorted[age] = ring.at(age);
            state.distance = exponentialDistance(sorted);
            state.isStale = false;
          }
          row[offset] = state.distance;
        },
        isWarm: () => ring.count === count,
      };
    },
  };
}

type HawkesProcess = Required<PointSettings> & HawkesParameters;

function checkedHawkes(feature: string, settings: PointSettings & HawkesParameters): HawkesProcess {
  return {
    ...checkedPoints(feature, settings),
    mu: positiveNumber(`${feature}.mu`, settings.mu),
    alpha: positiveNumber(`${feature}.alpha`, settings.alpha),
    beta: positiveNumber(`${feature}.beta`, settings.beta),
  };
}

interface HawkesListener {
  onIncrement(value: number): void;
  onBreak(): void;
}

interface HawkesState extends Operator {
  intensity(timeNs: number): number;
  /** Of the last point; NaN before the second. */
  increment(): number;
  sinceNs(): number;
  listen(listener: HawkesListener): void;
}

/** What the intensity and its test share. Not a column. */
function hawkesState(settled: HawkesProcess): Feature<HawkesState> {
  const { mu, alpha, beta } = settled;
  return {
    id: "hawkes_state",
    version: 1,
    parameters: { ...settled },
    columns: [],
    levels: 1,
    make(context) {
      const source = context.use(points(settled));
      const state = context.keep({ excitement: 0, lastNs: NaN, increment: NaN });
      const listeners: HawkesListener[] = [];
      const left = (timeNs: number): number => exp((-beta * (timeNs - state.lastNs)) / 1e9);
      source.listen({
        onPoint(timeNs) {
          const { excitement, lastNs } = state;
          const rest = excitement > 0 ? left(timeNs) : 1;
          state.excitement = excitement * rest + 1;
          state.lastNs = timeNs;
          if (excitement === 0) return;
          state.increment = (mu * (timeNs - lastNs)) / 1e9 + (alpha / beta) * excitement * (1 - rest);
          for (let index = 0; index < listeners.length; index++)
            (listeners[index] as HawkesListener).onIncrement(state.increment);
        },
        onBreak() {
          state.excitement = 0;
          state.increment = NaN;
          for (let index = 0; index < listeners.length; index++) (listeners[index] as HawkesListener).onBreak();
        },
      });
      return {
        intensity(timeNs) {
          if (!(source.sinceNs() <= timeNs)) return NaN;
          return state.excitement > 0 ? mu + alpha * state.excitement * left(timeNs) : mu;
        },
        increment: () => state.increment,
        sinceNs: () => source.sinceNs(),
        listen: (listener) => void listeners.push(listener),
      };
    },
  };
}

/**
 * `branching_ratio`: n = 1 - sqrt(mean / variance) of the numbers of points in the last `count` whole bins of `bin` nanoseconds (multiples since
 * 1970; sample variance), which needs no kernel as long as bins are longer than memory. 0 for a Poisson process, below it for one more regular. Null until there are `count` bins, and where none has a point.
 */
export function branchingRatio(settings: PointSettings & { readonly bin: number; readonly count: number }): Feature {
  const settled = checkedPoints("branching_ratio", settings);
  const bin = positiveInteger("branching_ratio.bin", settings.bin);
  const count = positiveInteger("branching_ratio.count", settings.count);
  const span = `${count}x${nameOfWindow(bin)}`;
  return {
    id: "branching_ratio",
    version: 1,
    parameters: { ...settled, bin, count },
    columns: [
      {
        name: `branching_ratio_${settled.events}_${span}`,
        unit: "1",
        formula: "1 - sqrt(mean / variance) of counts per bin",
      },
    ],
    source:
      "Hardiman and Bouchaud, Branching-ratio approximation for the self-exciting Hawkes settled, Physical Review E 90, 2014",
    lookback: span,
    levels: 1,
    make(context) {
      const source = context.use(points(settled));
      const phase = phaseOfGrid(context.originNs, bin);
      /** `binNs` is where the open bin begins; sums of integers over the whole bins in the ring. */
      const state = context.keep({ bins: new Ring(1, count), open: 0, binNs: NaN, sum: 0, squares: 0 });
      const { bins } = state;
      const closeBin = (points: number): void => {
        if (bins.count === count) {
          const oldest = bins.at(0);
          state.sum -= oldest;
          state.squares -= oldest * oldest;
          bins.shift();
        }
        bins.push(points);
        state.sum += points;
        state.squares += points * points;
      };
      const advance = (timeNs: number): void => {
        if (state.binNs !== state.binNs) {
          // The bin in which the observation begins is not whole.
          if (source.sinceNs() <= timeNs) state.binNs = gridUntil(source.sinceNs(), bin, phase) + bin;
        }
        let empty = 0;
        for (; state.binNs + bin <= timeNs && empty <= count; empty++) {
          closeBin(state.open);
          state.open = 0;
          state.binNs += bin;
        }
        if (empty > count) state.binNs = gridUntil(timeNs, bin, phase);
      };
      source.listen({
        onPoint(timeNs) {
          advance(timeNs);
          if (state.binNs <= timeNs) state.open++;
        },
        onBreak() {
          bins.clear();
          state.open = 0;
          state.binNs = NaN;
          state.sum = 0;
          state.squares = 0;
        },
      });
      return {
        write(row, offset, timeNs) {
          advance(timeNs);
          const mean = state.sum / count;
          const variance = (state.squares - state.sum * mean) / (count - 1);
          row[offset] = bins.count === count && state.sum > 0 ? 1 - Math.sqrt(mean / variance) : NaN;
        },
        isWarm: () => bins.count === count,
      };
    },
  };
}
