/**
 * The verdicts of `verdict.ts` on many commands at once, whose signatures are then checked as a batch. Relies on the batch
 * verifier to answer for each signature as a single check would.
 */
import { commandWeight } from "./command-weight.ts";
import { decodeCommand, signBytesOfEncoded } from "@stoa/protocol/command";
import { signatureSize, type SignedItem } from "@stoa/base/signature";
import type { BatchVerifier } from "./batch-verifier/batch-verifier.ts";
import { keyOfEncoded } from "./envelope.ts";
import { malformed, signatureInvalid } from "./verdict.ts";

/** What `judge` says of each, as numbers in the same order. */
export function judgeAll(commands: readonly Uint8Array[], verifier: Pick<BatchVerifier, "verify">): Uint32Array {
  const verdicts = new Uint32Array(commands.length).fill(malformed);
  const items: SignedItem[] = [];
  const positions: number[] = [];
  for (const [position, encoded] of commands.entries()) {
    const command = decodeCommand(encoded);
    if (command === undefined) continue;
    verdicts[position] = commandWeight(command.body) + 1;
    positions.push(position);
    items.push({
      signature: encoded.subarray(encoded.length - signatureSize),
      message: signBytesOfEncoded(encoded),
      key: keyOfEncoded(encoded),
    });
  }
  const valid = verifier.verify(items);
  positions.forEach((position, index) => {
    if (valid[index] !== 1) verdicts[position] = signatureInvalid;
  });
  return verdicts;
}
