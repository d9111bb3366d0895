/**
 * Admission by the exchange's state: whether a command may speak for its account at all, judged before it takes a place in the
 * mempool. The words are those that the exchange has for it in a block, in its order. What costs its sender a nonce there, such
 * as a life that is too long, passes here: the answer in a block is for ever, and this one is not.
 *
 * Advisory: what a block holds is judged by `execute` alone, and this node may be behind. So a command is refused only for what no
 * command that is waiting or ordered would change; what such a command would allow is admitted in common with other strangers,
 * to a small quota.
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
  scopeNeededBy,
  subaccountOf,
} from "./command-head.ts";
import { wordAt } from "./envelope.ts";
import { createExpectations, type OrderedCommands } from "./expectations.ts";

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
  /** A command is being checked or waits in the mempool; it has left the mempool. */
  readonly arrived: (encoded: Uint8Array) => void;
  readonly left: (encoded: Uint8Array) => void;
  /** A block is final; told before its commands leave the mempool. */
  readonly ordered: (height: number, commands: OrderedCommands) => void;
  /** A block is executed; at the start, the whole state. */
  readonly executed: (executed: ExecutedAuthorities) => void;
  /** Accounts and session keys that are known. */
  readonly authoritiesCount: () => number;
}

/** With its newest executed block older than this, a node does not take what it does not know for what is not there. */
const stateAgeMsMax = 5_000;

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

  /** Of an account that is not open. A faucet command opens the one that signs it; other commands need one that will. */
  const judgeStranger = (encoded: Uint8Array, nowMs: number): Judgement => {
    if (encoded[headOffsets.tag] === bodyTags.faucet && isByOwner(encoded)) {
      if (limits.subaccountsCountMax <= subaccountOf(encoded)) return "subaccounts-too-many";
      return hasFaucet ? "common" : "faucet-disabled";
    }
    return isBehind(nowMs) || expectations.has(accountNameOf, encoded) ? "common" : "account-unknown";
  };

  const keyRefusal = (
    row: number,
    encoded: Uint8Array,
  ): "key-not-authorized" | "key-expired" | "scope-missing" | undefined => {
    if (row === unknownAuthority) return "key-not-authorized";
    if (table.isOwn(row)) return undefined;
    if (table.scopes(row) === 0) return "key-not-authorized";
    if (table.expiresAtMs(row) < timeMs) return "key-expired";
    return (table.scopes(row) & scopeNeededBy(encoded)) === 0 ? "scope-missing" : undefined;
  };

  return {
    judge(encoded, nowMs) {
      if (encoded[headOffsets.tag] === bodyTags.prices) return judgePrices(encoded);
      const row = table.find(encoded, headOffsets.account);
      if (row === unknownAuthority && !table.hasAccount(encoded, headOffsets.account))
        return judgeStranger(encoded, nowMs);
      const ofKey = keyRefusal(row, encoded);
      const ofNonce =
        ofKey === undefined
          ? table.nonceRefusal(row, wordAt(encoded, headOffsets.nonce + 4), wordAt(encoded, headOffsets.nonce))
          : undefined;
      const refusal = ofKey ?? ofNonce;
      if (refusal === undefined) return "account";
      // A key that is authorised anew begins anew. That alone may be unknown to a node that is behind: used nonces stay used.
      const mayChange = expectations.has(authorityNameOf, encoded) || (ofKey !== undefined && isBehind(nowMs));
      return mayChange ? "common" : refusal;
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
