/** What a node knows of commands that were final before it was started, from the blocks that it stores, read once. */
import { concatBytes } from "@stoa/base/bytes";
import { digestSize } from "@stoa/base/hash";
import type { Commit } from "./commit.ts";
import { payloadCommands } from "./payload-names.ts";

/** On an idle chain the last commands lie far back; so many blocks are read for them, and no more. */
const blocksCountMax = 2_000;

/** The digests of a block's commands, one after another. */
export interface BlockDigests {
  readonly height: number;
  readonly packedDigests: Uint8Array;
}

/** The newest stored blocks, ascending, as many as hold the last `countMax` final commands. */
export function recentCommandsOf(blocks: Commit["blocks"], countMax: number): readonly BlockDigests[] {
  const found: BlockDigests[] = [];
  let count = 0;
  const oldest = Math.max(1, blocks.first(), blocks.last() - blocksCountMax + 1);
  for (let height = blocks.last(); oldest <= height && count < countMax; height--) {
    const stored = blocks.read(height);
    if (stored === undefined) break;
    const { count: added, packedDigests } = payloadCommands(stored.block.payload);
    found.push({ height, packedDigests });
    count += added;
  }
  return found.reverse();
}

/** The last `countMax` digests of these blocks, one after another, the oldest first. */
export function lastDigests(recent: readonly BlockDigests[], countMax: number): Uint8Array {
  const all = concatBytes(...recent.map(({ packedDigests }) => packedDigests));
  return all.subarray(Math.max(0, all.length - digestSize * countMax));
}
