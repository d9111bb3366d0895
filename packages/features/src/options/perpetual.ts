/**
 * Perpetuals and dated futures against their index: basis, funding and the gap of the mark, from the values that the venue tells, and
 * what forced liquidations trade. About one instrument; relies on nothing of an option chain.
 */
import { EventFlag, ValueField } from "../event.ts";
import { coverage } from "../flow/coverage.ts";
import { TimedSums } from "../flow/exact-sums.ts";
import type { Feature } from "../graph/operator.ts";
import { scaled } from "../instrument.ts";
import { nameOfWindow } from "../naming.ts";
import { finiteNumber, oneOf, positiveInteger } from "../refusal.ts";
import { yearsUntil } from "./chain.ts";

/** What is compared with the index: the venue's mark price, or the mid of the book. */
export const basisPrices = ["mark", "mid"] as const;
export type BasisPrice = (typeof basisPrices)[number];

/**
 * `basis`: P / I - 1 in basis points, P the mark price or the mid and I the index price that was told last; and the same per year of
 * 365 days, (P / I - 1) / T, where T is the time to `expiry`, seconds since 1970 UTC. Null after it, and for a perpetual, which has
 * none (0, the rule).
 */
export function basis({
  price = "mark",
  expiry = 0,
}: { readonly price?: BasisPrice; readonly expiry?: number } = {}): Feature {
  oneOf("basis.price", price, basisPrices);
  finiteNumber("basis.expiry", expiry);
  return {
    id: "basis",
    version: 1,
    parameters: { price, expiry },
    columns: [
      { name: `basis_${price}`, unit: "bps", formula: "10^4 (P / I - 1)" },
      { name: `basis_${price}_annual`, unit: "1/year", formula: "(P / I - 1) / T" },
    ],
    levels: 1,
    make({ market, originNs }) {
      const expiryNs = expiry * 1e9 - Number(originNs);
      return {
        write(row, offset, timeNs) {
          const index = market.values[ValueField.indexPrice] as number;
          const mark = market.values[ValueField.markPrice] as number;
          const gap = (price === "mark" ? mark : scaled(market.instrument.tick, market.mid)) / index - 1;
          const years = yearsUntil(expiryNs, timeNs);
          const known = 0 < index;
          row[offset] = known ? 1e4 * gap : NaN;
          row[offset + 1] = known && expiry !== 0 && 0 < years ? gap / years : NaN;
        },
      };
    },
  };
}

/** `funding`: the funding that the venue told last, over eight hours, in basis points; and per year of 365 days, 1095 times the rate. */
export function funding(): Feature {
  return {
    id: "funding",
    version: 1,
    parameters: {},
    columns: [
      { name: "funding_8h", unit: "bps", formula: "10^4 f" },
      { name: "funding_annual", unit: "1/year", formula: "1095 f" },
    ],
    make({ market }) {
      return {
        write(row, offset) {
          const rate = market.values[ValueField.funding] as number;
          row[offset] = 1e4 * rate;
          row[offset + 1] = 1_095 * rate;
        },
      };
    },
  };
}

/**
 * `liquidation_flow`: lots bought less lots sold by forced liquidations (`EventFlag.liquidation`) in the last `window` nanoseconds, and
 * lots liquidated in all. The side is that of the aggressor, which is whom the venue liquidates; a trade without a side counts in the
 * second only. Hidden trades are left out.
 */
export function liquidationFlow({ window }: { readonly window: number }): Feature {
  positiveInteger("liquidation_flow.window", window);
  const name = nameOfWindow(window);
  return {
    id: "liquidation_flow",
    version: 1,
    parameters: { window },
    columns: [
      { name: `liquidation_flow_${name}`, unit: "lots", formula: "sum of s q of liquidations over the window" },
      { name: `liquidation_volume_${name}`, unit: "lots", formula: "sum of q of liquidations over the window" },
    ],
    lookback: name,
    make(context) {
      const seen = context.use(coverage);
      const { sums } = context.keep({ sums: new TimedSums(window) });
      return {
        onTrade({ flags, side, size, timeNs }) {
          if ((flags & EventFlag.liquidation) === 0 || (flags & EventFlag.hidden) !== 0) return;
          sums.push(timeNs, side * size, size);
          sums.expire(timeNs);
        },
        onGap: () => sums.clear(),
        write(row, offset, timeNs) {
          sums.expire(timeNs);
          row[offset] = sums.sum(0);
          row[offset + 1] = sums.sum(1);
        },
        isWarm: (timeNs) => seen.covers(timeNs, window),
      };
    },
  };
}
