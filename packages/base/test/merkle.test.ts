/** The Merkle tree over a list: roots, and proofs of place. */
import { expect, test } from "vitest";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { merkleProof, merkleProofCodec, merkleRoot, verifyMerkleInclusion } from "@stoa/base/merkle";

const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => toUtf8(`leaf ${index}`));

test("every leaf of every small list is proved at its place, and at no other", () => {
  for (let count = 1; count <= 17; count++) {
    const leaves = leavesOf(count);
    const root = merkleRoot(leaves);
    for (let index = 0; index < count; index++) {
      const proof = merkleProof(leaves, index);
      expect(verifyMerkleInclusion(root, leaves[index]!, proof)).toBe(true);
      expect(decode(merkleProofCodec, encode(merkleProofCodec, proof))).toEqual(proof);
      for (let other = 0; other < count; other++) {
        if (other === index) continue;
        expect(verifyMerkleInclusion(root, leaves[other]!, proof)).toBe(false);
        expect(verifyMerkleInclusion(root, leaves[index]!, { ...proof, index: other })).toBe(false);
      }
      for (const changed of [count - 1, count + 1, 2 * count]) {
        expect(verifyMerkleInclusion(root, leaves[index]!, { ...proof, count: changed })).toBe(false);
      }
    }
  }
});

test("the root tells apart lists of different length, order and grouping", () => {
  const roots = [
    merkleRoot([]),
    merkleRoot([toUtf8("")]),
    merkleRoot(leavesOf(1)),
    merkleRoot(leavesOf(2)),
    merkleRoot(leavesOf(3)),
    merkleRoot(leavesOf(2).reverse()),
    // The list whose only leaf is what a node hashes.
    merkleRoot([merkleRoot(leavesOf(2))]),
  ].map(toHex);
  expect(new Set(roots).size).toBe(roots.length);
});

test("a proof with a sibling too many or too few is refused", () => {
  const leaves = leavesOf(5);
  const root = merkleRoot(leaves);
  const proof = merkleProof(leaves, 2);
  expect(verifyMerkleInclusion(root, leaves[2]!, { ...proof, siblings: proof.siblings.slice(1) })).toBe(false);
  expect(verifyMerkleInclusion(root, leaves[2]!, { ...proof, siblings: [...proof.siblings, root] })).toBe(false);
});
