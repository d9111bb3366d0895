/**
 * Holds a final block back until this node has itself checked the signature of every command in it. Most have been checked
 * when they were admitted; the others are checked now, before anything else that waits. Blocks leave in order.
 */
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
  readonly verdicts: (Verdict | undefined)[];
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
      const { block, encoded, verdicts } = queue.shift()!;
      release(block, encoded, signatureBits(verdicts));
    }
  };

  return {
    put(block, encoded) {
      const { commands, names } = payloadCommands(block.payload);
      const waiting: Waiting = { block, encoded, verdicts: names.map(checker.known), missing: 0 };
      queue.push(waiting);
      waiting.verdicts.forEach((known, index) => {
        if (known !== undefined) return;
        waiting.missing++;
        checker.check(names[index]!, commands[index]!, true, (verdict) => {
          waiting.verdicts[index] = verdict;
          waiting.missing--;
          releaseReady();
        });
      });
      releaseReady();
    },
    anticipate(payload) {
      const { commands, names } = payloadCommands(payload);
      names.forEach((name, index) => {
        if (checker.known(name) === undefined) checker.check(name, commands[index]!, true, () => undefined);
      });
    },
  };
}

function signatureBits(verdicts: readonly (Verdict | undefined)[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(verdicts.length / 8));
  verdicts.forEach((verdict, index) => {
    if (verdict !== undefined && isValid(verdict)) bits[index >> 3]! |= 1 << (index & 7);
  });
  return bits;
}
