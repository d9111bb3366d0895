/**
 * Some events of one block with their proof: each stands at a place of the list that the block's events root is over, and a chain
 * of hashes leads from there to the results root of a later final header. As many steps as there are heights between, so the height
 * is proved with them.
 */
import { list, record, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { merkleProofCodec } from "@stoa/base/merkle";
import { finalityProof } from "./finality/proof.ts";
import { blockHeight, digest } from "./primitives.ts";

export const eventsProof = record({
  height: blockHeight,
  /** Each holds its event in its group; ascending by place. */
  events: list(merkleProofCodec, limits.eventsPerProofCountMax),
  /** Of the height before. */
  resultsRootBefore: digest,
  /** Of the heights after, through that of `executed`. */
  eventsRootsAfter: list(digest, limits.executionLagMax),
  /** A final header whose executed roots are of the events' height or of a later one. */
  executed: finalityProof,
});
export type EventsProof = Decoded<typeof eventsProof>;
