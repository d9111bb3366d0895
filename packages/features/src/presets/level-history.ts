/** Prices and sizes of the first levels as they were some time ago, for rates of change. */
import type { Feature, Operator } from "../graph/operator.ts";
import type { Levels } from "../market.ts";
import { Ring } from "../window.ts";

export interface LevelHistory extends Operator {
  /** Brings up what was at `timeNs` less the age; false if the book was not known then. Times that are asked for do not run backwards. */
  seek(timeNs: number): boolean;
  /** What was brought up: `field` is 4 x level + 0 to 3 for price and size of the ask, price and size of the bid. Missing levels are NaN. */
  at(field: number): number;
  /** Since when the book is known without a break; NaN while it is not. */
  sinceNs(): number;
}

/** The first `levels` levels as of `age` nanoseconds ago. Not a column. A book that is not usable breaks the history. PERF: O(levels) per change of them. */
export function levelHistory({
  levels,
  age,
}: {
  readonly levels: number;
  readonly age: number;
}): Feature<LevelHistory> {
  return {
    id: "level_history",
    version: 1,
    parameters: { levels, age },
    columns: [],
    levels,
    make(context) {
      const entries = new Ring(1 + 4 * levels);
      const state = context.keep({ entries, sinceNs: NaN });
      const forget = (untilNs: number): void => {
        while (entries.count > 1 && entries.at(1) <= untilNs) entries.shift();
      };
      return {
        onBook(market, timeNs) {
          if (!market.usable) {
            entries.clear();
            state.sinceNs = NaN;
            return;
          }
          if (market.touchedDepth >= levels && entries.count > 0) return;
          if (!(state.sinceNs <= timeNs)) state.sinceNs = timeNs;
          forget(timeNs - age);
          if (entries.count === 0 || entries.at(entries.count - 1) < timeNs) entries.push(timeNs);
          remember(entries, market.levels, levels);
        },
        seek(timeNs) {
          forget(timeNs - age);
          return entries.count > 0 && entries.at(0) <= timeNs - age;
        },
        at: (field) => entries.at(0, 1 + field),
        sinceNs: () => state.sinceNs,
      };
    },
  };
}

/** Writes the levels into the newest entry. */
function remember(entries: Ring, { askPrice, askSize, bidPrice, bidSize }: Levels, levels: number): void {
  const newest = entries.count - 1;
  for (let level = 0; level < levels; level++) {
    const field = 1 + 4 * level;
    entries.set(newest, field, askPrice[level] as number);
    entries.set(newest, field + 1, sizeOrNull(askSize[level] as number));
    entries.set(newest, field + 2, bidPrice[level] as number);
    entries.set(newest, field + 3, sizeOrNull(bidSize[level] as number));
  }
}

/** A level that is not there has no size: null, not 0. */
export const sizeOrNull = (size: number): number => (size === 0 ? NaN : size);
