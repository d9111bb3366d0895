/**
 * An order enters: it is checked against the instrument, the book, the account's margin and limits, then meets what rests on
 * the other side, and what is left of it rests or is cancelled. New orders, edited orders that lose their place, quotes and
 * liquidations all come through here.
 *
 * The checks run in the documented order (`protocol/reason.ts`) and change nothing but the order itself, which is not yet
 * anyone's: a post-only order may get another price, a reduce-only order another size.
 */
import { present } from "@stoa/base/assert";
import { limits } from "@stoa/base/limits";
import type { OrderType, PostOnlyMode, Side, TimeInForce } from "@stoa/protocol/command";
import { balanceOf } from "../ledger/post.ts";
import { bandOf } from "../market/band.ts";
import { affords, type OpenOrderChange, type OrderEffect } from "../risk/evaluation.ts";
import { liquidationKey } from "../risk/exposure.ts";
import { isOnTick, nextTickAbove, nextTickBelow } from "../terms.ts";
import { accountOf, bookOf, bookSideOf, listingOf, oppositeOf, type ExchangeState } from "./state.ts";
import { fill } from "./fill.ts";
import { notResting, openLots, type Order } from "./order.ts";
import { crosses, isSelfMatch, reachOf, selfMatchStops, type Reach } from "./reach.ts";
import { reduceOnlySize } from "./reduce-only.ts";
import { cancelResting, orderValue, rest } from "./resting.ts";
import { refuse, sayOrder, type Refusal, type Run } from "./run.ts";

export interface NewOrder {
  readonly account: number;
  readonly instrument: number;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly postOnly?: PostOnlyMode;
  readonly reduceOnly?: boolean;
  readonly priceTicks: number;
  readonly sizeLots: number;
  readonly goodTilMs?: number | undefined;
  readonly label?: string;
  readonly quoteSet?: string;
  readonly quoteId?: string;
  readonly liquidation?: boolean;
}

/** An order that is nobody's yet; it gets its id when it is accepted. */
export function newOrder(run: Run, fields: NewOrder): Order {
  return {
    id: run.state.counters.order,
    account: fields.account,
    instrument: fields.instrument,
    side: fields.side,
    type: fields.type,
    timeInForce: fields.timeInForce,
    postOnly: fields.postOnly ?? "off",
    reduceOnly: fields.reduceOnly ?? false,
    priceTicks: fields.priceTicks,
    sizeLots: fields.sizeLots,
    filledLots: 0,
    filledTicksLots: 0n,
    feePaid: 0n,
    label: fields.label ?? "",
    quoteSet: fields.quoteSet,
    quoteId: fields.quoteId,
    liquidation: fields.liquidation ?? false,
    replaced: false,
    createdMs: run.state.timeMs,
    updatedMs: run.state.timeMs,
    goodTilMs: fields.goodTilMs,
    priority: 0,
    handle: notResting,
    deadlineIndex: -1,
  };
}

/** Whether what does not fill at once is cancelled. */
const isImmediate = (order: Order): boolean =>
  order.type === "market" || order.timeInForce === "immediate-or-cancel" || order.timeInForce === "fill-or-kill";

export const isOpenForTrading = (state: ExchangeState, instrument: number): boolean =>
  state.market.listings.get(instrument)?.state === "open";

/** A size a command may ask for. */
export function sizeRefusal(sizeLots: number, filledLots = 0): Refusal | undefined {
  if (sizeLots <= filledLots) return refuse("size-not-positive", filledLots);
  return limits.orderLotsMax < sizeLots ? refuse("size-too-large", limits.orderLotsMax) : undefined;
}

/** A limit price a command may ask for: positive, on the grid, and on its aggressive side inside the band. */
export function priceRefusal(state: ExchangeState, order: Order): Refusal | undefined {
  const { priceTicks, side } = order;
  const { instrument } = listingOf(state, order.instrument).terms;
  if (priceTicks <= 0) return refuse("price-not-positive");
  const representable = Math.floor(limits.priceE8Max / instrument.tick);
  if (representable < priceTicks) return refuse("price-above-band", representable);
  if (!isOnTick(instrument, priceTicks)) return refuse("price-not-on-tick");
  const band = bandOf(listingOf(state, order.instrument));
  if (side === "buy" && band.maxTicks < priceTicks) return refuse("price-above-band", band.maxTicks);
  return side === "sell" && priceTicks < band.minTicks ? refuse("price-below-band", band.minTicks) : undefined;
}

/**
 * Why an order with a legal price and size cannot enter, or `undefined` when it can. `replaced` is the resting order whose
 * place it takes, if any. May move the price of a post-only order and trim a reduce-only one.
 */
export function entryRefusal(state: ExchangeState, order: Order, replaced?: Order): Refusal | undefined {
  const refusal = postOnlyRefusal(state, order) ?? reduceOnlyRefusal(state, order);
  if (refusal !== undefined) return refusal;
  const best = bestOpposite(state, order);
  const reach = best !== undefined && crosses(order, best) ? reachOf(state, order) : noReach;
  return (
    liquidityRefusal(order, reach) ??
    roomRefusal(state, order, replaced) ??
    marginRefusal(state, order, reach, replaced) ??
    liquidationRefusal(state, order)
  );
}

/** Why matching ended: nothing crosses any more, an order of the owner stopped it, or it met as many others as one order may. */
export type MatchEnd = "done" | "self-match" | "orders-met-max";

