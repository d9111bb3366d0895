/**
 * Orders that rest: the one place where an order enters a book, changes in it or leaves it, and where everything that must
 * agree with the book is kept in step: the account's lists, the exposure that margin is computed from, deadlines, and the
 * levels that the block will say at its end.
 */
import { assert, present } from "@stoa/base/assert";
import type { CancelReason } from "@stoa/protocol/event";
import { adjustOpenOrders } from "../risk/exposure.ts";
import { openOrderValue } from "../terms.ts";
import { quoteKey, type Account } from "./account.ts";
import { notResting, openLots, type Order } from "./order.ts";
import { sayOrder, type Run } from "./run.ts";
import { accountOf, bookOf, bookSideOf, listingOf, type ExchangeState, type InstrumentBook } from "./state.ts";

/** Puts an order at the end of the queue of its price. */
export function rest(state: ExchangeState, order: Order): void {
  order.priority = state.counters.priority++;
  state.touched.counters = true;
  restWithPriority(state, order);
}

/** The same at the place its priority has; orders must come in order of priority. For snapshots, which keep places. */
export function restWithPriority(state: ExchangeState, order: Order): void {
  assert(order.handle === notResting && 0 < openLots(order), "an order rests once, with something open");
  const { book } = touchLevel(state, order);
  order.handle = book.add(bookSideOf(order.side), order.priceTicks, order.id, openLots(order));
  expose(state, order, 0, openLots(order));
  state.orders.add(order);
  state.touched.orders.add(order.id);
  if (order.goodTilMs !== undefined) state.deadlines.add(order);
  list(accountOf(state, order.account), order);
}

/** Takes an order out of the book and forgets it. */
export function unrest(state: ExchangeState, order: Order): void {
  const { book } = touchLevel(state, order);
  book.remove(order.handle);
  expose(state, order, openLots(order), 0);
  forget(state, order);
}

/** Takes an order out of the book and says that it is cancelled. */
export function cancelResting(run: Run, order: Order, reason: CancelReason): void {
  unrest(run.state, order);
  order.updatedMs = run.state.timeMs;
  sayOrder(run, order, "cancelled", reason);
}

/** Gives a resting order a smaller total size, above what is filled; it keeps its place. */
export function shrinkResting(state: ExchangeState, order: Order, sizeLots: number): void {
  const { book } = touchLevel(state, order);
  const before = openLots(order);
  order.sizeLots = sizeLots;
  book.reduce(order.handle, openLots(order));
  expose(state, order, before, openLots(order));
  state.touched.orders.add(order.id);
}

/** Fills the order at the front of its side; when nothing is left open it leaves the book. */
export function fillFront(state: ExchangeState, order: Order, lots: number): void {
  const { book } = touchLevel(state, order);
  assert(book.frontOrder(bookSideOf(order.side)) === order.id, "the order at the front is filled");
  const before = openLots(order);
  book.fillFront(bookSideOf(order.side), lots);
  order.filledLots += lots;
  expose(state, order, before, before - lots);
  if (openLots(order) === 0) forget(state, order);
  else state.touched.orders.add(order.id);
}

/** Lists a resting order again under flags that changed. */
export function relist(state: ExchangeState, order: Order, change: (order: Order) => void): void {
  const account = accountOf(state, order.account);
  unlist(account, order);
  change(order);
  list(account, order);
  state.touched.orders.add(order.id);
}

/** What `lots` of an order count for in its exposure: their value at the order's own price. */
export function orderValue(state: ExchangeState, order: Order, lots: number): bigint {
  return lots === 0 ? 0n : openOrderValue(listingOf(state, order.instrument).terms, order.side, lots, order.priceTicks);
}

function expose(state: ExchangeState, order: Order, before: number, after: number): void {
  const { terms, fundingAccruedE12 } = listingOf(state, order.instrument);
  adjustOpenOrders(state.risk, terms, {
    account: order.account,
    side: order.side,
    lots: after - before,
    // Values are differences of whole orders' values, so that what an order added it takes away again to the last unit.
    value: orderValue(state, order, after) - orderValue(state, order, before),
    fundingAccruedE12,
  });
}

function forget(state: ExchangeState, order: Order): void {
  order.handle = notResting;
  state.orders.delete(order.id);
  state.touched.orders.add(order.id);
  if (order.goodTilMs !== undefined) state.deadlines.remove(order);
  unlist(accountOf(state, order.account), order);
}

function list(account: Account, order: Order): void {
  account.orders.add(order);
  if (order.quoteSet !== undefined) {
    account.quotes.set(quoteKey(order.instrument, order.side, order.quoteSet), order);
  }
  if (!order.reduceOnly) return;
  const orders = account.reduceOnly.get(order.instrument);
  if (orders === undefined) account.reduceOnly.set(order.instrument, new Set([order]));
  else orders.add(order);
}

function unlist(account: Account, order: Order): void {
  account.orders.delete(order.id);
  if (order.quoteSet !== undefined) account.quotes.delete(quoteKey(order.instrument, order.side, order.quoteSet));
  if (!order.reduceOnly) return;
  const orders = present(account.reduceOnly.get(order.instrument), "a resting reduce-only order is listed");
  orders.delete(order);
  if (orders.size === 0) account.reduceOnly.delete(order.instrument);
}

/** Remembers what the order's level held before this block changed it. */
function touchLevel(state: ExchangeState, order: Order): InstrumentBook {
  const entry = bookOf(state, order.instrument);
  const side = bookSideOf(order.side);
  const before = entry.levelsTouched[side];
  if (!before.has(order.priceTicks)) before.set(order.priceTicks, entry.book.levelLots(side, order.priceTicks));
  state.touched.levels.add(order.instrument);
  return entry;
}
