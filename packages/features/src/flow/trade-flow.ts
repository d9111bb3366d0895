/**
 * What was bought and sold at market: over a window of time in lots, in number and in money, net or as a share; and as a flow that
 * forgets by halves. Whose trade is whose is decided by `trades/trade-sign.ts`.
 */
import { exp } from "@stoa/pricing/kernel/functions";
import type { MarketEvent } from "../event.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import type { Instrument } from "../instrument.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { coverage } from "./coverage.ts";
import { TimedSums } from "./exact-sums.ts";

/** What of a trade is counted: its lots, itself, or its price times size in the currency of quotation (times the multiplier). */
export const tradeMeasures = ["volume", "count", "notional"] as const;
export type TradeMeasure = (typeof tradeMeasures)[number];

const unitOf = { volume: "lots", count: "trades", notional: "currency" } as const;

/** An integer in any case: notional in ticks times lots. */
const amountOf = (measure: TradeMeasure, { price, size }: MarketEvent): number =>
  measure === "volume" ? size : measure === "count" ? 1 : price * size;

/** What one of these integers is worth in the unit of the column. */
const worthOf = (measure: TradeMeasure, { tick, lot, multiplier }: Instrument): number =>
  measure === "notional" ? ((tick.multiply * lot.multiply) / (tick.divide * lot.divide)) * multiplier : 1;

/** Bought, sold and of unknown side over the window that ends at `timeNs`; to be asked in this order: `expire`, then the sums. */
export type TradeSums = Operator & { readonly sums: TimedSums; readonly isWarm: (timeNs: number) => boolean };

/** The sums of one measure over one window, shared. Not a column. */
export function tradeSums(
  settings: { readonly window: number; readonly measure: TradeMeasure } & TradeSignSettings,
): Feature<TradeSums> {
  const { window, measure, ...signs } = settings;
  return {
    id: "trade_sums",
    version: 1,
    parameters: { window, measure, ...signParameters("trade_sums", signs) },
    columns: [],
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const seen = context.use(coverage);
      const { sums } = context.keep({ sums: new TimedSums(window) });
      return {
        sums,
        isWarm: (timeNs) => seen.covers(timeNs, window),
        onTrade(event) {
          if (!trade.counts) return;
          const amount = amountOf(measure, event);
          const { sign } = trade;
          sums.push(event.timeNs, sign > 0 ? amount : 0, sign < 0 ? amount : 0, sign === 0 ? amount : 0);
          sums.expire(event.timeNs);
        },
        onGap: () => sums.clear(),
      };
    },
  };
}

export type TradeFlowSettings = {
  /** Nanoseconds. */
  readonly window: number;
  /** `volume` if absent. */
  readonly measure?: TradeMeasure;
} & TradeSignSettings;

/**
 * `tfi`: sum of s_i x_i over the last `window` nanoseconds, where x is the trade's lots, 1, or its notional; with `scale: "share"`
 * divided by the sum of x_i, null where nothing was traded. Trades of unknown side count in the divisor only.
 */
export function tradeFlowImbalance(settings: TradeFlowSettings & { readonly scale?: "sum" | "share" }): Feature {
  const { window, measure = "volume", scale = "sum", ...signs } = settings;
  positiveInteger("tfi.window", window);
  oneOf("tfi.measure", measure, tradeMeasures);
  oneOf("tfi.scale", scale, ["sum", "share"]);
  const names = [
    "tfi",
    ...(measure === "volume" ? [] : [measure]),
    ...(scale === "sum" ? [] : [scale]),
    nameOfWindow(window),
  ];
  return {
    id: "tfi",
    version: 1,
    parameters: { window, measure, scale, ...signParameters("tfi", signs) },
    columns: [
      {
        name: names.join("_") + nameOfSigns(signs),
        unit: scale === "share" ? "1" : unitOf[measure],
        formula: scale === "share" ? "sum of s x / sum of x over the window" : "sum of s x over the window",
      },
    ],
    lookback: nameOfWindow(window),
    levels: 1,
    make(context) {
      const { sums } = context.use(tradeSums({ window, measure, ...signs }));
      const worth = worthOf(measure, context.market.instrument);
      return {
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          const net = sums.sum(0) - sums.sum(1);
          row[offset] = scale === "share" ? net / (sums.sum(0) + sums.sum(1) + sums.sum(2)) : net * worth;
        },
      };
    },
  };
}

