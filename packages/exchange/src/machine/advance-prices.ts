/**
 * Prices and time in a new block, after its price messages and before everything else. Where the block samples the books (at
 * most once a second), funding accrues over the interval since the last sample, at the rate set then and the mark that stands
 * now; then the market moves; then each perpetual has its next rate. While an instrument is locked nothing accrues, and no
 * interval counts for longer than prices may stand: funding of a time in which the chain stood still would be funding at a
 * price that nobody knew.
 */
import { money } from "@stoa/base/units";
import { advanceMarket, isSampleDue, type BestPricesOf } from "../market/advance.ts";
import { noteQuotation, type Listing } from "../market/state.ts";
import { accrueFunding, fundingRateE12 } from "../settlement/funding.ts";
import type { FundingState } from "../terms.ts";
import type { Run } from "./run.ts";

export function advancePrices(run: Run, bestPricesOf: BestPricesOf): void {
  const { market, timeMs } = run.state;
  const isSample = isSampleDue(market, timeMs);
  const durationMs = Math.min(timeMs - market.sampledMs, market.genesis.prices.staleMsMax);
  if (isSample) for (const listing of market.listings.values()) accrue(run, listing, durationMs);
  for (const event of advanceMarket(market, timeMs, bestPricesOf)) run.events.push(event);
  if (isSample) for (const listing of market.listings.values()) setRate(run, listing);
}

/** The rate that stood over the interval is accrued and said; what is locked has none. */
function accrue(run: Run, listing: Listing, durationMs: number): void {
  const { funding, terms, markPrice } = listing;
  if (funding === undefined || funding.rateE12 === 0) return;
  if (listing.state !== "open") return changeRate(run, funding, terms.instrument.id, 0);
  accrueFunding(funding, terms, { markPrice, timeMs: run.state.timeMs, durationMs });
  noteQuotation(run.state.market, listing);
  sayFunding(run, funding, terms.instrument.id);
}

function setRate(run: Run, listing: Listing): void {
  const { funding, markPrice, indexPrice, terms } = listing;
  if (funding === undefined || listing.state !== "open") return;
  const rateE12 = fundingRateE12(markPrice, indexPrice, terms.product.fundingCapPpm);
  if (rateE12 === funding.rateE12) return;
  // Nothing was said while the rate was zero: said now, so that the time since the last word counts at zero.
  if (funding.rateE12 === 0) sayFunding(run, funding, terms.instrument.id);
  changeRate(run, funding, terms.instrument.id, rateE12);
}

function changeRate(run: Run, funding: FundingState, instrument: number, rateE12: number): void {
  funding.rateE12 = rateE12;
  run.state.market.touched.add(`quote:${instrument}`);
}

/** Says the rate of the interval that ended, and what has accrued. */
function sayFunding(run: Run, { rateE12, accruedE12 }: FundingState, instrument: number): void {
  run.events.push({ kind: "funding", instrument, rateE12, accruedE12: money(accruedE12) });
}
