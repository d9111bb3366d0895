/** The open order that a command names, if it is its account's. Closed orders have left the state: only their ids remain known. */
import type { Account } from "./account.ts";
import type { Order } from "./order.ts";
import { refuse, type Refusal } from "./run.ts";
import type { ExchangeState } from "./state.ts";

export function findOrder(state: ExchangeState, account: Account, id: number): Order | Refusal {
  const order = state.orders.get(id);
  if (order === undefined) return refuse(0 < id && id < state.counters.order ? "order-not-open" : "order-unknown");
  return order.account === account.number ? order : refuse("order-not-owned");
}
