/**
 * One fill: an incoming order meets the front of the book at the resting order's price. Both sides are booked with one
 * settlement value, so that what one gains the other loses; premiums of options and fees move at once, the profit of futures
 * and perpetuals stays in the positions until the daily settlement.
 */
import type { Lots, Money, PriceE8, Ticks } from "@stoa/base/units";
import type { EventOf } from "@stoa/protocol/event";
import { balanceOf } from "../ledger/post.ts";
import { isSystemAccount, systemAccounts } from "../ledger/state.ts";
import { tradeVolatilityPpm } from "../market/trade-volatility.ts";
import type { Listing } from "../market/state.ts";
import { evaluate } from "../risk/evaluation.ts";
import { cappedLiquidationFee } from "../risk/liquidation.ts";
import { applyFill, type FillResult } from "../risk/exposure.ts";
import { feeAtRate, feeOf, fillValue, priceOfTicks, type FeeRole } from "../terms.ts";
import { openLots, type Order } from "./order.ts";
import { trimReduceOnly } from "./reduce-only.ts";
import { fillFront } from "./resting.ts";
import { notePosition, postEntries, sayOrder, type Run } from "./run.ts";
import { accountOf, bookOf, listingOf } from "./state.ts";

interface BookedSide extends FillResult {
  readonly order: Order;
  readonly fee: bigint;
}

/** Fills `maker`, which stands at the front of its side, and `taker` by `lots`, and says all that follows from it. */
export function fill(run: Run, taker: Order, maker: Order, lots: number): void {
  const { state } = run;
  const listing = listingOf(state, maker.instrument);
  const value = fillValue(listing.terms, lots, maker.priceTicks);
  const trade = state.counters.trade++;
  state.touched.counters = true;
  fillFront(state, maker, lots);
  taker.filledLots += lots;
  const takerSide = bookSide(run, listing, { order: taker, role: "taker", lots, ticks: maker.priceTicks, value });
  const makerSide = bookSide(run, listing, { order: maker, role: "maker", lots, ticks: maker.priceTicks, value });
  run.events.push(
    tradeEvent(run, listing, { trade, lots, ticks: maker.priceTicks, taker: takerSide, maker: makerSide }),
  );
  payPremium(run, listing, trade, takerSide, makerSide);
  payFee(run, listing, trade, takerSide);
  payFee(run, listing, trade, makerSide);
  sayOrder(run, maker, openLots(maker) === 0 ? "filled" : "open");
  trimReduceOnly(run, taker.account, taker.instrument);
  trimReduceOnly(run, maker.account, maker.instrument);
}

interface OneSide {
  readonly order: Order;
  readonly role: FeeRole;
  readonly lots: number;
  readonly ticks: number;
  readonly value: bigint;
}

function bookSide(run: Run, listing: Listing, { order, role, lots, ticks, value }: OneSide): BookedSide {
  const { terms, fundingAccruedE12 } = listing;
  const { account, side } = order;
  const result = applyFill(run.state.risk, terms, { account, side, lots, value, fundingAccruedE12 });
  const fee = sideFee(run, listing, { order, role, lots, ticks, value }, result.balanceChange);
  order.filledTicksLots += BigInt(ticks) * BigInt(lots);
  order.feePaid += fee;
  order.updatedMs = run.state.timeMs;
  notePosition(run, account, order.instrument);
  return { ...result, order, fee };
}

/**
 * The exchange pays no fees to itself; a liquidation pays its own rate, at most what the account has left after the fill,
 * whose premium (`balanceChange`) is not yet in the balance.
 */
function sideFee(
  run: Run,
  { terms, indexPrice }: Listing,
  { order, role, lots, ticks }: OneSide,
  balanceChange: bigint,
): bigint {
  if (isSystemAccount(order.account)) return 0n;
  if (!order.liquidation) return feeOf(terms, { lots, ticks, indexPrice, role });
  const ratePpm = BigInt(run.state.genesis.liquidation.feePpm);
  const price = priceOfTicks(terms, ticks);
  const fee = feeAtRate(terms, { lots, price, indexPrice, ratePpm, capPpm: BigInt(terms.product.feeCapPpm) });
  const asset = terms.instrument.settlement;
  const balance = balanceOf(run.state.ledger, order.account, asset) + balanceChange;
  const { equity } = evaluate(run.state.risk, run.state.market, { account: order.account, asset, balance });
  return cappedLiquidationFee(fee, equity);
}

function payPremium(run: Run, { terms }: Listing, trade: number, taker: BookedSide, maker: BookedSide): void {
  if (!terms.isOption) return;
  const entryOf = ({ order, balanceChange }: BookedSide) =>
    ({ account: order.account, change: balanceChange, cause: "option-premium" }) as const;
  const detail = { instrument: terms.instrument.id, trade };
  postEntries(run, terms.instrument.settlement, [entryOf(taker), entryOf(maker)], detail);
}

function payFee(run: Run, { terms }: Listing, trade: number, { order, fee }: BookedSide): void {
  if (fee === 0n) return;
  const account = accountOf(run.state, order.account);
  account.feesPaid[terms.instrument.settlement]! += fee;
  run.state.touched.accounts.add(account.number);
  const detail = { instrument: terms.instrument.id, trade, order: order.id };
  const cause = order.liquidation ? "liquidation-fee" : "trade-fee";
  const receiver = order.liquidation ? systemAccounts.insurance : systemAccounts.fees;
  const entries = [
    { account: order.account, change: -fee, cause },
    { account: receiver, change: fee, cause },
  ] as const;
  postEntries(run, terms.instrument.settlement, entries, detail);
}

function tradeEvent(
  run: Run,
  listing: Listing,
  fill: { trade: number; lots: number; ticks: number; taker: BookedSide; maker: BookedSide },
): EventOf<"trade"> {
  const { trade, lots, ticks, taker, maker } = fill;
  const book = bookOf(run.state, taker.order.instrument);
  book.lastTradeTicks = ticks;
  run.state.touched.books.add(book.instrument);
  return {
    kind: "trade",
    trade,
    sequence: ++book.tradesCount,
    command: run.command,
    part: run.part,
    instrument: book.instrument,
    priceTicks: ticks as Ticks,
    sizeLots: lots as Lots,
    takerSide: taker.order.side,
    taker: tradeSide(taker),
    maker: tradeSide(maker),
    indexPrice: listing.indexPrice as PriceE8,
    markPrice: listing.markPrice as PriceE8,
    impliedVolatilityPpm: tradeVolatilityPpm(run.state.market, listing, ticks),
  };
}

function tradeSide({ order, fee, realized }: BookedSide): EventOf<"trade">["taker"] {
  const { account, id, label, type, postOnly, reduceOnly, liquidation } = order;
  return {
    account,
    order: id,
    label,
    orderType: type,
    postOnly,
    reduceOnly,
    liquidation,
    fee: fee as Money,
    realized: realized as Money,
  };
}
