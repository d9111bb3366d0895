/**
 * Verb: many two-sided quotes under one signature. A side of a quote is an order that is known by instrument, side and quote
 * set: a new quote of the same name changes the standing order, which keeps its id, and its place if it only gets smaller. The
 * size of a quote is what is to be open, whatever was filled before. A refused side leaves the standing quote as it was.
 *
 * Parts are numbered 2 · entry for bids and 2 · entry + 1 for asks.
 */
import type { MassQuoteBody, QuoteEntry, Side } from "@stoa/protocol/command";
import type { Ticks, Lots } from "@stoa/base/units";
import { quoteKey, type Account } from "./account.ts";
import { changeOrder } from "./edit-order.ts";
import { enterOrder, entryRefusal, isOpenForTrading, newOrder, priceRefusal, sizeRefusal } from "./enter-order.ts";
import { cancelResting } from "./resting.ts";
import { refuse, sayPositions, sayRefused, type Refusal, type Run } from "./run.ts";

interface QuoteSide {
  readonly priceTicks: Ticks;
  readonly sizeLots: Lots;
}

export function massQuote(run: Run, account: Account, body: MassQuoteBody): undefined {
  let ordersCount = 0;
  for (const [index, entry] of body.entries.entries()) {
    const sides = [
      ["buy", entry.bid],
      ["sell", entry.ask],
    ] as const;
    for (const [offset, [side, quote]] of sides.entries()) {
      if (quote === undefined) continue;
      run.part = 2 * index + offset;
      const refusal = quoteOneSide(run, account, { entry, side, quote, quoteId: body.quoteId });
      sayPositions(run);
      if (refusal === undefined) ordersCount++;
      else sayRefused(run, account.number, refusal);
    }
  }
  run.part = 0;
  const command = run.command!;
  run.events.push({ kind: "quotes", command, account: account.number, quoteId: body.quoteId, ordersCount });
}

interface OneSide {
  readonly entry: QuoteEntry;
  readonly side: Side;
  readonly quote: QuoteSide;
  readonly quoteId: string;
}

function quoteOneSide(run: Run, account: Account, one: OneSide): Refusal | undefined {
  const { entry, side, quote, quoteId } = one;
  if (!run.state.market.listings.has(entry.instrument)) return refuse("instrument-unknown");
  const standing = account.quotes.get(quoteKey(entry.instrument, side, entry.quoteSet));
  if (quote.sizeLots === 0) {
    if (standing !== undefined) cancelResting(run, standing, "user-request");
    return undefined;
  }
  if (standing === undefined) return placeQuote(run, account, one);
  return changeOrder(run, standing, {
    priceTicks: quote.priceTicks,
    sizeLots: standing.filledLots + quote.sizeLots,
    postOnly: entry.postOnly,
    reduceOnly: false,
    quoteId,
  });
}

function placeQuote(run: Run, account: Account, { entry, side, quote, quoteId }: OneSide): Refusal | undefined {
  const { state } = run;
  if (!isOpenForTrading(state, entry.instrument)) return refuse("instrument-not-open");
  const order = newOrder(run, {
    account: account.number,
    instrument: entry.instrument,
    side,
    type: "limit",
    timeInForce: "good-til-cancelled",
    postOnly: entry.postOnly,
    priceTicks: quote.priceTicks,
    sizeLots: quote.sizeLots,
    quoteSet: entry.quoteSet,
    quoteId,
  });
  const refusal = sizeRefusal(order.sizeLots) ?? priceRefusal(state, order) ?? entryRefusal(state, order);
  if (refusal !== undefined) return refusal;
  enterOrder(run, order);
  return undefined;
}
