/**
 * The order of commands inside a block, so that a maker can always leave before it is hit within the same block: first
 * cancels, reductions and what has nothing to do with orders, then post-only orders and quotes, then everything that may
 * take. Inside a pass the block's order holds. A command runs in the later of its own pass and the pass of its account's
 * previous command, so that one account's commands keep their order.
 *
 * Only commands that may speak for an account move that account's later commands: otherwise anyone could hold up a maker's
 * cancels with forged or replayed commands in its name.
 */
import { toHex } from "@stoa/base/bytes";
import type { CommandBody, EditBody, OrderBody } from "@stoa/protocol/command";
import { accountKey, keyOnAccount } from "./account.ts";
import { admit, arrivalOf, type Arrival } from "./admission.ts";
import type { PreparedCommand } from "./block-input.ts";
import { openLots } from "./order.ts";
import type { ExchangeState } from "./state.ts";

export type Pass = 0 | 1 | 2;
const leaving: Pass = 0;
const making: Pass = 1;
const taking: Pass = 2;

/** The commands of a block, price messages aside, by the pass in which each runs. Reads the state, changes nothing. */
export function passesOf(state: ExchangeState, commands: readonly PreparedCommand[]): readonly Arrival[][] {
  const passes: Arrival[][] = [[], [], []];
  const reached = new Map<string, Pass>();
  const expected = new Set<string>();
  const seen = new Set<string>();
  for (const prepared of commands) {
    const body = prepared.command?.body;
    if (body?.kind === "prices" || isRepeated(seen, prepared)) continue;
    const arrival = arrivalOf(prepared);
    const admission = admit(state, arrival, expected);
    if ("reason" in admission || body === undefined) {
      passes[body === undefined ? leaving : passOf(state, body)]!.push(arrival);
      continue;
    }
    const name = accountKey(admission.ownerHex, admission.command.subaccount);
    const pass = Math.max(passOf(state, body), reached.get(name) ?? leaving) as Pass;
    reached.set(name, pass);
    if (body.kind === "authorizeKey" && admission.account !== undefined) {
      expected.add(keyOnAccount(admission.account.number, toHex(body.sessionKey)));
    }
    passes[pass]!.push(arrival);
  }
  return passes;
}

/** The same bytes twice in one block are one command: it has the answer that its first place gives it. */
function isRepeated(seen: Set<string>, { digest }: PreparedCommand): boolean {
  const countBefore = seen.size;
  return seen.add(toHex(digest)).size === countBefore;
}

function passOf(state: ExchangeState, body: CommandBody): Pass {
  switch (body.kind) {
    case "place":
    case "edit":
      return passOfPart(state, body);
    case "batch":
      return body.parts.reduce<Pass>((latest, part) => Math.max(latest, passOfPart(state, part)) as Pass, leaving);
    case "massQuote":
      return body.entries.some((entry) => entry.postOnly === "off") ? taking : making;
    default:
      return leaving;
  }
}

function passOfPart(state: ExchangeState, part: OrderBody): Pass {
  if (part.kind === "place") return part.postOnly === "off" ? taking : making;
  return part.kind === "edit" ? passOfEdit(state, part) : leaving;
}

/** An edit that only gives up size leaves; one that moves makes if it is post-only, and else may take. */
function passOfEdit(state: ExchangeState, edit: EditBody | Extract<OrderBody, { kind: "edit" }>): Pass {
  const order = state.orders.get(edit.order);
  const samePrice = edit.priceTicks === undefined || edit.priceTicks === order?.priceTicks;
  if (order !== undefined && samePrice && edit.sizeLots - order.filledLots <= openLots(order)) return leaving;
  return (edit.postOnly ?? order?.postOnly ?? "off") === "off" ? taking : making;
}
