/**
 * Holds a final block back until this node has itself checked the signature of every command in it. Most have been checked
 * when they were admitted; the others are checked now, before anything else that waits. Blocks leave in order.
 */
import { digestSize } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import { payloadCommands } from "./payload-names.ts";
import { nobody, type Checker, type CheckListener } from "./checker.ts";
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
      const commands = payloadCommands(block.payload);
      const signaturesValid = new Uint8Array(Math.ceil(commands.count / 8));
      const waiting: Waiting = { block, encoded, signaturesValid, missing: 0 };
      const listener: CheckListener = {
        judged(index, verdict) {
          noteVerdict(signaturesValid, index, verdict);
          waiting.missing--;
          releaseReady();
        },
      };
      queue.push(waiting);
      for (let index = 0; index < commands.count; index++) {
        const verdict = checker.known(commands.packedDigests, digestSize * index);
        if (verdict !== undefined) {
          noteVerdict(signaturesValid, index, verdict);
          continue;
        }
        waiting.missing++;
        checker.check(commands.namedAt(index), true, listener, index);
      }
      releaseReady();
    },
    anticipate(payload) {
      const commands = payloadCommands(payload);
      for (let index = 0; index < commands.count; index++) {
        if (checker.known(commands.packedDigests, digestSize * index) !== undefined) continue;
        checker.check(commands.namedAt(index), true, nobody, index);
      }
    },
  };
}

function noteVerdict(signaturesValid: Uint8Array, index: number, verdict: Verdict): void {
  if (isValid(verdict)) signaturesValid[index >> 3]! |= 1 << (index & 7);
}
