/**
 * What trades in options do to risk: signed flow in vega and in delta, forgetting by halves; the ratio of puts to calls traded; and
 * the order flow of their best quotes weighted by vega. Greeks are those of the chain when the trade comes, or once the quote is in it.
 */
import { exp } from "@stoa/pricing/kernel/functions";
import { EventFlag } from "../event.ts";
import { TimedSums } from "../flow/exact-sums.ts";
import { decayed } from "../flow/trade-flow.ts";
import { flowOfLevel } from "../flow/flow-increments.ts";
import type { Feature } from "../graph/operator.ts";
import type { Instrument } from "../instrument.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import {
  chainParameters,
  nameOfChain,
  optionChain,
  type ChainOption,
  type ChainSettings,
  type OptionChain,
} from "./chain.ts";

/** By what a trade counts: `vega` currency per point (0.01) of volatility, `delta` units of the underlying. */
export const flowWeights = ["vega", "delta"] as const;
export type FlowWeight = (typeof flowWeights)[number];

const logOfTwo = 0.6931471805599453;

/** Units of the underlying that one lot controls. */
export const lotWorth = ({ lot, multiplier }: Instrument): number => (lot.multiply / lot.divide) * multiplier;

/** The greek of one unit of an option; NaN where it is not known. */
function weightOf({ values, options }: OptionChain, place: number, weight: FlowWeight): number {
  if (weight === "vega") return (values.vega[place] as number) / 100;
  const put = (options[place] as ChainOption).terms.type === "put";
  return (values.callDelta[place] as number) - (put ? 1 : 0);
}

/**
 * `option_flow`: sum over the trades of all options so far of s_i q_i g_i 2^(-(t - t_i) / halfLife), s the side of the aggressor as
 * the venue tells it (trades without one do not count, nor hidden ones), q units of the underlying, g vega or delta. Nothing is in
 * it at the beginning and after a gap of any option; a trade of an option without greeks does not count.
 */
export function optionFlow(
  settings: ChainSettings & { readonly halfLife: number; readonly weight: FlowWeight },
): Feature {
  const { halfLife, weight } = settings;
  const chosen = chainParameters("option_flow", settings);
  positiveInteger("option_flow.halfLife", halfLife);
  oneOf("option_flow.weight", weight, flowWeights);
  return {
    id: "option_flow",
    version: 1,
    parameters: { halfLife, weight, ...chosen },
    columns: [
      {
        name: `option_${weight}_flow_${nameOfWindow(halfLife)}${nameOfChain(chosen)}`,
        unit: weight === "vega" ? "currency per vol point" : "underlying",
        formula: `sum of s_i q_i ${weight}_i 2^(-(t - t_i) / halfLife)`,
      },
    ],
    lookback: `10 x ${nameOfWindow(halfLife)}`,
    levels: 1,
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      const state = context.keep({ flow: 0, atNs: 0, sinceNs: NaN });
      return {
        onBook(_, timeNs) {
          if (state.sinceNs !== state.sinceNs) state.sinceNs = timeNs;
        },
        onTrade({ side, size, flags, timeNs }, market) {
          const place = chain.places[market.index] as number;
          if (place < 0 || side === 0 || (flags & EventFlag.hidden) !== 0) return;
          chain.refresh();
          const greek = weightOf(chain, place, weight);
          if (greek !== greek) return;
          const amount = side * size * lotWorth(market.instrument) * greek;
          state.flow = decayed(state.flow, timeNs - state.atNs, halfLife) + amount;
          state.atNs = timeNs;
        },
        onGap(market) {
          if ((chain.places[market.index] as number) < 0) return;
          state.flow = 0;
          state.sinceNs = NaN;
        },
        write(row, offset, timeNs) {
          const { flow, atNs } = state;
          row[offset] = flow === 0 ? 0 : flow * exp(((atNs - timeNs) / halfLife) * logOfTwo);
        },
        isWarm: (timeNs) => timeNs - state.sinceNs >= 10 * halfLife,
      };
    },
  };
}

/** The lot that all options of a chain have: sums of lots are exact integers only then. */
function commonLot(feature: string, { options }: OptionChain): void {
  const first = options[0]?.instrument;
  for (const { instrument } of options) {
    if (first === undefined || lotWorth(instrument) === lotWorth(first)) continue;
    throw new FeatureRefusal({
      argument: `${feature}.prefix`,
      value: instrument.name,
      wanted: `such that all options have the lot of ${first.name}`,
    });
  }
}

