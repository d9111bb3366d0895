/** How many limit orders, cancellations and market orders come, by side: counts over a window, and exponentially weighted rates. */
import { exp } from "@stoa/base/exact";
import type { Feature, Operator } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { WindowSum } from "../window.ts";
import { arrivals, arrivalTypes, modifyRules, type ModifyRule } from "./arrivals.ts";

interface RateSettings {
  /** What a modified order counts as; see `arrivals.ts`. */
  readonly modify?: ModifyRule;
}

/** `limit_bid_count`, ...: arrivals of each type within the last `window` nanoseconds. Null until the book was usable since the last gap. */
export function eventCounts(
  settings: RateSettings & { readonly window: number },
): Feature<Operator & { count(type: number, timeNs: number): number }> {
  const window = positiveInteger("event_counts.window", settings.window);
  const modify = oneOf("event_counts.modify", settings.modify ?? "split", modifyRules);
  return {
    id: "event_counts",
    version: 1,
    parameters: { window, modify },
    columns: arrivalTypes.map((type) => ({
      name: `${type}_count_${nameOfWindow(window)}`,
      unit: "1",
      formula: "arrivals in the window",
    })),
    source: "Kercheval and Zhang, Quantitative Finance 15(8), 2015, set v7",
    lookback: nameOfWindow(window),
    make(context) {
      const source = context.use(arrivals({ modify }));
      const sums = arrivalTypes.map(() => context.keep({ sum: new WindowSum(window) }).sum);
      source.listen({
        onArrival: (type, timeNs) => (sums[type] as WindowSum).push(timeNs, 1),
        onBreak() {
          for (const sum of sums) sum.clear();
        },
      });
      const count = (type: number, timeNs: number): number =>
        source.sinceNs() <= timeNs ? (sums[type] as WindowSum).total(timeNs) : NaN;
      return {
        count,
        write(row, offset, timeNs) {
          for (let type = 0; type < sums.length; type++) row[offset + type] = count(type, timeNs);
        },
        isWarm: (timeNs) => timeNs - source.sinceNs() >= window,
      };
    },
  };
}

/**
 * `limit_bid_rate`, ... in 1/s: L_t = L_{t-} e^{-dt/tau} + 1/tau at each arrival, `tau` in nanoseconds. Its mean is the rate of a steady
 * process. Null until the book was usable since the last gap; warm after five tau, when e^-5 = 0.7 % of the beginning is left.
 */
export function eventIntensity(settings: RateSettings & { readonly tau: number }): Feature {
  const tau = positiveInteger("event_intensity.tau", settings.tau);
  const modify = oneOf("event_intensity.modify", settings.modify ?? "split", modifyRules);
  return {
    id: "event_intensity",
    version: 1,
    parameters: { tau, modify },
    columns: arrivalTypes.map((type) => ({
      name: `${type}_rate_${nameOfWindow(tau)}`,
      unit: "1/s",
      formula: "sum e^{-(t - t_i)/tau} / tau",
    })),
    source: "standard",
    lookback: `5 x ${nameOfWindow(tau)}`,
    make(context) {
      const source = context.use(arrivals({ modify }));
      /** Of each type sum e^{-(at - t_i)/tau} as of `atNs`, the last arrival of any: all decay by one exponential. */
      const state = context.keep({ weight: new Float64Array(arrivalTypes.length), atNs: 0 });
      const { weight } = state;
      source.listen({
        onArrival(type, timeNs) {
          if (timeNs > state.atNs) {
            const left = exp((state.atNs - timeNs) / tau);
            for (let index = 0; index < weight.length; index++) weight[index] = (weight[index] as number) * left;
            state.atNs = timeNs;
          }
          weight[type] = (weight[type] as number) + 1;
        },
        onBreak: () => void weight.fill(0),
      });
      const perSecond = 1e9 / tau;
      return {
        write(row, offset, timeNs) {
          const { atNs } = state;
          let scale = timeNs > atNs ? perSecond * exp((atNs - timeNs) / tau) : perSecond;
          if (!(source.sinceNs() <= timeNs)) scale = NaN;
          for (let type = 0; type < weight.length; type++) row[offset + type] = (weight[type] as number) * scale;
        },
        isWarm: (timeNs) => timeNs - source.sinceNs() >= 5 * tau,
      };
    },
  };
}
