/**
 * A Merkle tree over a list of byte strings, sixteen wide. The leaves are hashed in groups of sixteen, each leaf behind its
 * length; nodes hash up to sixteen digests; the root covers the number of leaves. Groups, nodes and roots are hashed under
 * different tags, so that a root stands for one list and a proof for one place in it. Knows nothing of what the leaves are.
 *
 * PERF: wide, because a native hash of a kilobyte costs little more than one of a hundred bytes: about n/15 calls for n leaves
 * where a binary tree over single leaves makes 2n.
 */
import { byteString, encode, fixedBytes, list, record, u32, type Decoded, type EncodedItems } from "./codec.ts";
import { equalBytes } from "./bytes.ts";
import { digestSize, hashTag, sha256, taggedHash, type Digest } from "./hash.ts";
import { limits } from "./limits.ts";

const width = 16;
const groupDomain = "STOA1/merkle-group";
/** Enough levels above the groups for 2^32 leaves. */
const heightMax = 8;

/** That one leaf stands at `index` of `count`: its whole group, then on each level the node that holds its way, lowest first. */
export const merkleProofCodec = record({
  index: u32,
  count: u32,
  group: list(byteString(limits.merkleLeafSizeMax), width),
  /** All children of each node on the way. */
  levels: list(list(fixedBytes(digestSize), width), heightMax),
});
export type MerkleProof = Decoded<typeof merkleProofCodec>;

export function merkleRoot(leaves: readonly Uint8Array[]): Digest {
  return rootOver(groupsOf(leaves), leaves.length);
}

/** The same of leaves that lie one after another, each behind its length: just what a group is hashed over. */
export function merkleRootOfItems({ bytes, ends }: EncodedItems): Digest {
  const groups: Digest[] = [];
  for (let index = 0, start = 0; index < ends.length; index += width) {
    const end = ends[Math.min(index + width, ends.length) - 1]!;
    groups.push(taggedHash(groupDomain, bytes.subarray(start, end)));
    start = end;
  }
  return rootOver(groups, ends.length);
}

function rootOver(groups: readonly Digest[], leavesCount: number): Digest {
  let layer = groups;
  while (1 < layer.length) layer = layerAbove(layer);
  return hashRoot(leavesCount, layer[0]);
}

/** Proves the leaf at `index`, which must exist. */
export function merkleProof(leaves: readonly Uint8Array[], index: number): MerkleProof {
  return merkleProofs(leaves, [index])[0]!;
}

/** Proves each of the leaves at `indexes`, which must exist. PERF: all leaves are hashed once, however many are proved. */
export function merkleProofs(leaves: readonly Uint8Array[], indexes: readonly number[]): MerkleProof[] {
  const layers: (readonly Digest[])[] = [];
  for (let layer = groupsOf(leaves); 1 < layer.length; layer = layerAbove(layer)) layers.push(layer);
  return indexes.map((index) => {
    let position = Math.floor(index / width);
    const levels = layers.map((layer) => {
      const first = position - (position % width);
      position = first / width;
      return layer.slice(first, first + width);
    });
    const first = index - (index % width);
    return { index, count: leaves.length, group: leaves.slice(first, first + width), levels };
  });
}

/** True when the leaf stands at the proof's index in the list that the root is of. */
export function verifyMerkleInclusion(root: Digest, leaf: Uint8Array, proof: MerkleProof): boolean {
  const proved = provedLeaf(proof);
  return proved !== undefined && equalBytes(proved.leaf, leaf) && equalBytes(proved.root, root);
}

/** The leaf that a proof is of and the root that it leads to; `undefined` when it leads nowhere. */
export function provedLeaf(proof: MerkleProof): { readonly leaf: Uint8Array; readonly root: Digest } | undefined {
  const { index, count, group, levels } = proof;
  const leaf = group[index % width];
  if (count <= index || leaf === undefined) return undefined;
  if (group.length !== childrenCount(index, count)) return undefined;
  let node = hashGroup(group);
  let position = Math.floor(index / width);
  let nodesCount = Math.ceil(count / width);
  for (const children of levels) {
    if (nodesCount <= 1 || children.length !== childrenCount(position, nodesCount)) return undefined;
    if (!equalBytes(children[position % width]!, node)) return undefined;
    node = hashNode(children);
    position = Math.floor(position / width);
    nodesCount = Math.ceil(nodesCount / width);
  }
  return nodesCount === 1 ? { leaf, root: hashRoot(count, node) } : undefined;
}

/** How many of `count` neighbours share a parent with the one at `position`. */
function childrenCount(position: number, count: number): number {
  return Math.min(width, count - (position - (position % width)));
}

function groupsOf(leaves: readonly Uint8Array[]): readonly Digest[] {
  const groups: Digest[] = [];
  for (let index = 0; index < leaves.length; index += width) groups.push(hashGroup(leaves.slice(index, index + width)));
  return groups;
}

function layerAbove(layer: readonly Digest[]): readonly Digest[] {
  const above: Digest[] = [];
  for (let index = 0; index < layer.length; index += width) above.push(hashNode(layer.slice(index, index + width)));
  return above;
}

function hashGroup(leaves: readonly Uint8Array[]): Digest {
  const tag = hashTag(groupDomain);
  const content = new Uint8Array(leaves.reduce((size, leaf) => size + 4 + leaf.length, tag.length));
  const lengths = new DataView(content.buffer);
  content.set(tag);
  let offset = tag.length;
  for (const leaf of leaves) {
    lengths.setUint32(offset, leaf.length, true);
    content.set(leaf, offset + 4);
    offset += 4 + leaf.length;
  }
  return sha256(content);
}

function hashNode(children: readonly Uint8Array[]): Digest {
  const tag = hashTag("STOA1/merkle-node");
  const content = new Uint8Array(tag.length + digestSize * children.length);
  content.set(tag);
  children.forEach((child, index) => content.set(child, tag.length + digestSize * index));
  return sha256(content);
}

function hashRoot(count: number, top: Digest | undefined): Digest {
  const content = new Uint8Array(top === undefined ? 4 : 4 + digestSize);
  content.set(encode(u32, count));
  if (top !== undefined) content.set(top, 4);
  return taggedHash("STOA1/merkle-root", content);
}
