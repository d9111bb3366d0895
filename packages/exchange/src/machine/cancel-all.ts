/** Verb: cancel all open orders of an account that match every given filter, whatever the state of their instruments. */
import type { OrderBody } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import type { Order } from "./order.ts";
import { cancelResting } from "./resting.ts";
import { sayAccepted, type Run } from "./run.ts";
import { listingOf, type ExchangeState } from "./state.ts";

type CancelAllFields = Extract<OrderBody, { kind: "cancelAll" }>;

/** Cancels in order of id; the answer says how many. Never refused: nothing to cancel is zero. */
export function cancelAll(run: Run, account: Account, body: CancelAllFields): undefined {
  const candidates = body.orders.length === 0 ? account.orders.inOrder() : listed(account, body.orders);
  const orders = candidates.filter((order) => matches(run.state, order, body));
  orders.sort((left, right) => left.id - right.id);
  for (const order of orders) cancelResting(run, order, "user-request");
  sayAccepted(run, account.number, orders.length);
}

function listed(account: Account, ids: readonly number[]): Order[] {
  const orders: Order[] = [];
  for (const id of new Set(ids)) {
    const order = account.orders.get(id);
    if (order !== undefined) orders.push(order);
  }
  return orders;
}

function matches(state: ExchangeState, order: Order, filter: CancelAllFields): boolean {
  const { instrument } = listingOf(state, order.instrument).terms;
  const { currency, instrumentKind, type, label, quoteSet } = filter;
  if (filter.instrument !== undefined && filter.instrument !== order.instrument) return false;
  if (currency !== undefined && currency !== instrument.settlement && currency !== instrument.base) return false;
  if (instrumentKind !== undefined && instrumentKind !== instrument.kind) return false;
  if (type !== undefined && (type === "quote") !== (order.quoteSet !== undefined)) return false;
  if (label !== undefined && label !== order.label) return false;
  return quoteSet === undefined || quoteSet === order.quoteSet;
}
