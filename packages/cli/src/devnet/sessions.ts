/**
 * The session keys that the gateway trades with: authorised on the chain by the account owners, once, before the gateway starts.
 * Signed with the owners' keys from the data folder and submitted at the doors of all validators; done when receipts say so.
 */
import { setTimeout as delay } from "node:timers/promises";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes, fromHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import { timeMs } from "@stoa/base/units";
import { command, commandDigest, commandSignBytes, scopes, type UnsignedCommand } from "@stoa/protocol/command";
import { decodeEvent, type Event } from "@stoa/protocol/event";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { openDoor, type Door } from "../door-client.ts";
import { describeFailure, Failure } from "../failure.ts";
import { loadKey, parseSeed } from "../key-file.ts";
import { folderOf, loadApiKeys, type Address, type ApiKeyEntry } from "./folder.ts";

const sessionLifetimeMs = 365 * 24 * 3600 * 1000;
const commandLifetimeMs = 60_000;
const patienceMs = 30_000;

/** Resolves when every API key's session key is authorised; rejects with the exchange's reason when one is refused. */
export async function authorizeSessions(dataDir: string, genesis: Genesis, doors: readonly Address[]): Promise<void> {
  const open = await Promise.all(doors.map((address) => openDoor(address)));
  try {
    const chainId = chainIdOf(genesis);
    const commands = loadApiKeys(dataDir).map((entry) => ({
      entry,
      bytes: signedAuthorization(dataDir, entry, chainId),
    }));
    await Promise.all(
      open.flatMap((door) => commands.map(({ bytes }) => door.ask({ kind: "submit", command: bytes }, "submitted"))),
    );
    for (const { entry, bytes } of commands) await requireAuthorized(open[0]!, entry, commandDigest(bytes));
  } finally {
    for (const door of open) door.close();
  }
}

function signedAuthorization(dataDir: string, entry: ApiKeyEntry, chainId: Digest): Uint8Array {
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

async function requireAuthorized(door: Door, entry: ApiKeyEntry, digest: Digest): Promise<void> {
  const sessionKey = activeEd25519.publicKey(parseSeed(entry.sessionSeed));
  for (const event of await eventsOfBlockWith(door, digest, entry.name)) {
    if (event.kind === "keyAuthorized" && equalBytes(event.sessionKey, sessionKey)) return;
    if (event.kind === "refused" && equalBytes(event.command, digest)) {
      throw new Failure(`the session key of ${entry.name} was not authorised: ${event.reason}`);
    }
  }
  throw new Failure(`the session key of ${entry.name} was not authorised: the exchange did not answer`);
}

/** All events of the block that holds a command, once it is final and executed. */
async function eventsOfBlockWith(door: Door, digest: Digest, name: string): Promise<readonly Event[]> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    try {
      const { receipt } = await door.ask({ kind: "receipt", command: digest }, "receipt");
      return receipt.events.map(decodeEvent);
    } catch (error) {
      if (Date.now() < untilMs) await delay(100);
      else throw new Failure(`the session key of ${name} was not authorised in time: ${describeFailure(error)}`);
    }
  }
}
