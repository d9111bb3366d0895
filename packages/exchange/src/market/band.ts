/**
 * Price bands: the limit prices an instrument takes now. Futures and perpetuals: the mark, plus and minus the product's part
 * of it. Options: the mark, plus and minus that part of the underlying (inverse: of a coin), and at least one tick.
 */
import { assert } from "@stoa/base/assert";
import { ceilingDivide, ceilToTick, e8, floorDivide, floorToTick, ppm } from "../terms.ts";
import type { Listing } from "./state.ts";

export interface Band {
  readonly minTicks: number;
  readonly maxTicks: number;
}

interface Remembered {
  readonly markPrice: number;
  readonly indexPrice: number;
  readonly band: Band;
}

/** PERF: every order asks for the band, and the prices that it follows from move once per block at most. */
const remembered = new WeakMap<Listing, Remembered>();

/** The band of an instrument, in ticks, both ends legal prices. */
export function bandOf(listing: Listing): Band {
  const { markPrice, indexPrice } = listing;
  const last = remembered.get(listing);
  if (last !== undefined && last.markPrice === markPrice && last.indexPrice === indexPrice) return last.band;
  const band = computeBand(listing);
  remembered.set(listing, { markPrice, indexPrice, band });
  return band;
}

function computeBand(listing: Listing): Band {
  const { instrument, product, isOption } = listing.terms;
  const mark = BigInt(listing.markPrice);
  const reference = !isOption ? mark : instrument.inverse ? e8 : BigInt(listing.indexPrice);
  const width = reference * BigInt(product.bandPpm);
  const tick = BigInt(instrument.tick);
  const min = Number(ceilingDivide(mark * ppm - width, ppm * tick));
  const max = Number(floorDivide(mark * ppm + width, ppm * tick));
  const minTicks = ceilToTick(instrument, Math.max(1, min));
  const maxTicks = Math.max(minTicks, floorToTick(instrument, Math.max(1, max)));
  assert(0 < minTicks, "prices are positive");
  return { minTicks, maxTicks };
}
