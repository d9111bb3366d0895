/**
 * Records of the state as their users think of them. Everything stays in integers: money in the smallest unit of its asset with the
 * asset beside it, prices in ticks and sizes in lots of the instrument, whose record says what these are. Pure.
 */
import { decode } from "@stoa/base/codec";
import type { PublicKey } from "@stoa/base/signature";
import { money, type Money } from "@stoa/base/units";
import type { Asset } from "@stoa/protocol/asset";
import type { PositionRecord } from "@stoa/protocol/event";
import type { Instrument } from "@stoa/protocol/instrument";
import {
  ledgerRecord,
  marketRecord,
  openOrderRecord,
  riskRecord,
  type OpenOrderRecord,
} from "@stoa/protocol/state-record";
import { disbelief, type Disbelief } from "./verify.ts";

/** Whose an account is. */
export interface Holder {
  readonly owner: PublicKey;
  readonly subaccount: number;
}

export interface Balance {
  readonly account: number;
  /** Absent: nobody has opened the account, so it holds nothing; and for the exchange's own accounts. */
  readonly holder: Holder | undefined;
  readonly asset: Asset;
  /** In the smallest unit, 10^-decimals of the asset: the cash of the ledger, without profit that is not settled yet. */
  readonly amount: Money;
  /** The same in whole units of the asset, as a decimal number: `1.50000000`. */
  readonly text: string;
}

/** An account's record in the ledger; one that nobody has opened holds nothing. */
export interface LedgerAccount {
  readonly account: number;
  readonly holder: Holder | undefined;
  /** By asset, in the order of genesis; none where nobody has opened the account. */
  readonly balances: readonly Money[];
}

export function ledgerAccountOf(account: number, record: Uint8Array | undefined): LedgerAccount | Disbelief {
  if (record === undefined) return { account, holder: undefined, balances: [] };
  const held = decode(ledgerRecord, record);
  return held?.account === account ? held : disbelief("the record is not the account's");
}

export function balanceOf({ account, holder, balances }: LedgerAccount, asset: Asset, index: number): Balance {
  const amount = balances[index] ?? money(0n);
  return { account, holder, asset, amount, text: decimalText(amount, asset.decimals) };
}

export function positionOf(record: Uint8Array | undefined): PositionRecord | undefined | Disbelief {
  if (record === undefined) return undefined;
  const held = decode(riskRecord, record);
  return held?.kind === "position" ? held.position : disbelief("the record is no position");
}

export function openOrderOf(record: Uint8Array | undefined): OpenOrderRecord | undefined | Disbelief {
  if (record === undefined) return undefined;
  return decode(openOrderRecord, record) ?? disbelief("the record is no open order");
}

export function instrumentOf(record: Uint8Array | undefined): Instrument | undefined | Disbelief {
  if (record === undefined) return undefined;
  const held = decode(marketRecord, record);
  return held?.kind === "listing" ? held.instrument : disbelief("the record is no listing");
}

/** A count of 10^-decimals as a decimal number with all its places. */
export function decimalText(amount: bigint, decimals: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const sign = amount < 0n ? "-" : "";
  return decimals === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-decimals)}`;
}
