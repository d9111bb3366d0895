/**
 * Verb: move money to another account. An owner's own sub-account is opened by its first credit; someone else's account must
 * exist, so that a mistyped key is refused and nobody can open accounts for others.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { money } from "@stoa/base/units";
import type { CommandBody } from "@stoa/protocol/command";
import { balanceOf, post } from "../ledger/post.ts";
import type { Account } from "./account.ts";
import { availableToLeave } from "./available.ts";
import { isInLiquidation } from "./enter-order.ts";
import { sayOpened } from "./open-account.ts";
import { refuse, type Refusal, type Run } from "./run.ts";
import { accountNumberOf, openAccount } from "./state.ts";

type TransferBody = Extract<CommandBody, { kind: "transfer" }>;

export function transfer(run: Run, account: Account, body: TransferBody): Refusal | undefined {
  const { state } = run;
  const { asset, amount } = body;
  if (isInLiquidation(state, account.number, asset)) return refuse("account-in-liquidation");
  if (state.genesis.assets[asset] === undefined) return refuse("asset-unknown");
  if (availableToLeave(state, account.number, asset) < amount) return refuse("balance-insufficient");
  const target = targetOf(run, account, body);
  if (typeof target !== "number") return target;
  const transferNumber = state.counters.transfer++;
  state.touched.counters = true;
  const source = account.number;
  post(state.ledger, asset, [
    { account: source, change: -amount, cause: "transfer-out" },
    { account: target, change: amount, cause: "transfer-in" },
  ]);
  for (const [one, change, cause, counterparty] of [
    [source, -amount, "transfer-out", target],
    [target, amount, "transfer-in", source],
  ] as const) {
    const balance = money(balanceOf(state.ledger, one, asset));
    const detail = { instrument: undefined, trade: undefined, order: undefined, counterparty };
    run.events.push({ kind: "balance", account: one, asset, change: money(change), balance, cause, ...detail });
  }
  run.events.push({ kind: "transferred", transfer: transferNumber, source, target, asset, amount });
  return undefined;
}

function targetOf(run: Run, account: Account, { target, targetSubaccount }: TransferBody): number | Refusal {
  const { state } = run;
  const number = accountNumberOf(state, toHex(target), targetSubaccount);
  if (number === account.number) return refuse("target-invalid");
  if (number !== undefined) return number;
  if (!equalBytes(target, account.owner)) return refuse("target-invalid");
  if (limits.subaccountsCountMax <= targetSubaccount) return refuse("subaccounts-too-many", limits.subaccountsCountMax);
  const opened = openAccount(state, target, targetSubaccount);
  sayOpened(run, opened);
  return opened.number;
}
