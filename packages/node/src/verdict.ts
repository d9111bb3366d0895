/**
 * What a node found when it checked a command: decoded canonically, signature by the pinned rule, weight. One number, so that
 * thousands cross a thread as one array. Kept by the command's digest, so that a node checks each command once, whichever way
 * it came by: a client, a peer, a proposal or a final block.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import type { Branded } from "@stoa/base/units";
import { decodeCommand, signBytesOfEncoded } from "@stoa/protocol/command";
import { commandWeight } from "./command-weight.ts";
import { keyOfEncoded } from "./envelope.ts";

/** 0 malformed, 1 signature invalid, otherwise the weight plus 1. */
export type Verdict = Branded<number, "Verdict">;
export const malformed = 0 as Verdict;
export const signatureInvalid = 1 as Verdict;

export const isValid = (verdict: Verdict): boolean => signatureInvalid < verdict;
export const weightOf = (verdict: Verdict): number => verdict - 1;

/** Checks one encoded command. The signature is checked only when the bytes are canonical. */
export function judge(encoded: Uint8Array): Verdict {
  const command = decodeCommand(encoded);
  if (command === undefined) return malformed;
  const signature = encoded.subarray(encoded.length - 64);
  if (!activeEd25519.verify(signature, signBytesOfEncoded(encoded), keyOfEncoded(encoded))) return signatureInvalid;
  return (commandWeight(command.body) + 1) as Verdict;
}
