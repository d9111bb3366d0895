/**
 * Bars of equal time, of equally many trades, of equal volume and of equal value. Lopez de Prado, Advances in Financial Machine Learning,
 * 2018, chapter 2.3.1; the closing rules, on which libraries differ, are named in `bar.ts`.
 */
import type { MarketEvent } from "../event.ts";
import type { Table, TableContext } from "../graph/operator.ts";
import { gridAfter, gridUntil, phaseOfGrid } from "../grid.ts";
import type { Instrument } from "../instrument.ts";
import { FeatureRefusal, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import {
  addLots,
  barColumns,
  checkedTape,
  closeBar,
  closings,
  emptyBar,
  isOnTape,
  signOf,
  unknownSign,
  type Closing,
  type TapeSettings,
} from "./bar.ts";

/** Bars of time in which nothing was traded: left out, or with the last close as their prices. */
export const emptyRules = ["skip", "repeat"] as const;

/**
 * Bars over [k x step, (k + 1) x step) nanoseconds since 1970 UTC, told at the end of the interval before any event of that time.
 */
export function timeBars(
  settings: TapeSettings & { readonly step: number; readonly empty?: (typeof emptyRules)[number] },
): Table {
  const step = positiveInteger("time_bars.step", settings.step);
  const empty = oneOf("time_bars.empty", settings.empty ?? "skip", emptyRules);
  const { sign, hidden } = checkedTape("time_bars", settings);
  return {
    id: "time_bars",
    version: 1,
    parameters: { step, empty, sign, hidden },
    columns: barColumns,
    source: "Lopez de Prado, Advances in Financial Machine Learning, 2018, ch. 2",
    make(context) {
      const phase = phaseOfGrid(context.originNs, step);
      const bar = context.keep(emptyBar());
      const last = context.keep(unknownSign());
      const values = new Float64Array(barColumns.length);
      const alarm = context.alarm((timeNs) => {
        if (empty === "repeat") alarm.set(gridAfter(timeNs, step, phase));
        if (!bar.begun) {
          bar.open = bar.close;
          bar.high = bar.close;
          bar.low = bar.close;
        }
        bar.openNs = timeNs - step;
        bar.closeNs = timeNs;
        closeBar(bar, values);
        context.emit(timeNs, values);
      });
      return {
        onTrade(event) {
          if (!isOnTape(event, hidden)) return;
          if (!bar.begun) alarm.set(gridUntil(event.timeNs, step, phase) + step);
          addLots(bar, event, event.size, signOf(last, sign, event));
          bar.trades++;
        },
        onGap: () => void (bar.gap = true),
      };
    },
  };
}

/** What a bar is measured in: trades, lots, or the currency of quotation. */
export const measures = ["tick", "volume", "dollar"] as const;
export type Measure = (typeof measures)[number];

/** How much one lot at `price` ticks is, and one trade: integers, so that sums are exact. Value is in ticks times lots. */
export const measureOf = (measure: Measure, price: number, lots: number): number =>
  measure === "tick" ? 1 : measure === "volume" ? lots : Math.abs(price) * lots;

/** Ticks times lots that make an amount of the currency of quotation. */
export const ticksTimesLots = ({ tick, lot, multiplier }: Instrument, amount: number): number =>
  (amount * tick.divide * lot.divide) / (tick.multiply * lot.multiply * multiplier);

interface ThresholdSettings extends TapeSettings {
  readonly closing?: Closing;
}

/** Bars of `count` trades. `split` is refused: a trade is one. */
export const tickBars = ({ count, ...settings }: ThresholdSettings & { readonly count: number }): Table =>
  thresholdBars("tick", positiveInteger("tick_bars.count", count), "count", settings);

/** Bars of `lots` lots: exactly, if `closing` is `split`. */
export const volumeBars = ({ lots, ...settings }: ThresholdSettings & { readonly lots: number }): Table =>
  thresholdBars("volume", positiveInteger("volume_bars.lots", lots), "lots", settings);

/**
 * Bars of `value` in the currency of quotation (price x size x multiplier). With `split` a trade is divided at the first whole lot that
 * reaches the value.
 */
export const dollarBars = ({ value, ...settings }: ThresholdSettings & { readonly value: number }): Table =>
  thresholdBars("dollar", positiveNumber("dollar_bars.value", value), "value", settings);

function thresholdBars(measure: Measure, amount: number, argument: string, settings: ThresholdSettings): Table {
  const id = `${measure}_bars`;
  const closing = oneOf(`${id}.closing`, settings.closing ?? "crossing-in", closings);
  if (measure === "tick" && closing === "split")
    throw new FeatureRefusal({ argument: `${id}.closing`, value: closing, wanted: "crossing-in or crossing-next" });
  const { sign, hidden } = checkedTape(id, settings);
  return {
    id,
    version: 1,
    parameters: { [argument]: amount, closing, sign, hidden },
    columns: barColumns,
    source: "Lopez de Prado, Advances in Financial Machine Learning, 2018, ch. 2",
    make(context) {
      const { instrument } = context.market;
      const threshold = measure === "dollar" ? ticksTimesLots(instrument, amount) : amount;
      const last = context.keep(unknownSign());
      const take = { "crossing-in": takeIn, "crossing-next": takeNext, split: takeSplit }[closing](context, {
        measure,
        threshold,
      });
      return {
        onTrade(event) {
          if (isOnTape(event, hidden)) take.trade(event, signOf(last, sign, event));
        },
        onGap: () => take.miss(),
      };
    },
  };
}

interface Rule {
  readonly measure: Measure;
  readonly threshold: number;
}
interface Taker {
  trade(event: MarketEvent, sign: number): void;
  miss(): void;
}

function takeIn(context: TableContext, { measure, threshold }: Rule): Taker {
  const bar = context.keep(emptyBar());
  const state = context.keep({ sum: 0 });
  const values = new Float64Array(barColumns.length);
  return {
    trade(event, sign) {
      addLots(bar, event, event.size, sign);
      bar.trades++;
      state.sum += measureOf(measure, event.price, event.size);
      if (state.sum < threshold) return;
      state.sum = 0;
      closeBar(bar, values);
      context.emit(event.timeNs, values);
    },
    miss: () => void (bar.gap = true),
  };
}

function takeNext(context: TableContext, { measure, threshold }: Rule): Taker {
  const bar = context.keep(emptyBar());
  /** Of the sum of all trades what is above the last multiple of the threshold. */
  const state = context.keep({ above: 0 });
  const values = new Float64Array(barColumns.length);
  return {
    trade(event, sign) {
      state.above += measureOf(measure, event.price, event.size);
      if (state.above >= threshold) {
        state.above %= threshold;
        if (bar.begun) {
          closeBar(bar, values);
          context.emit(event.timeNs, values);
        }
      }
      addLots(bar, event, event.size, sign);
      bar.trades++;
    },
    miss: () => void (bar.gap = true),
  };
}

function takeSplit(context: TableContext, { measure, threshold }: Rule): Taker {
  const bar = context.keep(emptyBar());
  const state = context.keep({ sum: 0 });
  const values = new Float64Array(barColumns.length);
  return {
    trade(event, sign) {
      const each = measureOf(measure, event.price, 1);
      let left = event.size;
      while (left > 0) {
        const missing = each > 0 ? Math.max(1, Math.ceil((threshold - state.sum) / each)) : Infinity;
        const lots = left < missing ? left : missing;
        addLots(bar, event, lots, sign);
        left -= lots;
        if (left === 0) bar.trades++;
        state.sum += each * lots;
        if (state.sum < threshold) continue;
        state.sum = 0;
        closeBar(bar, values);
        context.emit(event.timeNs, values);
      }
    },
    miss: () => void (bar.gap = true),
  };
}
