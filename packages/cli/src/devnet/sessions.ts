/**
 * The session keys that the gateway trades with, authorised on the chain by the account owners: signed with the owners' keys from
 * the data folder and submitted at the doors of all validators. The gateway, which executes every block itself, sees it done.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes, fromHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import { timeMs } from "@stoa/base/units";
import type { ApiKey } from "@stoa/gateway/accounts/api-key";
import { command, commandSignBytes, scopes, type UnsignedCommand } from "@stoa/protocol/command";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { ExchangeQuery } from "@stoa/protocol/view";
import { openDoor } from "../door-client.ts";
import { Failure } from "../failure.ts";
import { loadKey, parseSeed } from "../key-file.ts";
import { folderOf, loadApiKeys, type Address } from "./folder.ts";

const sessionLifetimeMs = 365 * 24 * 3600 * 1000;
const commandLifetimeMs = 60_000;

/** Has a door taken every API key's authorisation; that it was carried out is seen in the state (`areAuthorized`). */
export async function submitAuthorizations(
  dataDir: string,
  genesis: Genesis,
  doors: readonly Address[],
): Promise<void> {
  const opened = await Promise.allSettled(doors.map((address) => openDoor(address)));
  const open = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (open.length === 0) throw new Failure("no validator answers at its door: see the logs in the data folder's log/");
  try {
    const chainId = chainIdOf(genesis);
    for (const entry of loadApiKeys(dataDir)) {
      const command = signedAuthorization(dataDir, entry, chainId);
      const replies = await Promise.all(open.map((door) => door.ask({ kind: "submit", command }, "submitted")));
      if (replies.some(({ refusal }) => refusal === "none")) continue;
      throw new Failure(`no validator takes the authorisation of ${entry.name}'s session key: ${replies[0]!.refusal}`);
    }
  } finally {
    for (const door of open) door.close();
  }
}

/** Whether the exchange lets every API key's session key act for its account now. */
export function areAuthorized(query: ExchangeQuery, entries: readonly ApiKey[]): boolean {
  return entries.every((entry) => {
    const number = query.accountNumber(fromHex(entry.owner) as PublicKey, entry.subaccount);
    const account = number === undefined ? undefined : query.account(number);
    const sessionKey = activeEd25519.publicKey(parseSeed(entry.sessionSeed));
    return account?.keys.some(({ key, expiresAtMs }) => equalBytes(key, sessionKey) && query.timeMs() < expiresAtMs);
  });
}

function signedAuthorization(dataDir: string, entry: ApiKey, chainId: Digest): Uint8Array {
  const owner = loadKey(folderOf(dataDir).accountKey(entry.name));
  const nowMs = Date.now();
  const bits = entry.scopes.reduce((sum, name) => sum | scopes[name as keyof typeof scopes], 0);
  const key = activeEd25519.publicKey(owner);
  const unsigned: UnsignedCommand = {
    chainId,
    account: fromHex(entry.owner) as PublicKey,
    subaccount: entry.subaccount,
    key,
    nonce: BigInt(nowMs) * 1000n,
    expiresAtMs: timeMs(nowMs + commandLifetimeMs),
    body: {
      kind: "authorizeKey",
      sessionKey: activeEd25519.publicKey(parseSeed(entry.sessionSeed)),
      scopes: bits,
      expiresAtMs: timeMs(nowMs + sessionLifetimeMs),
    },
  };
  return encode(command, { ...unsigned, signature: activeEd25519.sign(commandSignBytes(unsigned), owner) });
}
