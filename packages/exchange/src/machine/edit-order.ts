/**
 * Verb: edit an order. An order that only gets smaller keeps its place in the queue; one whose price moves or whose size
 * grows enters again behind the others, under the same id, and may trade. A refused edit leaves the order as it was.
 */
import type { OrderBody } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import { enterOrder, entryRefusal, isOpenForTrading, priceRefusal, sizeRefusal } from "./enter-order.ts";
import { findOrder } from "./find-order.ts";
import { notResting, type Order } from "./order.ts";
import { reduceOnlySize } from "./reduce-only.ts";
import { relist, shrinkResting, unrest } from "./resting.ts";
import { isRefusal, refuse, sayOrder, type Refusal, type Run } from "./run.ts";

type EditFields = Extract<OrderBody, { kind: "edit" }>;

export function editOrder(run: Run, account: Account, body: EditFields): Refusal | undefined {
  const order = findOrder(run.state, account, body.order);
  if (isRefusal(order)) return order;
  return changeOrder(run, order, {
    priceTicks: body.priceTicks ?? order.priceTicks,
    sizeLots: body.sizeLots,
    postOnly: body.postOnly ?? order.postOnly,
    reduceOnly: body.reduceOnly ?? order.reduceOnly,
    quoteId: order.quoteId,
  });
}

/** What an open order is to become. */
export type OrderChange = Pick<Order, "priceTicks" | "sizeLots" | "postOnly" | "reduceOnly" | "quoteId">;

/** Changes an open order; also how a quote replaces the one before it. */
export function changeOrder(run: Run, order: Order, change: OrderChange): Refusal | undefined {
  const keepsPlace = change.priceTicks === order.priceTicks && change.sizeLots <= order.sizeLots;
  // What is not open for trading can still be reduced.
  if (!keepsPlace && !isOpenForTrading(run.state, order.instrument)) return refuse("instrument-not-open");
  const size = sizeRefusal(change.sizeLots, order.filledLots);
  if (size !== undefined) return size;
  return keepsPlace ? reduceInPlace(run, order, change) : enterAgain(run, order, change);
}

function reduceInPlace(run: Run, order: Order, change: OrderChange): Refusal | undefined {
  const { state } = run;
  const allowed = change.reduceOnly ? reduceOnlySize(state, order) : order.sizeLots;
  if (allowed === undefined) return refuse("reduce-only-would-increase");
  const sizeLots = Math.min(change.sizeLots, allowed);
  if (sizeLots < order.sizeLots) shrinkResting(state, order, sizeLots);
  relist(state, order, (changed) => {
    changed.postOnly = change.postOnly;
    changed.reduceOnly = change.reduceOnly;
    changed.quoteId = change.quoteId;
    changed.replaced = true;
    changed.updatedMs = state.timeMs;
  });
  sayOrder(run, order, "open");
  return undefined;
}

function enterAgain(run: Run, order: Order, change: OrderChange): Refusal | undefined {
  const { state } = run;
  const changed: Order = {
    ...order,
    ...change,
    replaced: true,
    updatedMs: state.timeMs,
    handle: notResting,
    deadlineIndex: -1,
  };
  const refusal = priceRefusal(state, changed) ?? entryRefusal(state, changed, order);
  if (refusal !== undefined) return refusal;
  unrest(state, order);
  enterOrder(run, changed);
  return undefined;
}
