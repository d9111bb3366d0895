/**
 * Volume-synchronised probability of informed trading: how one-sided equal volumes were. Easley, Lopez de Prado and O'Hara, "Flow
 * Toxicity and Liquidity in a High-Frequency World", Review of Financial Studies 25(5), 2012. Andersen and Bondarenko ("VPIN and the
 * flash crash", Journal of Financial Markets 17, 2014) show how much of it is decided by the classification, so that is a parameter.
 */
import type { Feature } from "../graph/operator.ts";
import { oneOf, positiveInteger } from "../refusal.ts";
import type { Saveable, StateReader, StateWriter } from "../state.ts";
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
      const volumes = new Buckets(bucket, buckets);
      context.keep({ volumes });
      const common = {
        onGap: () => volumes.clear(),
        write(row: Float64Array, offset: number) {
          row[offset] = volumes.isFull ? volumes.sum / (buckets * bucket) : NaN;
          row[offset + 1] = volumes.fullCount;
          row[offset + 2] = volumes.filled;
        },
        isWarm: () => volumes.isFull,
      };
      if (classification === "bulk") {
        context.use(bulkBars(bulk)).listen((volume, part) => volumes.fill(volume, part === part ? 2 * part - 1 : 0));
        return common;
      }
      const { trade } = context.use(tradeSigns(signs));
      return {
        ...common,
        onTrade({ size }) {
          if (trade.counts) volumes.fill(size, trade.sign);
        },
      };
    },
  };
}

/** Equal volumes in a row: the open one, and the imbalances of the last full ones. */
class Buckets implements Saveable {
  readonly #lots: number;
  readonly #count: number;
  readonly #imbalances: Ring;
  /** Lots in the open bucket, and bought less sold in it. */
  filled = 0;
  #net = 0;
  /** Buckets filled since the beginning or the last gap. */
  fullCount = 0;
  /** Of |bought - sold| over the last full buckets, added up in order. */
  sum = 0;

  constructor(lots: number, count: number) {
    this.#lots = lots;
    this.#count = count;
    this.#imbalances = new Ring(1, count + 1);
  }

  get isFull(): boolean {
    return this.#imbalances.count === this.#count;
  }

  /** Lots of which the part `tilt`, from -1 to 1, is bought less sold. PERF: at most `count` buckets, however many lots. */
  fill(lots: number, tilt: number): void {
    let rest = lots;
    let closed = false;
    while (this.filled + rest >= this.#lots) {
      const part = this.#lots - this.filled;
      this.#close(Math.abs(this.#net + tilt * part));
      rest -= part;
      closed = true;
      // Of a trade larger than all buckets together only the last ones are seen again.
      const unseen = Math.floor(rest / this.#lots) - this.#count;
      if (unseen > 0) {
        rest -= unseen * this.#lots;
        this.fullCount += unseen;
      }
    }
    this.filled += rest;
    this.#net += tilt * rest;
    if (closed) this.sum = sumOf(this.#imbalances);
  }

  clear(): void {
    this.#imbalances.clear();
    this.filled = this.#net = this.fullCount = this.sum = 0;
  }

  save(writer: StateWriter): void {
    this.#imbalances.save(writer);
    for (const value of [this.filled, this.#net, this.fullCount, this.sum]) writer.number(value);
  }

  load(reader: StateReader): void {
    this.#imbalances.load(reader);
    this.filled = reader.number();
    this.#net = reader.number();
    this.fullCount = reader.number();
    this.sum = reader.number();
  }

  #close(imbalance: number): void {
    this.#imbalances.push(imbalance);
    if (this.#imbalances.count > this.#count) this.#imbalances.shift();
    this.fullCount++;
    this.filled = this.#net = 0;
  }
}

function sumOf(numbers: Ring): number {
  let sum = 0;
  for (let age = 0; age < numbers.count; age++) sum += numbers.at(age);
  return sum;
}
