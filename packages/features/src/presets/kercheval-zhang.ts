/**
 * The attributes of Kercheval and Zhang, "Modelling high-frequency limit order book dynamics with support vector machines", Quantitative
 * Finance 15(8), 2015, sets v1 to v9 over ten levels, and the 144 features that the FI-2010 data set makes of them (Ntakaris, Magris,
 * Kanniainen, Gabbouj and Iosifidis, "Benchmark dataset for mid-price forecasting of limit order book data with machine learning methods",
 * Journal of Forecasting 37(8), 2018), where they are u1 to u9. The first seven sets are the same; of the indicators and accelerations
 * (8 and 9) the paper has four each, the data set six each. Neither paper fixes the time constants: here they are parameters.
 */
import type { Column, Context, Feature } from "../graph/operator.ts";
import { eventCounts } from "../intensity/rates.ts";
import type { Levels } from "../market.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";
import { writeNulls } from "../depth/of-levels.ts";
import { levelHistory, sizeOrNull, type LevelHistory } from "./level-history.ts";

const levelsCount = 10;

export const marketSides = ["taken", "sent"] as const;
/** Which market orders count as those of the ask: those that take from it, buys (`taken`), or sell orders, which are asks themselves (`sent`). */
export type MarketSide = (typeof marketSides)[number];

export interface KerchevalZhangSettings {
  /** The short and the long window of intensities, nanoseconds: Delta t and Delta T of the paper. */
  readonly shortWindow: number;
  readonly longWindow: number;
  /** Over which rates of change are taken, nanoseconds: (x(t) - x(t - step)) / step. */
  readonly step: number;
  readonly marketSide: MarketSide;
}

/** Six types of orders in the order of the sets. */
const orderTypes = ["limit_ask", "limit_bid", "market_ask", "market_bid", "cancel_ask", "cancel_bid"] as const;
type OrderType = (typeof orderTypes)[number];

/** Index in `arrivalTypes` of each. */
const arrivalOf: Readonly<Record<MarketSide, readonly number[]>> = {
  taken: [1, 0, 4, 5, 3, 2],
  sent: [1, 0, 5, 4, 3, 2],
};

interface Variant {
  readonly id: "kz2015" | "fi2010";
  /** What the sets are called: v1, v2, ... or u1, u2, ... */
  readonly letter: "v" | "u";
  readonly indicators: readonly OrderType[];
  readonly accelerations: readonly OrderType[];
  readonly source: string;
}

/** `kz2015`: sets v1 to v9 of the paper, 140 columns. */
export const kz2015 = (settings: KerchevalZhangSettings): Feature =>
  kerchevalZhang(settings, {
    id: "kz2015",
    letter: "v",
    indicators: ["limit_ask", "limit_bid", "market_ask", "market_bid"],
    accelerations: ["market_ask", "limit_bid", "market_bid", "limit_ask"],
    source: "Kercheval and Zhang, Quantitative Finance 15(8), 2015",
  });

/** `fi2010`: u1 to u9 as the rows of the FI-2010 files: 144 columns, in ticks and lots where the files have normalised values. */
export const fi2010 = (settings: KerchevalZhangSettings): Feature =>
  kerchevalZhang(settings, {
    id: "fi2010",
    letter: "u",
    indicators: orderTypes,
    accelerations: orderTypes,
    source: "Ntakaris et al., Journal of Forecasting 37(8), 2018",
  });

