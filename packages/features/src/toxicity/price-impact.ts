/**
 * What a lot does to the price, from regressions over intervals: Kyle, "Continuous Auctions and Insider Trading", Econometrica 53, 1985,
 * and the root form of Hasbrouck, "Trading Costs and Returns for U.S. Equities", Journal of Finance 64(3), 2009. And what money does to
 * it: Amihud, "Illiquidity and stock returns", Journal of Financial Markets 5, 2002.
 */
import { log } from "@stoa/base/exact";
import type { Feature } from "../graph/operator.ts";
import type { Instrument } from "../instrument.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { intervals, type Interval } from "../trades/intervals.ts";
import { fitLine, RollingPairs } from "../trades/rolling-pairs.ts";
import { nameOfSigns, signParameters, type TradeSignSettings } from "../trades/trade-sign.ts";
import { Ring } from "../window.ts";

export type ImpactSettings = {
  /** Nanoseconds of an interval; intervals begin at multiples since 1970 UTC. */
  readonly step: number;
  /** Intervals in the regression or mean. */
  readonly count: number;
} & TradeSignSettings;

/** Of a tick times a lot, in the currency of quotation. */
const worthOf = ({ tick, lot, multiplier }: Instrument): number =>
  ((tick.multiply * lot.multiply) / (tick.divide * lot.divide)) * multiplier;

/**
 * `kyle_lambda`: slope, and its t-statistic, of the least-squares line with an intercept of the change of the middle price (ticks) on bought
 * less sold (lots) over the last `count` whole intervals with a usable book at both ends. Null before `count` of them, where nothing was
 * traded in any, and again after a gap.
 */
export function kyleLambda(settings: ImpactSettings): Feature {
  return slopeFeature(settings, {
    id: "kyle_lambda",
    unit: "ticks/lot",
    formula: "slope of dm on sum of s v",
    source: "Kyle, Econometrica 53, 1985",
    levelX: (interval) => interval.signed,
    // In half ticks, so that sums are of integers; the slope is halved.
    levelY: (interval) => interval.twiceMid - interval.twiceMidBefore,
    factor: () => 0.5,
  });
}

/**
 * `hasbrouck_lambda`: the same with the return of the middle price (bps) on the sum of s sqrt(p v), p v in the currency of quotation:
 * bps for each root of a unit of it.
 */
export function hasbrouckLambda(settings: ImpactSettings): Feature {
  return slopeFeature(settings, {
    id: "hasbrouck_lambda",
    unit: "bps/sqrt(currency)",
    formula: "slope of 1e4 ln(m_k / m_k-1) on sum of s sqrt(p v)",
    source: "Hasbrouck, Journal of Finance 64(3), 2009",
    levelX: (interval) => interval.signedRoot,
    levelY: (interval) => 1e4 * log(interval.twiceMid / interval.twiceMidBefore),
    factor: (instrument) => 1 / Math.sqrt(worthOf(instrument)),
  });
}

interface SlopeDefinition {
  readonly id: string;
  readonly unit: string;
  readonly formula: string;
  readonly source: string;
  levelX(interval: Interval): number;
  levelY(interval: Interval): number;
  /** What the slope is multiplied with to be in the unit. */
  factor(instrument: Instrument): number;
}

function slopeFeature(settings: ImpactSettings, definition: SlopeDefinition): Feature {
  const { step, count, ...signs } = settings;
  const { id, unit, formula, source } = definition;
  positiveInteger(`${id}.step`, step);
  if (!Number.isSafeInteger(count) || count < 3) {
    throw new FeatureRefusal({ argument: `${id}.count`, value: count, wanted: "an integer from 3 on" });
  }
  const name = `${id}_${nameOfWindow(step)}_${count}${nameOfSigns(signs)}`;
  return {
    id,
    version: 1,
    parameters: { step, count, ...signParameters(id, signs) },
    columns: [
      { name, unit, formula: `${formula} over ${count} intervals` },
      { name: `${name}_t`, unit: "1", formula: "slope / its standard error" },
    ],
    source,
    lookback: `${count} intervals of ${nameOfWindow(step)}`,
    levels: 1,
    make(context) {
      const pairs = new RollingPairs(count);
      const state = context.keep({ pairs, slope: NaN, intercept: NaN, tStatistic: NaN });
      const factor = definition.factor(context.market.instrument);
      context.use(intervals({ step, ...signs })).listen((interval) => {
        if (!interval.whole) return;
        const y = definition.levelY(interval);
        if (!(y - y === 0)) return;
        pairs.push(definition.levelX(interval), y);
        if (pairs.isFull) fitLine(pairs, { intercept: true }, state);
      });
      return {
        onGap() {
          pairs.clear();
          state.slope = state.tStatistic = NaN;
        },
        write(row, offset) {
          row[offset] = state.slope * factor;
          row[offset + 1] = state.tStatistic;
        },
        isWarm: () => pairs.isFull,
      };
    },
  };
}

/**
 * `amihud`: mean over the last `count` whole intervals with trades of |ln(m_k / m_k-1)| by what was traded, in bps for a million of the
 * currency of quotation. Null before `count` of them, and again after a gap. The paper has days; intervals without trades have no ratio.
 */
export function amihud({ step, count, hidden }: Pick<ImpactSettings, "step" | "count" | "hidden">): Feature {
  positiveInteger("amihud.step", step);
  positiveInteger("amihud.count", count);
  const signs = hidden === undefined ? {} : { hidden };
  return {
    id: "amihud",
    version: 1,
    parameters: { step, count, ...signParameters("amihud", signs) },
    columns: [
      {
        name: `amihud_${nameOfWindow(step)}_${count}${nameOfSigns(signs)}`,
        unit: "bps/1e6 currency",
        formula: "mean of 1e4 |ln(m_k / m_k-1)| / (sum of p v / 1e6)",
      },
    ],
    source: "Amihud, Journal of Financial Markets 5, 2002",
    lookback: `${count} intervals of ${nameOfWindow(step)} with trades`,
    levels: 1,
    make(context) {
      const ratios = new Ring(1, count + 1);
      const state = context.keep({ ratios, mean: NaN });
      const million = worthOf(context.market.instrument) / 1e6;
      context.use(intervals({ step, ...signs })).listen(({ whole, tradesCount, value, twiceMid, twiceMidBefore }) => {
        if (!whole || tradesCount === 0) return;
        const ratio = (1e4 * Math.abs(log(twiceMid / twiceMidBefore))) / (value * million);
        if (!(ratio - ratio === 0)) return;
        ratios.push(ratio);
        if (ratios.count > count) ratios.shift();
        if (ratios.count === count) state.mean = meanOf(ratios);
      });
      return {
        onGap() {
          ratios.clear();
          state.mean = NaN;
        },
        write(row, offset) {
          row[offset] = state.mean;
        },
        isWarm: () => ratios.count === count,
      };
    },
  };
}

/** Added up in order, so that nothing is left of what went. */
export function meanOf(numbers: Ring): number {
  let sum = 0;
  for (let age = 0; age < numbers.count; age++) sum += numbers.at(age);
  return sum / numbers.count;
}
