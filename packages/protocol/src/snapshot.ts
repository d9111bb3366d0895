/**
 * The manifest of a snapshot: what a node needs to fetch the state of a height in pieces from nodes that it does not trust. The
 * roots of the state stand in a final header, which the manifest carries with its certificate; each piece is known by its
 * hash; and whether the pieces make the state of those roots is seen when it is restored. The final block of the same height
 * comes along, so that the chain can be followed from there.
 */
import { encode, list, record, u32, u53, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { finalBlock } from "./block.ts";
import { executedRoots } from "./finality/header.ts";
import { finalityProof } from "./finality/proof.ts";
import { digest } from "./primitives.ts";

export const snapshotManifest = record({
  /** A final header whose executed roots are those of the snapshot. */
  carrier: finalityProof,
  /** The final block of the snapshot's height. */
  block: finalBlock,
  size: u53,
  /** Bytes of every chunk but the last. */
  chunkSize: u32,
  /** SHA-256 of each chunk, in order. */
  chunks: list(digest, limits.snapshotChunksCountMax),
});
export type SnapshotManifest = Decoded<typeof snapshotManifest>;

const content = record({
  executed: executedRoots,
  size: u53,
  chunkSize: u32,
  chunks: list(digest, limits.snapshotChunksCountMax),
});

/** One name for all manifests of the same bytes, whoever serves them and whichever certificate stands beside them. */
export function manifestName({ carrier, size, chunkSize, chunks }: SnapshotManifest): Digest {
  return taggedHash("STOA1/snapshot", encode(content, { executed: carrier.header.executed, size, chunkSize, chunks }));
}
