/** What methods that touch orders share: how an order is named, and how it is answered together with its trades. */
import type { OrderRecord } from "@stoa/protocol/event";
import type { Executed } from "../accounts/intake.ts";
import { tradeUpdateOf } from "../channels/update.ts";
import { ApiError, refusalError } from "../errors.ts";
import { findOrder } from "../history/query.ts";
import type { AccountCaller } from "../method.ts";
import { numberInId, renderOrder } from "../render/order.ts";
import { fillFactsOfEvent, renderUserTrade } from "../render/trade.ts";
import type { Services } from "../services.ts";
import { trackOrders } from "../transport/disconnect.ts";
import { accountOf } from "./shared.ts";

/** What every method needs and costs that sends a command about orders. */
export const matching = { scope: "trade", cost: "matching" } as const;

/** The two words of clients as the exchange's one. */
export const postOnlyOf = (postOnly: boolean, reject: boolean) => (!postOnly ? "off" : reject ? "reject" : "reprice");

/** The states of an account's orders that a command caused, in order. */
export const ownOrders = (executed: Executed, account: number): readonly OrderRecord[] =>
  executed.events.flatMap((event) => (event.kind === "order" && event.order.account === account ? [event.order] : []));

/** `{order, trades}` of one order; a new order is the one with the highest id that the command touched. */
export function orderAnswer(services: Services, caller: AccountCaller, executed: Executed, id?: number) {
  const account = accountOf(services, caller);
  const orders = ownOrders(executed, account);
  const wanted = id ?? orders.reduce((highest, order) => Math.max(highest, order.order), 0);
  const order = orders.findLast((one) => one.order === wanted);
  if (order === undefined) throw new ApiError("internal_server_error", { reason: "the order has no final state" });
  if (order.state === "open") trackOrders(services, caller.connection, caller.grant.principal, [order.order]);
  return {
    order: renderOrder(services.catalog, order, services.disconnected),
    trades: tradesOfOrders(services, executed, new Map([[order.order, order]])),
  };
}

/** The trades of a command in which some orders took part, each from the side of its order. */
export function tradesOfOrders(services: Services, executed: Executed, orders: ReadonlyMap<number, OrderRecord>) {
  return executed.events.flatMap((event) => {
    if (event.kind !== "trade") return [];
    const { listing, facts } = tradeUpdateOf(services, event);
    return (["maker", "taker"] as const).flatMap((role) => {
      const order = orders.get(event[role].order);
      if (order === undefined || order.account !== event[role].account) return [];
      return [renderUserTrade(listing, facts, fillFactsOfEvent(event, role), order.state)];
    });
  });
}

/** The number in an order id, and the order as far as it is known here. */
export function orderNamed(
  services: Services,
  id: string,
): { readonly id: number; readonly order: OrderRecord | undefined } {
  const number = numberInId(id);
  if (number === undefined)
    throw new ApiError("order_not_found", {
      reason: "no such order: ids are digits, with a currency before them outside bitcoin",
      param: "order_id",
    });
  return { id: number, order: services.upstream.query.order(number) };
}

/** An order of the caller, open or ended; refuses ids that never were, and others' orders. */
export function knownOrderOf(services: Services, caller: AccountCaller, id: string): OrderRecord {
  const { id: number, order } = orderNamed(services, id);
  const known = order ?? findOrder(services.store, number);
  if (known === undefined) throw new ApiError("order_not_found", { reason: "no such order", param: "order_id" });
  if (known.account !== accountOf(services, caller)) throw refusalError("order-not-owned");
  return known;
}
