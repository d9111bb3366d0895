/** What lies within so many basis points of a price: read from the whole book, however many levels that is. */
import type { BookSide } from "../book/side.ts";
import type { Feature } from "../graph/operator.ts";
import { scaled, type Instrument } from "../instrument.ts";
import type { Market } from "../market.ts";
import { oneOf, positiveNumber } from "../refusal.ts";
import { writeNulls } from "./of-levels.ts";

export const bandReferences = ["mid", "best"] as const;
/** From where the band is measured: the mid, or the best of the own side (obAnalytics). */
export type BandReference = (typeof bandReferences)[number];

export const depthUnits = ["lots", "quote"] as const;
/** `lots`, or `quote`: price times size in the currency of quotation, with the instrument's multiplier. */
export type DepthUnit = (typeof depthUnits)[number];

/** Lots within the band, and lots times ticks: exact sums of integers. */
export interface Band {
  bidLots: number;
  askLots: number;
  bidValue: number;
  askValue: number;
}

export const emptyBand = (): Band => ({ bidLots: 0, askLots: 0, bidValue: 0, askValue: 0 });

/** Fills `band` with what lies within `bps` of the reference, both edges included. To be asked only while the book is whole. */
export function measureBand(market: Market, bps: number, reference: BandReference, band: Band): void {
  const { bids, asks } = market.book;
  const below = reference === "mid" ? market.mid : market.bidPrice;
  const above = reference === "mid" ? market.mid : market.askPrice;
  measureSide(bids, below * (1 - bps * 1e-4));
  band.bidLots = found.lots;
  band.bidValue = found.value;
  measureSide(asks, above * (1 + bps * 1e-4));
  band.askLots = found.lots;
  band.askValue = found.value;
}

const found = { lots: 0, value: 0 };

/** Adds up the levels of a side from the best to `limit`. */
function measureSide({ sign, count, price, size }: BookSide, limit: number): void {
  let lots = 0;
  let value = 0;
  for (let place = count - 1; place >= 0; place--) {
    const ticks = price[place] as number;
    if (sign * ticks < sign * limit) break;
    const here = size[place] as number;
    lots += here;
    value += here * ticks;
  }
  found.lots = lots;
  found.value = value;
}

/** What lots times ticks are in the currency of quotation. */
export const quoteValue = ({ tick, lot, multiplier }: Instrument, lotTicks: number): number =>
  scaled(tick, scaled(lot, lotTicks)) * multiplier;

const columnName = (settings: { side: string; bps: number; reference: BandReference; unit: DepthUnit }): string =>
  `depth_${settings.side}_${settings.bps}bps${settings.reference === "best" ? "_of_best" : ""}${settings.unit === "quote" ? "_quote" : ""}`;

/**
 * `depth_bps`: what rests on each side within `bps` basis points of `reference`: D^b = sum of q^b_j where p^b_j >= r (1 - bps / 10000),
 * D^a likewise. 0 where nothing does. PERF: O(levels in the band).
 */
export function depthWithin(settings: {
  readonly bps: number;
  readonly reference: BandReference;
  readonly unit: DepthUnit;
}): Feature {
  const { bps, reference, unit } = settings;
  positiveNumber("depth_bps.bps", bps);
  oneOf("depth_bps.reference", reference, bandReferences);
  oneOf("depth_bps.unit", unit, depthUnits);
  const from = reference === "mid" ? ["m", "m"] : ["b", "a"];
  const summand = unit === "lots" ? "q_j" : "p_j q_j";
  return {
    id: "depth_bps",
    version: 1,
    parameters: { bps, reference, unit },
    columns: [
      {
        name: columnName({ side: "bid", bps, reference, unit }),
        unit,
        formula: `D^b = sum ${summand} where p^b_j >= ${from[0]} (1 - x / 10000)`,
      },
      {
        name: columnName({ side: "ask", bps, reference, unit }),
        unit,
        formula: `D^a = sum ${summand} where p^a_j <= ${from[1]} (1 + x / 10000)`,
      },
    ],
    levels: 1,
    make({ market }) {
      const band = emptyBand();
      return {
        write(row, offset) {
          if (!market.isWhole) {
            writeNulls(row, offset, 2);
            return;
          }
          measureBand(market, bps, reference, band);
          const { instrument } = market;
          row[offset] = unit === "lots" ? band.bidLots : quoteValue(instrument, band.bidValue);
          row[offset + 1] = unit === "lots" ? band.askLots : quoteValue(instrument, band.askValue);
        },
      };
    },
  };
}
