/**
 * The commands of a payload and their names, computed once per payload object: the mempool, the proposals that pass and the
 * final block all ask for them.
 */
import type { Digest } from "@stoa/base/hash";
import { commandDigest } from "@stoa/protocol/command";
import { decodePayload } from "@stoa/protocol/payload";
import { nameOf } from "./envelope.ts";

export interface PayloadCommands {
  readonly commands: readonly Uint8Array[];
  readonly digests: readonly Digest[];
  readonly names: readonly string[];
}

const empty: PayloadCommands = { commands: [], digests: [], names: [] };
const known = new WeakMap<Uint8Array, PayloadCommands>();

/** Bytes that are no canonical list hold no commands, on every node: nothing in them can be carried out. */
export function payloadCommands(payload: Uint8Array): PayloadCommands {
  if (payload.length === 0) return empty;
  const before = known.get(payload);
  if (before !== undefined) return before;
  const commands = decodePayload(payload) ?? [];
  const digests = commands.map(commandDigest);
  const computed = { commands, digests, names: digests.map(nameOf) };
  known.set(payload, computed);
  return computed;
}
