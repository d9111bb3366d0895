/** What a market order of a given size would pay beyond the mid, walking the book as it stands. */
import type { BookSide } from "../book/side.ts";
import type { Feature } from "../graph/operator.ts";
import { positiveInteger } from "../refusal.ts";
import { writeNulls } from "./of-levels.ts";

/**
 * `cost`: volume-weighted price of taking `size` lots less the mid, in basis points of the mid: of buying, of selling, and of both (a
 * round trip, as in the XLM measure of Xetra). Null where the side does not hold so much. PERF: O(levels taken).
 */
export function cost({ size }: { readonly size: number }): Feature {
  positiveInteger("cost.size", size);
  return {
    id: "cost",
    version: 1,
    parameters: { size },
    columns: [
      { name: `cost_buy_${size}`, unit: "bps", formula: "10000 (VWAP_buy(Q) - m) / m" },
      { name: `cost_sell_${size}`, unit: "bps", formula: "10000 (m - VWAP_sell(Q)) / m" },
      { name: `cost_round_${size}`, unit: "bps", formula: "10000 (VWAP_buy(Q) - VWAP_sell(Q)) / m" },
    ],
    levels: 1,
    make({ market }) {
      const values = new Float64Array(2);
      return {
        write(row, offset) {
          const { levels, book } = market;
          const mid = ((levels.bidPrice[0] as number) + (levels.askPrice[0] as number)) / 2;
          if (!market.isWhole || !(mid > 0)) {
            writeNulls(row, offset, 3);
            return;
          }
          walk(book.asks, size, values, 0);
          walk(book.bids, size, values, 1);
          const bought = (values[0] as number) / size;
          const sold = (values[1] as number) / size;
          row[offset] = (10_000 * (bought - mid)) / mid;
          row[offset + 1] = (10_000 * (mid - sold)) / mid;
          row[offset + 2] = (10_000 * (bought - sold)) / mid;
        },
      };
    },
  };
}

/** Writes the lots times ticks of the first `lots` of a side; NaN if it holds fewer. */
function walk({ count, price, size }: BookSide, lots: number, values: Float64Array, at: number): void {
  let left = lots;
  let value = 0;
  values[at] = NaN;
  for (let place = count - 1; place >= 0; place--) {
    const here = size[place] as number;
    if (left <= here) {
      values[at] = value + left * (price[place] as number);
      return;
    }
    value += here * (price[place] as number);
    left -= here;
  }
}