/** `trade_volume`: what buyers took, what sellers took, and what nobody knows, over the last `window` nanoseconds. Together they are the tape. */
export function tradeVolume(settings: TradeFlowSettings): Feature {
  const { window, measure = "volume", ...signs } = settings;
  positiveInteger("trade_volume.window", window);
  oneOf("trade_volume.measure", measure, tradeMeasures);
  const suffix = `${measure}_${nameOfWindow(window)}${nameOfSigns(signs)}`;
  return {
    id: "trade_volume",
    version: 1,
    parameters: { window, measure, ...signParameters("trade_volume", signs) },
    columns: ["buy", "sell", "unknown"].map((side) => ({
      name: `${side}_${suffix}`,
      unit: unitOf[measure],
      formula: `sum of x over the window, side ${side}`,
    })),
    lookback: nameOfWindow(window),
    levels: 1,
    make(context) {
      const { sums } = context.use(tradeSums({ window, measure, ...signs }));
      const worth = worthOf(measure, context.market.instrument);
      return {
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          row[offset] = sums.sum(0) * worth;
          row[offset + 1] = sums.sum(1) * worth;
          row[offset + 2] = sums.sum(2) * worth;
        },
      };
    },
  };
}

const logOfTwo = 0.6931471805599453;

/** A number that halves in `halfLife` nanoseconds, after `sinceNs`. */
export const decayed = (value: number, sinceNs: number, halfLife: number): number =>
  value === 0 || sinceNs === 0 ? value : value * exp(-logOfTwo * (sinceNs / halfLife));

/**
 * `signed_flow`: sum over all trades so far of s_i x_i 2^(-(t - t_i) / halfLife). A mean life tau is a half-life of tau ln 2. Nothing
 * is in it at the beginning and after a gap; warm after ten half-lives.
 */
export function signedFlow(
  settings: { readonly halfLife: number; readonly measure?: TradeMeasure } & TradeSignSettings,
): Feature {
  const { halfLife, measure = "volume", ...signs } = settings;
  positiveInteger("signed_flow.halfLife", halfLife);
  oneOf("signed_flow.measure", measure, tradeMeasures);
  const name = measure === "volume" ? "" : `${measure}_`;
  return {
    id: "signed_flow",
    version: 1,
    parameters: { halfLife, measure, ...signParameters("signed_flow", signs) },
    columns: [
      {
        name: `signed_flow_${name}${nameOfWindow(halfLife)}${nameOfSigns(signs)}`,
        unit: unitOf[measure],
        formula: "sum of s_i x_i 2^(-(t - t_i) / halfLife)",
      },
    ],
    lookback: `10 x ${nameOfWindow(halfLife)}`,
    levels: 1,
    make(context) {
      const { trade } = context.use(tradeSigns(signs));
      const seen = context.use(coverage);
      const worth = worthOf(measure, context.market.instrument);
      const state = context.keep({ flow: 0, atNs: 0 });
      return {
        onTrade(event) {
          if (!trade.counts || trade.sign === 0) return;
          const { timeNs } = event;
          state.flow = decayed(state.flow, timeNs - state.atNs, halfLife) + trade.sign * amountOf(measure, event);
          state.atNs = timeNs;
        },
        onGap() {
          state.flow = 0;
        },
        write(row, offset, timeNs) {
          const { flow, atNs } = state;
          // Without trades nothing decays, and no exponential is taken.
          row[offset] = flow === 0 ? 0 : flow * exp(((atNs - timeNs) / halfLife) * logOfTwo) * worth;
        },
        isWarm: (timeNs) => seen.covers(timeNs, 10 * halfLife),
      };
    },
  };
}
