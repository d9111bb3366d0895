/**
 * Bars that close when trading is more one-sided than was to be expected: imbalance bars and run bars of trades, volume or value. Lopez
 * de Prado, Advances in Financial Machine Learning, 2018, chapters 2.3.2.1 to 2.3.2.4.
 *
 * Expectations are exponential means over the past, and they are clamped: left alone, a long bar makes the next threshold higher, which
 * makes the next bar longer, until no bar ever closes; and a balanced market makes the threshold zero, so that every trade is a bar.
 */
import type { Column, Table } from "../graph/operator.ts";
import { FeatureRefusal, finiteNumber, oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import {
  addLots,
  barColumns,
  checkedTape,
  closeBar,
  emptyBar,
  isOnTape,
  signOf,
  unknownSign,
  type TapeSettings,
} from "./bar.ts";
import { measureOf, measures, type Measure } from "./threshold-bars.ts";

export interface InformationBarSettings extends TapeSettings {
  /** What is summed up: signs of trades, signed lots, or signed value (ticks times lots). */
  readonly measure: Measure;
  /** E[T] before anything is known; the first bar closes after so many trades. */
  readonly expectedTrades: number;
  /** Exponential mean over the lengths of bars: weight 2 / (span + 1) of the last. */
  readonly barsSpan?: number;
  /** Exponential mean over trades: weight 2 / (span + 1) of the last, or 1 / n as long as that is more. */
  readonly tradesSpan?: number;
  /** E[T] stays within expectedTrades / clamp and expectedTrades x clamp. */
  readonly clamp?: number;
  /**
   * The expected imbalance of a trade is at least this share of its expected measure: 1 / sqrt(expectedTrades) if nothing is said, what a
   * balanced market shows by chance over so many trades. Of imbalance bars only.
   */
  readonly imbalanceMin?: number;
  readonly closing?: (typeof informationClosings)[number];
}

/** As in `bar.ts`; a trade is never split, since the threshold is one of signs. */
export const informationClosings = ["crossing-in", "crossing-next"] as const;

const columns: readonly Column[] = [
  ...barColumns,
  { name: "imbalance", unit: "measure", formula: "theta when the bar closed" },
  { name: "threshold", unit: "measure", formula: "what theta had to reach; null of the first bar" },
];

type Kind = "imbalance" | "run";

/**
 * Closes when |theta| >= E[T] max(|E[b w]|, imbalanceMin E[w]), theta = sum b w over the bar, w = 1, lots or ticks times lots, b the sign
 * of the trade. Expectations are those of the moment when the bar began.
 */
export const imbalanceBars = (settings: InformationBarSettings): Table => informationBars("imbalance", settings);

/**
 * Closes when theta = max(sum of w over buys, sum of w over sells) >= E[T] max(E[w 1{b=1}], E[w 1{b=-1}]). Expectations are those of the
 * moment when the bar began.
 */
export const runBars = (settings: InformationBarSettings): Table => informationBars("run", settings);

type Checked = Required<InformationBarSettings>;

function checked(id: string, settings: InformationBarSettings): Checked {
  const clamp = finiteNumber(`${id}.clamp`, settings.clamp ?? 2);
  const expectedTrades = positiveInteger(`${id}.expectedTrades`, settings.expectedTrades);
  if (clamp < 1) throw new FeatureRefusal({ argument: `${id}.clamp`, value: clamp, wanted: "a number from 1 on" });
  return {
    measure: oneOf(`${id}.measure`, settings.measure, measures),
    expectedTrades,
    barsSpan: positiveNumber(`${id}.barsSpan`, settings.barsSpan ?? 10),
    tradesSpan: positiveNumber(`${id}.tradesSpan`, settings.tradesSpan ?? 1000),
    clamp,
    imbalanceMin: positiveNumber(`${id}.imbalanceMin`, settings.imbalanceMin ?? 1 / Math.sqrt(expectedTrades)),
    closing: oneOf(`${id}.closing`, settings.closing ?? "crossing-in", informationClosings),
    ...checkedTape(id, settings),
  };
}

function informationBars(kind: Kind, settings: InformationBarSettings): Table {
  const id = `${kind}_bars`;
  const parameters = checked(id, settings);
  const { measure, sign, hidden, closing } = parameters;
  return {
    id,
    version: 1,
    parameters: { ...parameters },
    columns,
    source: "Lopez de Prado, Advances in Financial Machine Learning, 2018, ch. 2",
    make(context) {
      const bar = context.keep(emptyBar());
      const last = context.keep(unknownSign());
      const state = context.keep({ ...startOfExpectations, length: parameters.expectedTrades });
      const values = new Float64Array(columns.length);
      const close = (timeNs: number): void => {
        values[columns.length - 2] = theta(kind, state);
        values[columns.length - 1] = state.threshold;
        learnLength(state, bar.trades, parameters);
        state.threshold = thresholdOf(kind, state, parameters);
        state.buys = 0;
        state.sells = 0;
        closeBar(bar, values);
        context.emit(timeNs, values);
      };
      const isReached = (): boolean =>
        state.threshold === state.threshold
          ? Math.abs(theta(kind, state)) >= state.threshold
          : bar.trades >= parameters.expectedTrades;
      return {
        onTrade(event) {
          if (!isOnTape(event, hidden)) return;
          const b = signOf(last, sign, event);
          const weight = measureOf(measure, event.price, event.size);
          const { buys, sells } = state;
          if (b > 0) state.buys += weight;
          if (b < 0) state.sells += weight;
          if (closing === "crossing-next" && bar.begun && isReached()) {
            // The bar is what it was before this trade, which begins the next.
            state.buys = buys;
            state.sells = sells;
            close(event.timeNs);
            if (b > 0) state.buys = weight;
            if (b < 0) state.sells = weight;
          }
          addLots(bar, event, event.size, b);
          bar.trades++;
          learnTrade(state, b, weight, parameters);
          if (closing === "crossing-in" && isReached()) close(event.timeNs);
        },
        onGap: () => void (bar.gap = true),
      };
    },
  };
}

const startOfExpectations = {
  /** Sums of w over buys and over sells of the open bar. */
  buys: 0,
  sells: 0,
  threshold: NaN,
  /** E[T], and per trade E[w 1{b=1}], E[w 1{b=-1}], E[w]. */
  length: 0,
  buyMean: 0,
  sellMean: 0,
  mean: 0,
  tradesCount: 0,
};
type Expectations = typeof startOfExpectations;

const theta = (kind: Kind, { buys, sells }: Expectations): number =>
  kind === "imbalance" ? buys - sells : Math.max(buys, sells);

function learnTrade(state: Expectations, sign: number, weight: number, { tradesSpan }: Checked): void {
  const share = Math.max(2 / (tradesSpan + 1), 1 / ++state.tradesCount);
  state.buyMean += share * ((sign > 0 ? weight : 0) - state.buyMean);
  state.sellMean += share * ((sign < 0 ? weight : 0) - state.sellMean);
  state.mean += share * (weight - state.mean);
}

function learnLength(state: Expectations, trades: number, { barsSpan, clamp, expectedTrades }: Checked): void {
  const length = state.length + (2 / (barsSpan + 1)) * (trades - state.length);
  state.length = Math.min(Math.max(length, expectedTrades / clamp), expectedTrades * clamp);
}

function thresholdOf(kind: Kind, state: Expectations, { imbalanceMin }: Checked): number {
  const { length, buyMean, sellMean, mean } = state;
  return kind === "run"
    ? length * Math.max(buyMean, sellMean)
    : length * Math.max(Math.abs(buyMean - sellMean), imbalanceMin * mean);
}
