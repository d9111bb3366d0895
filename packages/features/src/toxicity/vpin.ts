/**
 * Volume-synchronised probability of informed trading: how one-sided equal volumes were. Easley, Lopez de Prado and O'Hara, "Flow
 * Toxicity and Liquidity in a High-Frequency World", Review of Financial Studies 25(5), 2012. Andersen and Bondarenko ("VPIN and the
 * flash crash", Journal of Financial Markets 17, 2014) show how much of it is decided by the classification, so that is a parameter.
 */
import type { Feature } from "../graph/operator.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import { bulkBars, bulkParameters } from "../trades/bulk-volume.ts";
import { nameOfSigns, signParameters, tradeSigns, type TradeSignSettings } from "../trades/trade-sign.ts";
import { Ring } from "../window.ts";

export type VpinSettings = {
  /** Lots of a bucket; the paper takes a fiftieth of a day's volume. */
  readonly bucket: number;
  /** Buckets in the mean; 50 if absent. */
  readonly buckets?: number;
  /** `sign` (if absent): each trade's own side, by the rule for signs. `bulk`: by the change of the price from bar to bar. */
  readonly classification?: "sign" | "bulk";
  /** Of bulk classification: nanoseconds of a bar, and how many changes give the deviation. */
  readonly bar?: number;
  readonly changes?: number;
} & TradeSignSettings;

/**
 * `vpin`: mean over the last `buckets` full buckets of |bought - sold| / bucket. Trades (or bars) are split exactly at the edges of buckets;
 * lots of unknown side fill a bucket and are of neither side, and so do those of bars before the deviation is known. Null before `buckets`
 * are full, and again after a gap. Beside it the buckets filled since the beginning or the last gap, and the lots in the open one: together
 * they are the tape (for `bulk` the tape up to the last bar).
 */
export function vpin(settings: VpinSettings): Feature {
  const { bucket, buckets = 50, classification = "sign", bar = 60e9, changes = 50, ...signs } = settings;
  positiveInteger("vpin.bucket", bucket);
  positiveInteger("vpin.buckets", buckets);
  oneOf("vpin.classification", classification, ["sign", "bulk"]);
  const bulk = { bar, changes, ...(signs.hidden === undefined ? {} : { hidden: signs.hidden }) };
  const name = `vpin_${bucket}_${buckets}${classification === "bulk" ? "_bulk" : nameOfSigns(signs)}`;
  return {
    id: "vpin",
    version: 1,
    parameters: {
      bucket,
      buckets,
      classification,
      ...(classification === "bulk" ? bulkParameters("vpin", bulk) : signParameters("vpin", signs)),
    },
    columns: [
      { name, unit: "1", formula: "sum of |V^B - V^S| / (n V) over the last n buckets" },
      { name: `${name}_full`, unit: "buckets", formula: "buckets filled" },
      { name: `${name}_open`, unit: "lots", formula: "lots in the open bucket" },
    ],
    source: "Easley, Lopez de Prado and O'Hara, Review of Financial Studies 25(5), 2012",
    lookback: `${buckets} buckets of ${bucket} lots`,
    levels: 1,
    make(context) {
      const imbalances = new Ring(1, buckets + 1);
      const state = context.keep({ imbalances, filled: 0, net: 0, full: 0, sum: 0 });
      /** Lots of which `tilt` (from -1 to 1) is bought less sold. */
      const fill = (lots: number, tilt: number): void => {
        let rest = lots;
        let closed = false;
        while (state.filled + rest >= bucket) {
          const part = bucket - state.filled;
          close(Math.abs(state.net + tilt * part));
          rest -= part;
          closed = true;
          // Of a trade larger than all buckets together only the last ones are seen again.
          const unseen = Math.floor(rest / bucket) - buckets;
          if (unseen > 0) {
            rest -= unseen * bucket;
            state.full += unseen;
          }
        }
        state.filled += rest;
        state.net += tilt * rest;
        if (closed) state.sum = sumOf(imbalances);
      };
      const close = (imbalance: number): void => {
        imbalances.push(imbalance);
        if (imbalances.count > buckets) imbalances.shift();
        state.full++;
        state.filled = state.net = 0;
      };
      const common = {
        onGap() {
          imbalances.clear();
          state.filled = state.net = state.full = 0;
        },
        write(row: Float64Array, offset: number) {
          row[offset] = imbalances.count === buckets ? state.sum / (buckets * bucket) : NaN;
          row[offset + 1] = state.full;
          row[offset + 2] = state.filled;
        },
        isWarm: () => imbalances.count === buckets,
      };
      if (classification === "bulk") {
        context.use(bulkBars(bulk)).listen((volume, part) => fill(volume, part === part ? 2 * part - 1 : 0));
        return common;
      }
      const { trade } = context.use(tradeSigns(signs));
      return {
        ...common,
        onTrade({ size }) {
          if (trade.counts) fill(size, trade.sign);
        },
      };
    },
  };
}

function sumOf(numbers: Ring): number {
  let sum = 0;
  for (let age = 0; age < numbers.count; age++) sum += numbers.at(age);
  return sum;
}