/** Null while the book is not usable; of the rates of change until the book has been known for `step`, of a level while it is not there. */
function kerchevalZhang(settings: KerchevalZhangSettings, variant: Variant): Feature {
  const { shortWindow, longWindow, step, marketSide } = settings;
  const { id, indicators, accelerations } = variant;
  positiveInteger(`${id}.shortWindow`, shortWindow);
  positiveInteger(`${id}.step`, step);
  if (positiveInteger(`${id}.longWindow`, longWindow) <= shortWindow) {
    throw new FeatureRefusal({
      argument: `${id}.longWindow`,
      value: longWindow,
      wanted: "longer than the short window",
    });
  }
  oneOf(`${id}.marketSide`, marketSide, marketSides);
  const columns = columnsOf(variant);
  const placeOf = (type: OrderType): number => orderTypes.indexOf(type);
  const [compared, accelerated] = [indicators.map(placeOf), accelerations.map(placeOf)];
  return {
    id,
    version: 1,
    parameters: { shortWindow, longWindow, step, marketSide },
    columns,
    source: variant.source,
    lookback: nameOfWindow(Math.max(longWindow, shortWindow + step)),
    levels: levelsCount,
    make(context) {
      const { market } = context;
      const history = context.use(levelHistory({ levels: levelsCount, age: step }));
      const intensities = orderIntensities(settings, context);
      return {
        write(row, offset, timeNs) {
          if (!market.usable) {
            writeNulls(row, offset, columns.length);
            return;
          }
          const { levels } = market;
          writeShape(levels, row, offset);
          writeMeans(levels, row, offset + 80);
          writeRates(levels, history, row, offset + 86, timeNs, step);
          let at = offset + 126;
          for (let type = 0; type < orderTypes.length; type++) row[at++] = intensities.short(type, timeNs);
          for (let index = 0; index < compared.length; index++) {
            const type = compared[index] as number;
            row[at++] = indicator(intensities.short(type, timeNs), intensities.long(type, timeNs));
          }
          for (let index = 0; index < accelerated.length; index++) {
            row[at++] = intensities.acceleration(accelerated[index] as number, timeNs);
          }
        },
        isWarm: (timeNs) => timeNs - history.sinceNs() >= step,
      };
    },
  };
}

interface OrderIntensities {
  /** Orders per second of the type at this place of `orderTypes`. */
  short(type: number, timeNs: number): number;
  long(type: number, timeNs: number): number;
  /** Change of the short one over the step, per second and second. */
  acceleration(type: number, timeNs: number): number;
}

/** From counts over four windows: what lay in (t - step - short, t - step] is what lies in the longest less what lies in the step. */
function orderIntensities(settings: KerchevalZhangSettings, context: Context): OrderIntensities {
  const { shortWindow, longWindow, step, marketSide } = settings;
  const counts = (window: number) => context.use(eventCounts({ window }));
  const [inShort, inLong, inStep, inBoth] = [
    counts(shortWindow),
    counts(longWindow),
    counts(step),
    counts(shortWindow + step),
  ];
  const arrivals = arrivalOf[marketSide];
  const [perShort, perLong] = [1e9 / shortWindow, 1e9 / longWindow];
  return {
    short: (type, timeNs) => inShort.count(arrivals[type] as number, timeNs) * perShort,
    long: (type, timeNs) => inLong.count(arrivals[type] as number, timeNs) * perLong,
    acceleration(type, timeNs) {
      const arrival = arrivals[type] as number;
      const before = inBoth.count(arrival, timeNs) - inStep.count(arrival, timeNs);
      return ((inShort.count(arrival, timeNs) - before) * perShort * 1e9) / step;
    },
  };
}

/** 1 if the short intensity is above the long one. */
const indicator = (short: number, long: number): number =>
  short === short && long === long ? Number(short > long) : NaN;

/** Sets 1 to 3: levels, spreads and mids level by level, ranges and gaps. */
function writeShape(levels: Levels, row: Float64Array, offset: number): void {
  const { askPrice, askSize, bidPrice, bidSize } = levels;
  const last = levelsCount - 1;
  for (let level = 0; level < levelsCount; level++) {
    const ask = askPrice[level] as number;
    const bid = bidPrice[level] as number;
    const at = offset + 4 * level;
    row[at] = ask;
    row[at + 1] = sizeOrNull(askSize[level] as number);
    row[at + 2] = bid;
    row[at + 3] = sizeOrNull(bidSize[level] as number);
    row[offset + 40 + 2 * level] = ask - bid;
    row[offset + 41 + 2 * level] = (ask + bid) / 2;
    if (level === last) continue;
    row[offset + 62 + level] = (askPrice[level + 1] as number) - ask;
    row[offset + 71 + level] = bid - (bidPrice[level + 1] as number);
  }
  row[offset + 60] = (askPrice[last] as number) - (askPrice[0] as number);
  row[offset + 61] = (bidPrice[0] as number) - (bidPrice[last] as number);
}

