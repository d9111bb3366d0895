/** Verb: ask for money to be paid out. The amount leaves the ledger now, finally; a settlement layer pays it out later. */
import type { CommandBody } from "@stoa/protocol/command";
import { balanceOf } from "../ledger/post.ts";
import { systemAccounts } from "../ledger/state.ts";
import type { Account } from "./account.ts";
import { availableToLeave } from "./available.ts";
import { isInLiquidation } from "./enter-order.ts";
import { moveMoney, refuse, type Refusal, type Run } from "./run.ts";

export function withdraw(
  run: Run,
  account: Account,
  { asset, amount, address }: Extract<CommandBody, { kind: "withdraw" }>,
): Refusal | undefined {
  const { state } = run;
  if (isInLiquidation(state, account.number, asset)) return refuse("account-in-liquidation");
  if (state.genesis.assets[asset] === undefined) return refuse("asset-unknown");
  if (availableToLeave(state, account.number, asset) < amount) return refuse("balance-insufficient");
  // A loss that nobody has covered yet is everyone's: until winners have paid it, nothing leaves in this asset.
  if (balanceOf(state.ledger, systemAccounts.deficit, asset) < 0n) return refuse("balance-insufficient");
  if (address.trim() === "") return refuse("address-invalid");
  const withdrawal = state.counters.withdrawal++;
  state.touched.counters = true;
  const target = systemAccounts.external;
  moveMoney(run, asset, { source: account.number, target, amount, cause: "withdrawal" });
  run.events.push({ kind: "withdrawalRequested", withdrawal, account: account.number, asset, amount, address });
  return undefined;
}
