/**
 * Which comes first after a row: a rise to the upper barrier, a fall to the lower one, or the end of the horizon. Lopez de Prado, Advances
 * in Financial Machine Learning, 2018, chapter 3.
 *
 * PERF: a change of the book costs two comparisons unless it reaches a barrier; then the open labels are looked through, once.
 */
import { exp, log } from "@stoa/base/exact";
import type { Table } from "../graph/operator.ts";
import { oneOf, positiveInteger, positiveNumber } from "../refusal.ts";
import { Ring } from "../window.ts";
import { keyColumns } from "./label.ts";

/** What barriers are multiples of: the volatility of one row's return, or basis points. */
export const barrierWidths = ["volatility", "bps"] as const;
/** What reaches them: the middle; or the ask for the upper and the bid for the lower one, so that one wide spread may reach both. */
export const barrierPrices = ["mid", "quotes"] as const;
/** What one change that reaches both counts as; `lower` is the cautious one for a buyer. */
export const tieRules = ["lower", "upper", "neither"] as const;
/** What the end of the horizon counts as: 0, or the sign of the return until then. */
export const verticalRules = ["zero", "sign"] as const;

export interface TripleBarrierSettings {
  /** Multiples of the width. */
  readonly up: number;
  readonly down: number;
  /** Nanoseconds. An event stamped just at the end comes too late. */
  readonly horizon: number;
  readonly width?: (typeof barrierWidths)[number];
  /** Rows of the exponential mean of squared returns, weight 2 / (span + 1) of the last (1 / n as long as that is more). Of `volatility` only. */
  readonly span?: number;
  readonly price?: (typeof barrierPrices)[number];
  readonly tie?: (typeof tieRules)[number];
  readonly vertical?: (typeof verticalRules)[number];
}

const columns = [
  ...keyColumns,
  { name: "class", unit: "1", formula: "1 upper, -1 lower, 0 neither; at the end 0 or the sign of the return" },
  {
    name: "barrier",
    unit: "1",
    formula: "1 upper, -1 lower, 2 both at once and neither counts, 0 the end of the horizon",
  },
  { name: "return", unit: "1", formula: "ln(m / m_t) when it is known" },
  { name: "upper", unit: "ticks", formula: "m_t e^{up width}" },
  { name: "lower", unit: "ticks", formula: "m_t e^{-down width}" },
];

/** Fields of an open label; `row` is -1 when it is closed. */
const [fieldRow, fieldEvent, fieldTime, fieldMid, fieldUpper, fieldLower] = [0, 1, 2, 3, 4, 5];

type Checked = Required<TripleBarrierSettings>;

function checked(settings: TripleBarrierSettings): Checked {
  const id = "triple_barrier_label";
  const width = oneOf(`${id}.width`, settings.width ?? "volatility", barrierWidths);
  return {
    up: positiveNumber(`${id}.up`, settings.up),
    down: positiveNumber(`${id}.down`, settings.down),
    horizon: positiveInteger(`${id}.horizon`, settings.horizon),
    width,
    span: width === "volatility" ? positiveNumber(`${id}.span`, settings.span ?? 100) : 0,
    price: oneOf(`${id}.price`, settings.price ?? "mid", barrierPrices),
    tie: oneOf(`${id}.tie`, settings.tie ?? "lower", tieRules),
    vertical: oneOf(`${id}.vertical`, settings.vertical ?? "zero", verticalRules),
  };
}

