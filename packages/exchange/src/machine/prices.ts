/**
 * Verb: a validator's price message. It speaks for no account: the key that signed it must be a validator's own, and its
 * sequence number takes the place of a nonce.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Command, PricesBody } from "@stoa/protocol/command";
import { submitPrices } from "../market/prices.ts";
import { refuse, type Refusal, type Run } from "./run.ts";

export function prices(run: Run, command: Command, body: PricesBody): Refusal | undefined {
  const { genesis, market, timeMs } = run.state;
  const validator = genesis.validators.findIndex(({ key }) => equalBytes(key, command.key));
  if (validator < 0 || !equalBytes(command.account, command.key) || command.subaccount !== 0) {
    return refuse("validator-unknown");
  }
  const reason = submitPrices(market, validator, body, timeMs);
  return reason === undefined ? undefined : refuse(reason);
}
