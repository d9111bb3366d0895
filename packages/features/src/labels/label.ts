/**
 * What all labels have in common: they belong to rows, are known later, and stand in a table of their own. Its `time_ns` is the time of
 * the row; `row` its index (the key for a join) and `event` its first column; `label_time_ns` when the label was known: whoever trains a
 * model takes only labels whose `label_time_ns` is before whatever is predicted. Each row has one entry, in the order in which labels
 * become known; null where the book was not usable at one of its ends or something was missed in between. Rows at the end of the
 * data, whose future is not there, have none.
 */
import { Ring } from "../window.ts";
import type { TableContext, Column } from "../graph/operator.ts";
import { finiteNumber, FeatureRefusal, oneOf, positiveInteger } from "../refusal.ts";

export const keyColumns: readonly Column[] = [
  { name: "row", unit: "1", formula: "index of the row, from 0" },
  { name: "event", unit: "1", formula: "events until the row" },
  { name: "label_time_ns", unit: "ns", formula: "when the label is known, nanoseconds since the origin of the stream" },
];

/**
 * How far a horizon is: `rows` of the graph, `changes` of the book, `time` in nanoseconds, `volume` in lots. The middle at a horizon of
 * time or volume is the one before any event of that time, and before the trade that makes up the volume.
 */
export const horizonUnits = ["rows", "changes", "time", "volume"] as const;
export type HorizonUnit = (typeof horizonUnits)[number];

export interface HorizonSettings {
  readonly unit: HorizonUnit;
  readonly horizon: number;
}

export const checkedHorizon = (label: string, { unit, horizon }: HorizonSettings): HorizonSettings => ({
  unit: oneOf(`${label}.unit`, unit, horizonUnits),
  horizon: positiveInteger(`${label}.horizon`, horizon),
});

/** Columns of classes. `sign`: 1 up, 0 neither, -1 down. `up-1-down-3`: 1 up, 2 neither, 3 down (the page of FI-2010). `down-1-up-3`: the other way round (some notebooks on it). */
export const classCodes = ["sign", "up-1-down-3", "down-1-up-3"] as const;
export type ClassCodes = (typeof classCodes)[number];

/** `direction` is 1, 0, -1 or NaN. */
export const codeOf = (codes: ClassCodes, direction: number): number =>
  codes === "sign" ? direction : codes === "up-1-down-3" ? 2 - direction : 2 + direction;

/**
 * When a move counts as one: its magnitude is above `alpha` (`fixed`, a fraction of price), above `alpha` times the spread at the row over the
 * middle (`spread`), or above the `alpha`-quantile of the magnitudes of the last `memory` labels known before (`quantile`, between order
 * statistics linearly; null until there are so many).
 */
export const thresholds = ["fixed", "spread", "quantile"] as const;

export interface ClassSettings {
  readonly threshold?: (typeof thresholds)[number];
  readonly alpha: number;
  readonly memory?: number;
  readonly codes?: ClassCodes;
}

export function checkedClasses(label: string, settings: ClassSettings): Required<ClassSettings> {
  const threshold = oneOf(`${label}.threshold`, settings.threshold ?? "fixed", thresholds);
  const alpha = finiteNumber(`${label}.alpha`, settings.alpha);
  if (alpha < 0 || (threshold === "quantile" && alpha > 1)) {
    const wanted = threshold === "quantile" ? "a probability" : "a number from 0 on";
    throw new FeatureRefusal({ argument: `${label}.alpha`, value: alpha, wanted });
  }
  return {
    threshold,
    alpha,
    memory: threshold === "quantile" ? positiveInteger(`${label}.memory`, settings.memory ?? 1000) : 0,
    codes: oneOf(`${label}.codes`, settings.codes ?? "sign", classCodes),
  };
}

export const classColumns: readonly Column[] = [
  { name: "class", unit: "1", formula: "by sign of the label where its magnitude is above the threshold" },
  { name: "threshold", unit: "1", formula: "of the magnitude" },
];