/**
 * `option_put_call`: lots of puts traded over lots of calls traded in the last `window` nanoseconds, of all options of the chain,
 * hidden trades left out; null where no call was traded, and forgotten at a gap of any option.
 */
export function putCallVolume(settings: { readonly window: number; readonly prefix?: string }): Feature {
  const { window } = settings;
  const chosen = chainParameters("option_put_call", settings);
  positiveInteger("option_put_call.window", window);
  return {
    id: "option_put_call",
    version: 1,
    parameters: { window, prefix: chosen.prefix },
    columns: [
      {
        name: `option_put_call_${nameOfWindow(window)}${nameOfChain(chosen)}`,
        unit: "1",
        formula: "sum of q of puts / sum of q of calls over the window",
      },
    ],
    lookback: nameOfWindow(window),
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      commonLot("option_put_call", chain);
      const { sums } = context.keep({ sums: new TimedSums(window) });
      const state = context.keep({ sinceNs: NaN });
      return {
        onBook(_, timeNs) {
          if (state.sinceNs !== state.sinceNs) state.sinceNs = timeNs;
        },
        onTrade({ size, flags, timeNs }, market) {
          const place = chain.places[market.index] as number;
          if (place < 0 || (flags & EventFlag.hidden) !== 0) return;
          const put = (chain.options[place] as ChainOption).terms.type === "put";
          sums.push(timeNs, put ? size : 0, put ? 0 : size);
          sums.expire(timeNs);
        },
        onGap(market) {
          if ((chain.places[market.index] as number) < 0) return;
          sums.clear();
          state.sinceNs = NaN;
        },
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          row[offset] = sums.sum(1) === 0 ? NaN : sums.sum(0) / sums.sum(1);
        },
        isWarm: (timeNs) => timeNs - state.sinceNs >= window,
      };
    },
  };
}

/**
 * `option_ofi`: sum over the changes of the best quotes of all options so far of e_i q vega_i 2^(-(t - t_i) / halfLife), e the order
 * flow of one change as in `ofi` (lots), q the underlying of a lot. Changes from or to a book that is not usable do not count.
 */
export function optionOrderFlow(settings: ChainSettings & { readonly halfLife: number }): Feature {
  const { halfLife } = settings;
  const chosen = chainParameters("option_ofi", settings);
  positiveInteger("option_ofi.halfLife", halfLife);
  return {
    id: "option_ofi",
    version: 1,
    parameters: { halfLife, ...chosen },
    columns: [
      {
        name: `option_ofi_${nameOfWindow(halfLife)}${nameOfChain(chosen)}`,
        unit: "currency per vol point",
        formula: "sum of e_i q vega_i 2^(-(t - t_i) / halfLife)",
      },
    ],
    source: "Cont, Kukanov and Stoikov, Journal of Financial Econometrics 12(1), 2014, weighted by vega",
    lookback: `10 x ${nameOfWindow(halfLife)}`,
    levels: 1,
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      const state = context.keep({ flow: 0, atNs: 0, sinceNs: NaN });
      return {
        onBook(market, timeNs) {
          if (state.sinceNs !== state.sinceNs) state.sinceNs = timeNs;
          const place = chain.places[market.index] as number;
          if (place < 0 || !market.usable || !market.usableBefore) return;
          const change = flowOfLevel(market.levels, market.before, 0);
          if (change === 0) return;
          chain.refresh();
          const vega = weightOf(chain, place, "vega");
          if (vega !== vega) return;
          const amount = change * lotWorth(market.instrument) * vega;
          state.flow = decayed(state.flow, timeNs - state.atNs, halfLife) + amount;
          state.atNs = timeNs;
        },
        onGap(market) {
          if ((chain.places[market.index] as number) < 0) return;
          state.flow = 0;
          state.sinceNs = NaN;
        },
        write(row, offset, timeNs) {
          const { flow, atNs } = state;
          row[offset] = flow === 0 ? 0 : flow * exp(((atNs - timeNs) / halfLife) * logOfTwo);
        },
        isWarm: (timeNs) => timeNs - state.sinceNs >= 10 * halfLife,
      };
    },
  };
}
