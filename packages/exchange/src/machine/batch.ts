/** Verb: several order commands under one signature, one after the other; each succeeds or is refused on its own. */
import type { CommandBody, OrderBody } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import { cancelAll } from "./cancel-all.ts";
import { cancelOrder } from "./cancel-order.ts";
import { editOrder } from "./edit-order.ts";
import { placeOrder } from "./place-order.ts";
import { sayAccepted, sayPositions, sayRefused, type Refusal, type Run } from "./run.ts";

/** Carries out one order command. */
export function applyOrderBody(run: Run, account: Account, body: OrderBody): Refusal | undefined {
  switch (body.kind) {
    case "place":
      return placeOrder(run, account, body);
    case "edit":
      return editOrder(run, account, body);
    case "cancel":
      return cancelOrder(run, account, body);
    case "cancelAll":
      return cancelAll(run, account, body);
  }
}

export function batch(run: Run, account: Account, body: Extract<CommandBody, { kind: "batch" }>): undefined {
  // Every command has an answer, even one that asks for nothing.
  if (body.parts.length === 0) sayAccepted(run, account.number);
  for (const [part, one] of body.parts.entries()) {
    run.part = part;
    const refusal = applyOrderBody(run, account, one);
    sayPositions(run);
    if (refusal !== undefined) sayRefused(run, account.number, refusal);
  }
}
