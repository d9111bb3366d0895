/** A record of the state as plain JSON, for reports that people read: whole numbers as text, bytes in hexadecimal. */
import { toHex } from "@stoa/base/bytes";
import { decode, type Codec } from "@stoa/base/codec";
import { nonceRecord } from "@stoa/exchange/machine/account";
import { bookRecord, countersRecord } from "@stoa/exchange/machine/records";
import {
  accountRecord,
  ledgerRecord,
  marketRecord,
  openOrderRecord,
  recordKinds,
  riskRecord,
  type Module,
} from "@stoa/protocol/state-record";

/** `undefined` when the bytes are no record of that module. */
export function describeRecord(module: Module, key: Uint8Array, content: Uint8Array): unknown {
  const codec = codecOf(module, key[0]);
  return codec === undefined ? undefined : plain(decode(codec, content));
}

function codecOf(module: Module, kind: number | undefined): Codec<unknown> | undefined {
  switch (module) {
    case "ledger":
      return ledgerRecord as Codec<unknown>;
    case "accounts":
      if (kind === recordKinds.accounts.counters) return countersRecord as Codec<unknown>;
      return (kind === recordKinds.accounts.account ? accountRecord : nonceRecord) as Codec<unknown>;
    case "orders":
      return (kind === recordKinds.orders.order ? openOrderRecord : bookRecord) as Codec<unknown>;
    case "positions":
      return riskRecord as Codec<unknown>;
    case "market":
      return marketRecord as Codec<unknown>;
  }
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}