/** Sets 4 and 5: means of prices and sizes over the levels, and sums of differences. Null unless all levels are there. */
function writeMeans({ askPrice, askSize, bidPrice, bidSize }: Levels, row: Float64Array, offset: number): void {
  let asks = 0;
  let bids = 0;
  let askLots = 0;
  let bidLots = 0;
  for (let level = 0; level < levelsCount; level++) {
    asks += askPrice[level] as number;
    bids += bidPrice[level] as number;
    askLots += sizeOrNull(askSize[level] as number);
    bidLots += sizeOrNull(bidSize[level] as number);
  }
  row[offset] = asks / levelsCount;
  row[offset + 1] = bids / levelsCount;
  row[offset + 2] = askLots / levelsCount;
  row[offset + 3] = bidLots / levelsCount;
  row[offset + 4] = asks - bids;
  row[offset + 5] = askLots - bidLots;
}

/** Set 6: rates of change of prices and sizes per second, level by level. */
function writeRates(
  { askPrice, askSize, bidPrice, bidSize }: Levels,
  history: LevelHistory,
  row: Float64Array,
  offset: number,
  timeNs: number,
  step: number,
): void {
  if (!history.seek(timeNs)) {
    writeNulls(row, offset, 4 * levelsCount);
    return;
  }
  const perSecond = 1e9 / step;
  for (let level = 0; level < levelsCount; level++) {
    const at = 4 * level;
    row[offset + at] = ((askPrice[level] as number) - history.at(at)) * perSecond;
    row[offset + at + 1] = ((bidPrice[level] as number) - history.at(at + 2)) * perSecond;
    row[offset + at + 2] = (sizeOrNull(askSize[level] as number) - history.at(at + 1)) * perSecond;
    row[offset + at + 3] = (sizeOrNull(bidSize[level] as number) - history.at(at + 3)) * perSecond;
  }
}

/** All columns in their order, named after their set. */
function columnsOf({ letter, indicators, accelerations }: Variant): Column[] {
  const levels = Array.from({ length: levelsCount }, (_, level) => level + 1);
  const gaps = levels.slice(0, -1);
  const columns: Column[] = [];
  const add = (set: number, name: string, unit: string, formula: string): void =>
    void columns.push({ name: `${letter}${set}_${name}`, unit, formula });
  for (const i of levels) {
    add(1, `ask_price_${i}`, "ticks", `P^ask_${i}`);
    add(1, `ask_size_${i}`, "lots", `V^ask_${i}`);
    add(1, `bid_price_${i}`, "ticks", `P^bid_${i}`);
    add(1, `bid_size_${i}`, "lots", `V^bid_${i}`);
  }
  for (const i of levels) {
    add(2, `spread_${i}`, "ticks", `P^ask_${i} - P^bid_${i}`);
    add(2, `mid_${i}`, "ticks", `(P^ask_${i} + P^bid_${i}) / 2`);
  }
  add(3, "ask_range", "ticks", "P^ask_n - P^ask_1");
  add(3, "bid_range", "ticks", "P^bid_1 - P^bid_n");
  for (const i of gaps) add(3, `ask_gap_${i}`, "ticks", `|P^ask_${i + 1} - P^ask_${i}|`);
  for (const i of gaps) add(3, `bid_gap_${i}`, "ticks", `|P^bid_${i + 1} - P^bid_${i}|`);
  add(4, "ask_price_mean", "ticks", "mean of P^ask_i");
  add(4, "bid_price_mean", "ticks", "mean of P^bid_i");
  add(4, "ask_size_mean", "lots", "mean of V^ask_i");
  add(4, "bid_size_mean", "lots", "mean of V^bid_i");
  add(5, "price_difference", "ticks", "sum (P^ask_i - P^bid_i)");
  add(5, "size_difference", "lots", "sum (V^ask_i - V^bid_i)");
  for (const i of levels) {
    add(6, `ask_price_rate_${i}`, "ticks/s", `dP^ask_${i} / dt`);
    add(6, `bid_price_rate_${i}`, "ticks/s", `dP^bid_${i} / dt`);
    add(6, `ask_size_rate_${i}`, "lots/s", `dV^ask_${i} / dt`);
    add(6, `bid_size_rate_${i}`, "lots/s", `dV^bid_${i} / dt`);
  }
  for (const type of orderTypes) add(7, type, "1/s", `lambda(Delta t) of ${type}`);
  for (const type of indicators) add(8, type, "1", `1 if lambda(Delta t) > lambda(Delta T) of ${type}`);
  for (const type of accelerations) add(9, type, "1/s^2", `d lambda(Delta t) / dt of ${type}`);
  return columns;
}
