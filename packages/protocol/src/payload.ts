/** The bytes of an inline payload: encoded commands in the order the leader chose. Consensus sees only the bytes. */
import { byteString, decode, encode, list } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";

export const payload = list(byteString(limits.commandSizeMax), limits.payloadCommandsCountMax);

export const encodePayload = (commands: readonly Uint8Array[]): Uint8Array => encode(payload, commands);

/** `undefined` when the bytes are no canonical list of commands. The commands themselves are not decoded here. */
export function decodePayload(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  return bytes.length <= limits.payloadSizeMax ? decode(payload, bytes) : undefined;
}

export const payloadDigest = (bytes: Uint8Array): Digest => taggedHash("STOA1/payload", bytes);
