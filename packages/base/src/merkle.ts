/**
 * A binary Merkle tree over a list of byte strings. Leaves, nodes and the root are hashed under different tags, a node
 * without a sibling is carried up as it is, and the root covers the number of leaves, so that a root stands for one list and a
 * proof for one place in it. Knows nothing of what the leaves are.
 */
import { encode, fixedBytes, list, record, u32, type Decoded } from "./codec.ts";
import { equalBytes } from "./bytes.ts";
import { taggedHash, type Digest } from "./hash.ts";

/** Enough siblings for 2^32 leaves. */
const heightMax = 32;

/** That one leaf stands at `index` of `count`: the siblings on its way up, lowest first. */
export const merkleProofCodec = record({ index: u32, count: u32, siblings: list(fixedBytes(32), heightMax) });
export type MerkleProof = Decoded<typeof merkleProofCodec>;

/** PERF: two hashes per leaf. */
export function merkleRoot(leaves: readonly Uint8Array[]): Digest {
  let layer: readonly Digest[] = leaves.map(hashLeaf);
  while (1 < layer.length) layer = layerAbove(layer);
  return hashRoot(leaves.length, layer[0]);
}

/** Proves the leaf at `index`, which must exist. */
export function merkleProof(leaves: readonly Uint8Array[], index: number): MerkleProof {
  const siblings: Digest[] = [];
  let layer: readonly Digest[] = leaves.map(hashLeaf);
  for (let position = index; 1 < layer.length; position >>>= 1) {
    const sibling = layer[position ^ 1];
    if (sibling !== undefined) siblings.push(sibling);
    layer = layerAbove(layer);
  }
  return { index, count: leaves.length, siblings };
}

/** True when the leaf stands at the proof's index in the list that the root is of. */
export function verifyMerkleInclusion(root: Digest, leaf: Uint8Array, proof: MerkleProof): boolean {
  if (proof.index >= proof.count) return false;
  let node = hashLeaf(leaf);
  let used = 0;
  for (let position = proof.index, width = proof.count; 1 < width; position >>>= 1, width = Math.ceil(width / 2)) {
    if ((position ^ 1) >= width) continue;
    const sibling = proof.siblings[used++];
    if (sibling === undefined) return false;
    node = position % 2 === 0 ? hashPair(node, sibling) : hashPair(sibling, node);
  }
  return used === proof.siblings.length && equalBytes(hashRoot(proof.count, node), root);
}

function layerAbove(layer: readonly Digest[]): readonly Digest[] {
  const above: Digest[] = [];
  for (let index = 0; index < layer.length; index += 2) {
    const right = layer[index + 1];
    above.push(right === undefined ? layer[index]! : hashPair(layer[index]!, right));
  }
  return above;
}

function hashLeaf(leaf: Uint8Array): Digest {
  return taggedHash("STOA1/merkle-leaf", leaf);
}

function hashPair(left: Uint8Array, right: Uint8Array): Digest {
  const pair = new Uint8Array(64);
  pair.set(left);
  pair.set(right, 32);
  return taggedHash("STOA1/merkle-node", pair);
}

function hashRoot(count: number, top: Digest | undefined): Digest {
  const content = new Uint8Array(top === undefined ? 4 : 36);
  content.set(encode(u32, count));
  if (top !== undefined) content.set(top, 4);
  return taggedHash("STOA1/merkle-root", content);
}
