/** Verb: cancel one open order, whatever the state of its instrument. */
import type { OrderBody } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import { findOrder } from "./find-order.ts";
import { cancelResting } from "./resting.ts";
import { isRefusal, type Refusal, type Run } from "./run.ts";

export function cancelOrder(
  run: Run,
  account: Account,
  body: Extract<OrderBody, { kind: "cancel" }>,
): Refusal | undefined {
  const order = findOrder(run.state, account, body.order);
  if (isRefusal(order)) return order;
  cancelResting(run, order, "user-request");
  return undefined;
}
