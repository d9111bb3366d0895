/** The table of commands: which verb carries out which body. Everything a verb needs beyond the account is in the body. */
import { unreachable } from "@stoa/base/assert";
import type { Command } from "@stoa/protocol/command";
import type { Account } from "./account.ts";
import { applyOrderBody, batch } from "./batch.ts";
import { configureAccount } from "./configure-account.ts";
import { faucet } from "./faucet.ts";
import { authorizeKey, revokeKey } from "./keys.ts";
import { massQuote } from "./mass-quote.ts";
import type { Refusal, Run } from "./run.ts";
import { transfer } from "./transfer.ts";
import { withdraw } from "./withdraw.ts";

/** Carries out an admitted command of an account; price messages have a door of their own (`prices.ts`). */
export function applyCommand(run: Run, account: Account, { body }: Command): Refusal | undefined {
  switch (body.kind) {
    case "place":
    case "edit":
    case "cancel":
    case "cancelAll":
      return applyOrderBody(run, account, body);
    case "batch":
      return batch(run, account, body);
    case "massQuote":
      return massQuote(run, account, body);
    case "transfer":
      return transfer(run, account, body);
    case "withdraw":
      return withdraw(run, account, body);
    case "authorizeKey":
      return authorizeKey(run, account, body);
    case "revokeKey":
      return revokeKey(run, account, body);
    case "configureAccount":
      return configureAccount(run, account, body);
    case "faucet":
      return faucet(run, account, body);
    case "prices":
      return { reason: "validator-unknown" };
    default:
      return unreachable(body);
  }
}
