/**
 * Receipts: what a command resulted in, with everything needed to check it against a final header. Finds commands of the
 * recent past by their digest; older ones are found by whoever follows the chain.
 */
import { encode } from "@stoa/base/codec";
import { digestSize, type Digest } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import { receipt } from "@stoa/protocol/door";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import type { Commit } from "./commit.ts";
import { payloadCommands } from "./payload-names.ts";
import type { BlockDigests } from "./recent-commands.ts";
import { createRecentDigests } from "./recent-digests.ts";
import { carrierOf, eventsRoots } from "./results.ts";
import type { ReceiptAnswer } from "./thread-message.ts";

export interface Receipts {
  /** Told of every executed block; returns how many commands it holds. */
  readonly executed: (block: FinalBlock) => number;
  readonly find: (digest: Uint8Array) => ReceiptAnswer;
}

/** What is said when there is no time to look. */
export const busyReceipt: ReceiptAnswer = {
  kind: "unavailable",
  reason: "this node is busy with other questions",
  retry: true,
};

/** So many commands are found, the last ones. */
export const receiptsCountMax = 16_384;
/** Places are kept as one number: height times this, plus the position in the block. */
const placesPerBlock = 65_536;

/** `recent` are the commands of the newest stored blocks. */
export function createReceipts(commit: Commit, recent: readonly BlockDigests[]): Receipts {
  const places = createRecentDigests(receiptsCountMax);
  const remember = ({ height, packedDigests }: BlockDigests): void => {
    for (let offset = 0; offset < packedDigests.length; offset += digestSize) {
      // A command that is repeated in a later block has its answer in the first one.
      if (places.get(packedDigests, offset) !== undefined) continue;
      places.set(packedDigests, placesPerBlock * height + offset / digestSize, offset);
    }
  };
  recent.forEach(remember);
  return {
    executed({ header, payload }) {
      const { count, packedDigests } = payloadCommands(payload);
      remember({ height: header.height, packedDigests });
      return count;
    },
    find(digest) {
      const place = places.get(digest);
      if (place === undefined)
        return { kind: "unavailable", reason: "the command is not in a recent final block of this node", retry: true };
      const index = place % placesPerBlock;
      const height = (place - index) / placesPerBlock;
      const block = commit.blocks.read(height)?.block;
      const events = commit.encodedEventsAt(height);
      if (block === undefined || events === undefined)
        return { kind: "unavailable", reason: `block ${height} is pruned here`, retry: false };
      const carrier = carrierOf(commit, height);
      if (carrier === undefined)
        return { kind: "unavailable", reason: `no final header carries the roots of ${height} yet`, retry: true };
      const eventsRootsBefore = eventsRoots(commit, block.header.executed.height + 1, height - 1);
      const eventsRootsAfter = eventsRoots(commit, height + 1, carrier.header.executed.height);
      if (eventsRootsBefore === undefined || eventsRootsAfter === undefined)
        return { kind: "unavailable", reason: `results around block ${height} are pruned here`, retry: false };
      const value = {
        command: digest as Digest,
        block,
        index,
        events,
        executed: finalityProofOf(carrier),
        eventsRootsBefore,
        eventsRootsAfter,
      };
      return { kind: "receipt", encoded: encode(receipt, value) };
    },
  };
}