/** Null where the row had no usable book or no volatility yet, and where something was missed before the end. */
export function tripleBarrierLabel(settings: TripleBarrierSettings): Table {
  const parameters = checked(settings);
  const { up, down, horizon, width, span, price, tie, vertical } = parameters;
  return {
    id: "triple_barrier_label",
    version: 1,
    parameters: { ...parameters },
    columns,
    source: "Lopez de Prado, Advances in Financial Machine Learning, 2018, ch. 3",
    levels: 1,
    make(context) {
      const { market } = context;
      const values = new Float64Array(columns.length);
      const state = context.keep({
        open: new Ring(6),
        /** No open label has an upper barrier below, or a lower one above. */
        lowestUpper: Infinity,
        highestLower: -Infinity,
        mid: NaN,
        variance: 0,
        returnsCount: 0,
      });
      const { open } = state;
      const close = (age: number, barrier: number, nowNs: number): void => {
        const move = barrier === barrier ? log(market.mid / open.at(age, fieldMid)) : NaN;
        values[0] = open.at(age, fieldRow);
        values[1] = open.at(age, fieldEvent);
        values[2] = nowNs;
        values[3] = barrier === 2 ? 0 : barrier === 0 && vertical === "sign" ? Math.sign(move) : barrier;
        values[4] = barrier;
        values[5] = move;
        values[6] = open.at(age, fieldUpper);
        values[7] = open.at(age, fieldLower);
        open.set(age, fieldRow, -1);
        context.emit(open.at(age, fieldTime), values);
      };
      const dropClosed = (): void => {
        while (open.count > 0 && open.at(0, fieldRow) === -1) open.shift();
      };
      const alarm = context.alarm((nowNs) => {
        for (; open.count > 0 && open.at(0, fieldTime) + horizon <= nowNs; dropClosed()) {
          const hasBarriers = open.at(0, fieldUpper) === open.at(0, fieldUpper);
          close(0, hasBarriers && market.usable ? 0 : NaN, nowNs);
        }
        if (open.count > 0) alarm.set(open.at(0, fieldTime) + horizon);
      });
      const look = (high: number, low: number, nowNs: number): void => {
        state.lowestUpper = Infinity;
        state.highestLower = -Infinity;
        for (let age = 0; age < open.count; age++) {
          if (open.at(age, fieldRow) === -1) continue;
          const upper = open.at(age, fieldUpper);
          const lower = open.at(age, fieldLower);
          if (high >= upper) close(age, low > lower || tie === "upper" ? 1 : tie === "lower" ? -1 : 2, nowNs);
          else if (low <= lower) close(age, -1, nowNs);
          else {
            if (upper < state.lowestUpper) state.lowestUpper = upper;
            if (lower > state.highestLower) state.highestLower = lower;
          }
        }
        dropClosed();
      };
      const widthNow = (): number => {
        if (width === "bps") return 1e-4;
        const before = state.mid;
        state.mid = market.mid;
        const move = log(market.mid / before);
        if (move === move)
          state.variance += Math.max(2 / (span + 1), 1 / ++state.returnsCount) * (move * move - state.variance);
        return state.returnsCount > 0 ? Math.sqrt(state.variance) : NaN;
      };
      return {
        onBook(_, timeNs) {
          if (!market.usable) return;
          const high = price === "mid" ? market.mid : market.askPrice;
          const low = price === "mid" ? market.mid : market.bidPrice;
          if (high >= state.lowestUpper || low <= state.highestLower) look(high, low, timeNs);
        },
        onGap(_, timeNs) {
          for (let age = 0; age < open.count; age++) if (open.at(age, fieldRow) !== -1) close(age, NaN, timeNs);
          open.clear();
          alarm.set(Infinity);
          state.lowestUpper = Infinity;
          state.highestLower = -Infinity;
          state.mid = NaN;
        },
        onRow(row, index, timeNs) {
          const unit = widthNow();
          const { mid } = market;
          const upper = mid * exp(up * unit);
          const lower = mid * exp(-down * unit);
          if (open.count === 0) alarm.set(timeNs + horizon);
          open.push(index, row[0], timeNs, mid);
          open.set(open.count - 1, fieldUpper, upper);
          open.set(open.count - 1, fieldLower, lower);
          if (upper < state.lowestUpper) state.lowestUpper = upper;
          if (lower > state.highestLower) state.highestLower = lower;
        },
      };
    },
  };
}