/**
 * Lets an order in that {@link entryRefusal} allowed, under its id; says its trades and then how it stands. What is left of one
 * that met as many others as it may, and would meet more, is cancelled: it cannot rest at a price that crosses.
 */
export function enterOrder(run: Run, order: Order): MatchEnd {
  const { state } = run;
  if (order.id === state.counters.order) {
    state.counters.order++;
    state.touched.counters = true;
  }
  const end = match(run, order);
  if (openLots(order) === 0) sayOrder(run, order, "filled");
  else if (end !== "done") sayOrder(run, order, "cancelled", end);
  else if (isImmediate(order)) sayOrder(run, order, "cancelled", immediateReason(order));
  else {
    rest(state, order);
    sayOrder(run, order, "open");
  }
  return end;
}

const immediateReason = (order: Order) =>
  order.timeInForce === "fill-or-kill" ? ("fill-or-kill" as const) : ("immediate-or-cancel" as const);

/** Fills an order from the front of the other side while it crosses. */
function match(run: Run, taker: Order): MatchEnd {
  const { state } = run;
  const { book } = bookOf(state, taker.instrument);
  const side = bookSideOf(oppositeOf(taker.side));
  for (let metCount = 0; 0 < openLots(taker); metCount++) {
    const best = book.bestPrice(side);
    if (best === undefined || !crosses(taker, best)) return "done";
    if (metCount === limits.ordersMetCountMax) return "orders-met-max";
    const maker = present(state.orders.get(book.frontOrder(side)), "what is in a book is an open order");
    if (!isSelfMatch(state, taker, maker)) fill(run, taker, maker, Math.min(openLots(taker), openLots(maker)));
    else if (selfMatchStops(state, taker)) return "self-match";
    else cancelResting(run, maker, "self-match");
  }
  return "done";
}

function bestOpposite(state: ExchangeState, order: Order): number | undefined {
  return bookOf(state, order.instrument).book.bestPrice(bookSideOf(oppositeOf(order.side)));
}

function postOnlyRefusal(state: ExchangeState, order: Order): Refusal | undefined {
  if (order.postOnly === "off") return undefined;
  const best = bestOpposite(state, order);
  if (best === undefined || !crosses(order, best)) return undefined;
  if (order.postOnly === "reject") return refuse("post-only-would-cross", best);
  const { instrument } = listingOf(state, order.instrument).terms;
  const inside = order.side === "buy" ? nextTickBelow(instrument, best) : nextTickAbove(instrument, best);
  if (inside <= 0) return refuse("post-only-would-cross", best);
  order.priceTicks = inside;
  return undefined;
}

function reduceOnlyRefusal(state: ExchangeState, order: Order): Refusal | undefined {
  if (!order.reduceOnly) return undefined;
  const size = reduceOnlySize(state, order);
  if (size === undefined) return refuse("reduce-only-would-increase");
  order.sizeLots = size;
  return undefined;
}

function liquidityRefusal(order: Order, reach: Reach): Refusal | undefined {
  if (order.timeInForce === "fill-or-kill" && reach.lots < openLots(order)) {
    return refuse("fill-or-kill-not-filled", reach.lots);
  }
  if (0 < reach.lots) return undefined;
  if (reach.stoppedBySelf) return refuse("self-match");
  return order.type === "market" ? refuse("no-liquidity") : undefined;
}

const noReach: Reach = { lots: 0, value: 0n, meetsTooMany: false, stoppedBySelf: false };

function roomRefusal(state: ExchangeState, order: Order, replaced: Order | undefined): Refusal | undefined {
  if (replaced !== undefined || isImmediate(order)) return undefined;
  const countMax = limits.openOrdersPerAccountCountMax;
  if (countMax <= accountOf(state, order.account).orders.size) return refuse("orders-too-many", countMax);
  const { book } = bookOf(state, order.instrument);
  return limits.openOrdersPerBookCountMax <= book.ordersCount ? refuse("book-full") : undefined;
}

function liquidationRefusal(state: ExchangeState, order: Order): Refusal | undefined {
  const asset = listingOf(state, order.instrument).terms.instrument.settlement;
  return isInLiquidation(state, order.account, asset) ? refuse("account-in-liquidation") : undefined;
}

export const isInLiquidation = (state: ExchangeState, account: number, asset: number): boolean =>
  state.risk.liquidations.has(liquidationKey(account, asset));

/** What fills at once counts as the position that it leaves, at the prices at which it fills; the rest as an open order. */
function marginRefusal(
  state: ExchangeState,
  order: Order,
  reach: Reach,
  replaced: Order | undefined,
): Refusal | undefined {
  const { terms } = listingOf(state, order.instrument);
  const { side } = order;
  const resting = isImmediate(order) || reach.meetsTooMany ? 0 : openLots(order) - reach.lots;
  const openOrders: OpenOrderChange[] = [{ side, lots: resting, value: orderValue(state, order, resting) }];
  if (replaced !== undefined) {
    const open = openLots(replaced);
    openOrders.push({ side: replaced.side, lots: -open, value: -orderValue(state, replaced, open) });
  }
  const effect: OrderEffect = { fill: { side, lots: reach.lots, value: reach.value }, openOrders };
  const balance = balanceOf(state.ledger, order.account, terms.instrument.settlement);
  const holding = { account: order.account, balance };
  return affords(state.risk, state.market, terms, holding, effect) ? undefined : refuse("margin-insufficient");
}
