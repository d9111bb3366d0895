/** What a node knows of commands that were final before it was started: their digests, from the blocks that it stores. */
import { concatBytes } from "@stoa/base/bytes";
import { digestSize } from "@stoa/base/hash";
import type { Commit } from "./commit.ts";
import { payloadCommands } from "./payload-names.ts";

/** On an idle chain the last commands lie far back; so many blocks are read for them, and no more. */
const blocksCountMax = 2_000;

/** Digests of the last `countMax` final commands that are stored, one after another, the oldest first. */
export function recentDigestsOf(blocks: Commit["blocks"], countMax: number): Uint8Array {
  const found: Uint8Array[] = [];
  let count = 0;
  const oldest = Math.max(1, blocks.first(), blocks.last() - blocksCountMax + 1);
  for (let height = blocks.last(); oldest <= height && count < countMax; height--) {
    const stored = blocks.read(height);
    if (stored === undefined) break;
    const { count: added, packedDigests } = payloadCommands(stored.block.payload);
    found.unshift(packedDigests);
    count += added;
  }
  const all = concatBytes(...found);
  return all.subarray(digestSize * Math.max(0, count - countMax));
}
