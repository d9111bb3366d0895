/**
 * Holds a final block back until this node has itself checked the signature of every command in it. Most have been checked
 * when they were admitted; the others are checked now, before anything else that waits. Blocks leave in order.
 */
import { digestSize } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import { payloadCommands } from "./payload-names.ts";
import type { Checker } from "./checker.ts";
import { isValid, type Verdict } from "./verdict.ts";

export interface CommitGate {
  /** `encoded` is passed on with the block. */
  readonly put: (block: FinalBlock, encoded: Uint8Array) => void;
  /** Starts checking what a payload holds that has no verdict yet, before the block is final. */
  readonly anticipate: (payload: Uint8Array) => void;
}

interface Waiting {
  readonly block: FinalBlock;
  readonly encoded: Uint8Array;
  /** One bit per command, least significant first, set where the signature is valid. */
  readonly signaturesValid: Uint8Array;
  missing: number;
}

/** `release` gets each block with one bit per command, least significant first, set where the signature is valid. */
export function createCommitGate(
  checker: Checker,
  release: (block: FinalBlock, encoded: Uint8Array, signaturesValid: Uint8Array) => void,
): CommitGate {
  const queue: Waiting[] = [];

  const releaseReady = (): void => {
    while (queue.length > 0 && queue[0]!.missing === 0) {
      const { block, encoded, signaturesValid } = queue.shift()!;
      release(block, encoded, signaturesValid);
    }
  };

  return {
    put(block, encoded) {
      const { count, commandAt, packedDigests: digests } = payloadCommands(block.payload);
      const waiting: Waiting = { block, encoded, signaturesValid: new Uint8Array(Math.ceil(count / 8)), missing: 0 };
      const note = (index: number, verdict: Verdict): void => {
        if (isValid(verdict)) waiting.signaturesValid[index >> 3]! |= 1 << (index & 7);
      };
      queue.push(waiting);
      for (let index = 0; index < count; index++) {
        const verdict = checker.known(digests, digestSize * index);
        if (verdict !== undefined) {
          note(index, verdict);
          continue;
        }
        waiting.missing++;
        checker.check(digestAt(digests, index), commandAt(index), true, (found) => {
          note(index, found);
          waiting.missing--;
          releaseReady();
        });
      }
      releaseReady();
    },
    anticipate(payload) {
      const { count, commandAt, packedDigests: digests } = payloadCommands(payload);
      for (let index = 0; index < count; index++) {
        if (checker.known(digests, digestSize * index) !== undefined) continue;
        checker.check(digestAt(digests, index), commandAt(index), true, () => undefined);
      }
    },
  };
}

const digestAt = (digests: Uint8Array, index: number): Uint8Array =>
  digests.subarray(digestSize * index, digestSize * (index + 1));
