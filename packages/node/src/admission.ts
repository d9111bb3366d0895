/**
 * Admission by the exchange's state: whether a command may speak for its account at all, judged before it takes a place in the
 * mempool. The words are those that the exchange has for it in a block, in its order. Advisory: what a block holds is judged by
 * `execute` alone, and this node may be behind. So a command is refused only for what no command that is waiting or ordered
 * would change; what such a command would allow is admitted in common with other strangers, to a small quota.
 *
 * Told by its caller of what waits, what is final and what is executed; holds no clock, no threads, no sockets.
 */
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import type { AdmissionRefusal } from "@stoa/protocol/door";
import { createAuthorityTable, unknownAuthority } from "./authority-table.ts";
import {
  accountNameOf,
  authorityNameOf,
  bodyTags,
  headOffsets,
  isByOwner,
  latin1,
  scopeOfTag,
} from "./command-head.ts";
import { createExpectations } from "./expectations.ts";

export interface AdmissionOptions {
  readonly validatorKeys: readonly PublicKey[];
  /** Whether a faucet command opens an account: on a devnet. */
  readonly hasFaucet: boolean;
}

/**
 * `account`: its account answers for it, and it counts against that account's quota. `common`: nobody answers for it yet; all such
 * commands share one quota. Any other word: it is refused.
 */
export type Judgement = "account" | "common" | Exclude<AdmissionRefusal, "none">;

/** What this node has executed: which authorities are new or changed, as rows of `authority-rows.ts`. */
export interface ExecutedAuthorities {
  readonly height: number;
  readonly timeMs: number;
  readonly rows: readonly Uint8Array[];
}

export interface Admission {
  /** `encoded` is long enough to be a command of this chain, and has not expired. */
  readonly judge: (encoded: Uint8Array, nowMs: number) => Judgement;
  /** A command waits in the mempool; it has left the mempool. */
  readonly arrived: (encoded: Uint8Array) => void;
  readonly left: (encoded: Uint8Array) => void;
  /** A block is final; told before its commands leave the mempool. */
  readonly ordered: (height: number, commands: readonly Uint8Array[]) => void;
  /** A block is executed; at the start, the whole state. */
  readonly executed: (executed: ExecutedAuthorities) => void;
  /** Accounts and session keys that are known. */
  readonly authoritiesCount: () => number;
}

/** With its newest executed block older than this, a node does not take what it does not know for what is not there. */
const stateAgeMsMax = 5_000;
/** By so much may a block come later than a command that it makes good: one that expires too far ahead by less is let in. */
const orderingMsMax = limits.viewTimeoutMsMax;

export function createAdmission({ validatorKeys, hasFaucet }: AdmissionOptions): Admission {
  const validators = new Set(validatorKeys.map((key) => latin1(key, 0, key.length)));
  const table = createAuthorityTable();
  const expectations = createExpectations();
  let timeMs = 0;

  const isBehind = (nowMs: number): boolean => timeMs + stateAgeMsMax < nowMs;

  const judgePrices = (encoded: Uint8Array): Judgement =>
    isByOwner(encoded) && validators.has(latin1(encoded, headOffsets.account, headOffsets.subaccount))
      ? "account"
      : "validator-unknown";

  /** A faucet command opens the account that signs it; other commands need one that will. */
  const judgeStranger = (encoded: Uint8Array, accountName: string, nowMs: number): Judgement => {
    if (encoded[headOffsets.tag] === bodyTags.faucet && isByOwner(encoded)) {
      if (limits.subaccountsCountMax <= subaccountOf(encoded)) return "subaccounts-too-many";
      return hasFaucet ? "common" : "faucet-disabled";
    }
    return expectations.has(accountName) || isBehind(nowMs) ? "common" : "account-unknown";
  };

  const sessionRefusal = (
    row: number,
    tag: number,
  ): "key-not-authorized" | "key-expired" | "scope-missing" | undefined => {
    if (row === unknownAuthority || table.scopes(row) === 0) return "key-not-authorized";
    if (table.expiresAtMs(row) < timeMs) return "key-expired";
    return (table.scopes(row) & scopeOfTag(tag)) === 0 ? "scope-missing" : undefined;
  };

  const nonceRefusal = (row: number, encoded: Uint8Array) =>
    table.nonceRefusal(row, word(encoded, headOffsets.nonce + 4), word(encoded, headOffsets.nonce));

  return {
    judge(encoded, nowMs) {
      const tag = encoded[headOffsets.tag]!;
      if (Math.max(nowMs, timeMs) + limits.commandLifetimeMsMax + orderingMsMax < expiresAtMsOf(encoded))
        return "expiry-too-far";
      if (tag === bodyTags.prices) return judgePrices(encoded);
      const accountName = accountNameOf(encoded);
      const account = table.account(accountName);
      if (account === unknownAuthority) return judgeStranger(encoded, accountName, nowMs);
      if (isByOwner(encoded)) return nonceRefusal(account, encoded) ?? "account";
      const name = authorityNameOf(encoded);
      const session = table.session(name);
      const refusal = sessionRefusal(session, tag) ?? nonceRefusal(session, encoded);
      if (refusal === undefined) return "account";
      return expectations.has(name) || (isBehind(nowMs) && !refusal.startsWith("nonce-")) ? "common" : refusal;
    },
    arrived: expectations.arrived,
    left: expectations.left,
    ordered: expectations.ordered,
    executed({ height, timeMs: executedMs, rows }) {
      timeMs = executedMs;
      rows.forEach(table.put);
      expectations.executed(height);
    },
    authoritiesCount: table.count,
  };
}

const word = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;

const expiresAtMsOf = (encoded: Uint8Array): number =>
  word(encoded, headOffsets.expiresAtMs) + 2 ** 32 * word(encoded, headOffsets.expiresAtMs + 4);

const subaccountOf = (encoded: Uint8Array): number =>
  encoded[headOffsets.subaccount]! + 256 * encoded[headOffsets.subaccount + 1]!;