/** Returns what writes `class` and `threshold` for a label into two columns. */
export function makeClassifier(
  context: TableContext,
  { threshold, alpha, memory, codes }: Required<ClassSettings>,
): (values: Float64Array, offset: number, label: number, relativeSpread: number) => void {
  const { past } = context.keep({ past: new Ring(1) });
  const sorted = new Float64Array(memory);
  const quantile = (): number => {
    if (past.count < memory) return NaN;
    for (let age = 0; age < memory; age++) sorted[age] = past.at(age);
    sorted.sort();
    const at = alpha * (memory - 1);
    const low = Math.floor(at);
    const below = sorted[low] as number;
    return below + (at - low) * ((sorted[Math.min(low + 1, memory - 1)] as number) - below);
  };
  return (values, offset, label, relativeSpread) => {
    const bound = threshold === "fixed" ? alpha : threshold === "spread" ? alpha * relativeSpread : quantile();
    const direction = label > bound ? 1 : label < -bound ? -1 : label - label + (bound - bound);
    values[offset] = codeOf(codes, direction);
    values[offset + 1] = bound;
    if (threshold !== "quantile" || label !== label) return;
    if (past.count === memory) past.shift();
    past.push(Math.abs(label));
  };
}

/** A row that waits for its label: fields of the ring below. */
const [fieldRow, fieldEvent, fieldTime, fieldBid, fieldAsk, fieldDue] = [0, 1, 2, 3, 4, 5];

export interface Waiting {
  readonly row: number;
  readonly event: number;
  readonly timeNs: number;
  /** Best prices at the row, NaN where the book was not usable. */
  readonly bid: number;
  readonly ask: number;
}

/** Keeps rows until their horizon and calls `label` then; the entry is reused. `isLost`: something was missed in between. */
export function awaitHorizon(
  context: TableContext,
  { unit, horizon }: HorizonSettings,
  label: (waiting: Waiting, nowNs: number, isLost: boolean) => void,
) {
  const { market } = context;
  const state = context.keep({ queue: new Ring(6), changes: 0, lots: 0 });
  const { queue } = state;
  const entry = { row: 0, event: 0, timeNs: 0, bid: 0, ask: 0 };
  const settle = (nowNs: number, isLost: boolean): void => {
    entry.row = queue.at(0, fieldRow);
    entry.event = queue.at(0, fieldEvent);
    entry.timeNs = queue.at(0, fieldTime);
    entry.bid = queue.at(0, fieldBid);
    entry.ask = queue.at(0, fieldAsk);
    queue.shift();
    label(entry, nowNs, isLost);
  };
  const settleUntil = (reached: number, nowNs: number): void => {
    while (queue.count > 0 && queue.at(0, fieldDue) <= reached) settle(nowNs, false);
  };
  const alarm = context.alarm((nowNs) => {
    settleUntil(nowNs, nowNs);
    if (queue.count > 0) alarm.set(queue.at(0, fieldDue));
  });
  const beginning = (index: number, timeNs: number): number =>
    unit === "rows" ? index : unit === "changes" ? state.changes : unit === "volume" ? state.lots : timeNs;
  return {
    ...(unit === "changes" && {
      onBook: (_: unknown, timeNs: number) => settleUntil(++state.changes, timeNs),
    }),
    ...(unit === "volume" && {
      onTrade(event: { readonly size: number; readonly timeNs: number }) {
        state.lots += event.size;
        settleUntil(state.lots, event.timeNs);
      },
    }),
    onGap(_: unknown, timeNs: number) {
      while (queue.count > 0) settle(timeNs, true);
      alarm.set(Infinity);
    },
    onRow(row: Float64Array, index: number, timeNs: number) {
      if (unit === "rows") settleUntil(index, timeNs);
      const due = beginning(index, timeNs) + horizon;
      if (unit === "time" && queue.count === 0) alarm.set(due);
      queue.push(index, row[0], timeNs, market.usable ? market.bidPrice : NaN);
      queue.set(queue.count - 1, fieldAsk, market.usable ? market.askPrice : NaN);
      queue.set(queue.count - 1, fieldDue, due);
    },
  };
}

/** Writes the key of a row. */
export function writeKey(values: Float64Array, { row, event }: Waiting, nowNs: number): void {
  values[0] = row;
  values[1] = event;
  values[2] = nowNs;
}
