/** The spread of the best quotes, now and as a mean over time. */
import type { Feature } from "../graph/operator.ts";
import { scaled } from "../instrument.ts";
import type { Market } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { Ring } from "../window.ts";
import { inUnit, priceUnit, type PriceUnit } from "./price-unit.ts";

export const spreadUnits = ["ticks", "price", "bps"] as const;
export type SpreadUnit = (typeof spreadUnits)[number];

const spreadFormulas = { ticks: "S = a - b", price: "S = a - b", bps: "10000 S / m" } as const;

/** `spread`: a - b in ticks or in the currency of quotation, or 10,000 (a - b) / m in basis points (null where m is not positive). */
export function spread({ unit }: { readonly unit: SpreadUnit }): Feature {
  oneOf("spread.unit", unit, spreadUnits);
  return {
    id: "spread",
    version: 1,
    parameters: { unit },
    columns: [{ name: `spread_${unit}`, unit, formula: spreadFormulas[unit] }],
    levels: 1,
    make: ({ market }) => ({
      write(row, offset) {
        row[offset] = market.usable ? spreadOf(market, unit) : NaN;
      },
    }),
  };
}

function spreadOf(market: Market, unit: SpreadUnit): number {
  const ticks = market.askPrice - market.bidPrice;
  if (unit === "ticks") return ticks;
  if (unit === "price") return scaled(market.instrument.tick, ticks);
  const { mid } = market;
  return mid > 0 ? (10_000 * ticks) / mid : NaN;
}

/**
 * `spread_mean`: time-weighted mean of the spread over the last `window` nanoseconds: the sum of S_n (t_{n+1} - t_n) over the time in
 * which there was a usable book; null if there was none. What is not usable counts neither above nor below. The integral is a sum of
 * integers and so exact while spread x window stays below 2^53 (2,500 ticks over an hour).
 */
export function spreadMean({ window, unit }: { readonly window: number; readonly unit: PriceUnit }): Feature {
  positiveInteger("spread_mean.window", window);
  priceUnit("spread_mean.unit", unit);
  return {
    id: "spread_mean",
    version: 1,
    parameters: { window, unit },
    columns: [
      {
        name: `spread_mean_${unit}_${nameOfWindow(window)}`,
        unit,
        formula: "sum S_n (t_{n+1} - t_n) / sum (t_{n+1} - t_n) over the window",
      },
    ],
    lookback: nameOfWindow(window),
    levels: 1,
    make(context) {
      const mean = new TimeWeightedMean(window);
      const state = context.keep({ past: mean.past, sums: mean.sums, sinceNs: NaN });
      return {
        onBook(market, timeNs) {
          if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
          else if (market.touchedDepth > 0 && market.usable === market.usableBefore) return;
          mean.value[0] = market.usable ? market.askPrice - market.bidPrice : NaN;
          mean.become(timeNs);
        },
        write(row, offset, timeNs) {
          const { market } = context;
          row[offset] = NaN;
          if (!market.usable) return;
          mean.measure(timeNs);
          row[offset] = inUnit(market.instrument, unit, mean.value[0] as number);
        },
        isWarm: (timeNs) => timeNs - state.sinceNs >= window,
      };
    },
  };
}

/** Of an integer that holds from one time to the next, NaN for none: exact sums of integers. */
class TimeWeightedMean {
  /** Pieces that began within the window or reach into it: begin, value. The last is still going on. */
  readonly past = new Ring(2);
  /** Over all pieces but the last, from their own begin: the integral, and the time with a value. */
  readonly sums = new Float64Array(2);
  /** What goes into `become` and comes out of `measure`: a number that is handed over costs an object. */
  readonly value = new Float64Array(1);
  readonly #windowNs: number;

  constructor(windowNs: number) {
    this.#windowNs = windowNs;
  }

  /** From `timeNs` on it is what `value` holds. */
  become(timeNs: number): void {
    const { past, sums } = this;
    const value = this.value[0] as number;
    const last = past.count - 1;
    if (last >= 0) {
      const held = past.at(last, 1);
      if (held === value || (held !== held && value !== value)) return;
      if (past.at(last) === timeNs) {
        past.set(last, 1, value);
        return;
      }
      if (held === held) this.#count(held, timeNs - past.at(last), 1);
      if (past.isFull) this.#forget(timeNs - this.#windowNs);
    }
    past.push(timeNs, value);
    if (past.count === 1) sums.fill(0);
  }

  /** Puts the mean over (timeNs - window, timeNs] into `value`; NaN where there was none in it. */
  measure(timeNs: number): void {
    const { past, sums } = this;
    const beginNs = timeNs - this.#windowNs;
    this.#forget(beginNs);
    this.value[0] = NaN;
    if (past.count === 0) return;
    let integral = sums[0] as number;
    let duration = sums[1] as number;
    const oldest = past.at(0, 1);
    const before = beginNs - past.at(0);
    if (before > 0 && oldest === oldest) {
      integral -= oldest * before;
      duration -= before;
    }
    const last = past.count - 1;
    const held = past.at(last, 1);
    if (held === held) {
      integral += held * (timeNs - past.at(last));
      duration += timeNs - past.at(last);
    }
    if (duration > 0) this.value[0] = integral / duration;
  }

  /** Lets go the pieces that are over by `beginNs`. */
  #forget(beginNs: number): void {
    const { past } = this;
    while (past.count > 1 && past.at(1) <= beginNs) {
      if (past.at(0, 1) === past.at(0, 1)) this.#count(past.at(0, 1), past.at(1) - past.at(0), -1);
      past.shift();
    }
  }

  #count(value: number, durationNs: number, sign: 1 | -1): void {
    const { sums } = this;
    sums[0] = (sums[0] as number) + sign * value * durationNs;
    sums[1] = (sums[1] as number) + sign * durationNs;
  }
}
