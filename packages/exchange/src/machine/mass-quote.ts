/**
 * Verb: many two-sided quotes under one signature. A side of a quote is an order that is known by instrument, side and quote
 * set: a new quote of the same name changes the standing order, which keeps its id, and its place if it only gets smaller. The
 * size of a quote is what is to be open, whatever was filled before. A refused side leaves the standing quote as it was.
 *
 * Sides that retreat (their standing order goes, or its price moves away from the other side) run before those that advance,
 * so that a maker who moves a whole ladder does not meet what is still to be moved. Parts are numbered 2 · entry for bids and
 * 2 · entry + 1 for asks, whenever they run.
 */
import type { MassQuoteBody, QuoteEntry, Side } from "@stoa/protocol/command";
import type { Ticks, Lots } from "@stoa/base/units";
import { quoteKey, type Account } from "./account.ts";
import { changeOrder } from "./edit-order.ts";
import { enterOrder, entryRefusal, isOpenForTrading, newOrder, priceRefusal, sizeRefusal } from "./enter-order.ts";
import type { Order } from "./order.ts";
import { cancelResting } from "./resting.ts";
import { refuse, sayPositions, sayRefused, type Refusal, type Run } from "./run.ts";

interface QuoteSide {
  readonly priceTicks: Ticks;
  readonly sizeLots: Lots;
}

export function massQuote(run: Run, account: Account, body: MassQuoteBody): undefined {
  const sides = sidesOf(account, body);
  let ordersCount = 0;
  for (const one of [...sides.filter(({ retreats }) => retreats), ...sides.filter(({ retreats }) => !retreats)]) {
    run.part = one.part;
    const refusal = quoteOneSide(run, account, one);
    sayPositions(run);
    if (refusal === undefined) ordersCount++;
    else sayRefused(run, account.number, refusal);
  }
  run.part = 0;
  const command = run.command!;
  run.events.push({ kind: "quotes", command, account: account.number, quoteId: body.quoteId, ordersCount });
}

/** The sides that are given, in the order of the command. */
function sidesOf(account: Account, { entries, quoteId }: MassQuoteBody): readonly OneSide[] {
  const sides: OneSide[] = [];
  const named = new Set<string>();
  const add = (part: number, entry: QuoteEntry, side: Side, quote: QuoteSide | undefined): void => {
    if (quote === undefined) return;
    const key = quoteKey(entry.instrument, side, entry.quoteSet);
    // Of several quotes of one name the last must stand in the end: only the first of them may run early.
    const retreats = !named.has(key) && doesRetreat(account.quotes.get(key), quote);
    named.add(key);
    sides.push({ part, entry, side, quote, quoteId, retreats });
  };
  for (const [index, entry] of entries.entries()) {
    add(2 * index, entry, "buy", entry.bid);
    add(2 * index + 1, entry, "sell", entry.ask);
  }
  return sides;
}

function doesRetreat(standing: Order | undefined, quote: QuoteSide): boolean {
  if (standing === undefined) return false;
  if (quote.sizeLots === 0) return true;
  const { side, priceTicks } = standing;
  return side === "buy" ? quote.priceTicks <= priceTicks : priceTicks <= quote.priceTicks;
}

interface OneSide {
  readonly part: number;
  readonly entry: QuoteEntry;
  readonly side: Side;
  readonly quote: QuoteSide;
  readonly quoteId: string;
  readonly retreats: boolean;
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
