/**
 * How much is quoted in the options of a chain, by how far they are from the money: size at the best quotes, and the same times vega, by
 * bucket of absolute delta. Reads the best quotes only, not the book behind them.
 */
import type { Feature } from "../graph/operator.ts";
import { positiveInteger } from "../refusal.ts";
import { chainParameters, nameOfChain, optionChain, type ChainExpiry, type ChainOption } from "./chain.ts";
import { lotWorth } from "./flow.ts";
import type { TenorSettings } from "./smile.ts";

/** Lower bounds of the buckets of absolute delta in hundredths; each ends where the next begins, the last at 100. */
const bounds = [0, 10, 25, 40, 60] as const;
const names = bounds.map((from, bucket) => `${from}_${bounds[bucket + 1] ?? 100}`);

/**
 * `option_delta_depth`: of one expiry, by bucket [0, 10), [10, 25), [25, 40), [40, 60), [60, 100] of 100 |delta| and by side: sum over
 * its options of the size at the best quote, in units of the underlying, and that times vega, in currency per point of volatility. An
 * option counts if its book is usable and its delta is known; 0 where none does in a bucket, null without the expiry.
 */
export function deltaDepth(settings: TenorSettings): Feature {
  const { tenor } = settings;
  const chosen = chainParameters("option_delta_depth", settings);
  positiveInteger("option_delta_depth.tenor", tenor);
  const suffix = `${tenor}${nameOfChain(chosen)}`;
  const columns = names.flatMap((bucket) =>
    ["bid", "ask"].flatMap((side) => [
      {
        name: `option_depth_${bucket}_${side}_${suffix}`,
        unit: "underlying",
        formula: `sum of q_${side} over ${bucket.replace("_", " <= 100 |delta| < ")}`,
      },
      {
        name: `option_vega_depth_${bucket}_${side}_${suffix}`,
        unit: "currency per vol point",
        formula: `sum of q_${side} vega over ${bucket.replace("_", " <= 100 |delta| < ")}`,
      },
    ]),
  );
  return {
    id: "option_delta_depth",
    version: 1,
    parameters: { tenor, ...chosen },
    columns,
    levels: 1,
    scope: "all",
    make(context) {
      const chain = context.use(optionChain(chosen));
      const { options, values, expiries } = chain;
      return {
        write(row, offset, timeNs) {
          chain.refresh();
          const expiry = chain.expiryOf(tenor, timeNs);
          row.fill(expiry < 0 ? NaN : 0, offset, offset + columns.length);
          if (expiry < 0) return;
          const { first, end } = expiries[expiry] as ChainExpiry;
          for (let place = first; place < end; place++) {
            const { terms, instrument, market: index } = options[place] as ChainOption;
            const market = context.markets[index];
            const callDelta = values.callDelta[place] as number;
            if (market?.usable !== true || callDelta !== callDelta) continue;
            const at = offset + 4 * bucketOf(terms.type === "call" ? callDelta : 1 - callDelta);
            const lot = lotWorth(instrument);
            const vega = (values.vega[place] as number) / 100;
            row[at] = (row[at] as number) + market.bidSize * lot;
            row[at + 1] = (row[at + 1] as number) + market.bidSize * lot * vega;
            row[at + 2] = (row[at + 2] as number) + market.askSize * lot;
            row[at + 3] = (row[at + 3] as number) + market.askSize * lot * vega;
          }
        },
      };
    },
  };
}

function bucketOf(delta: number): number {
  let bucket = 0;
  while (bucket + 1 < bounds.length && 100 * delta >= (bounds[bucket + 1] as number)) bucket++;
  return bucket;
}
