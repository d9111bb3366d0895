/** The Merkle tree over a list: roots, and proofs of place. */
import { beforeAll, expect, test } from "vitest";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { decode, encode, ItemsWriter, text, type Codec, type EncodedItems } from "@stoa/base/codec";
import {
  merkleProof,
  merkleProofCodec,
  merkleRoot,
  merkleRootOfItems,
  verifyMerkleInclusion,
  type MerkleProof,
} from "@stoa/base/merkle";
import { installNativeCrypto } from "@stoa/node/native-crypto";

beforeAll(installNativeCrypto);

const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => toUtf8(`leaf ${index}`));
const counts = [1, 2, 15, 16, 17, 31, 33, 255, 256, 257, 300];

function itemsOf<T>(codec: Codec<T>, values: readonly T[]): EncodedItems {
  const writer = new ItemsWriter(codec);
  for (const value of values) writer.push(value);
  return writer.take();
}

test("leaves that lie one after another have the root that they have apart", () => {
  const words = text(4_000);
  for (const count of [0, ...counts]) {
    const values = Array.from({ length: count }, (_, index) => `${index}`.repeat(1 + ((7 * index) % 900)));
    const apart = merkleRoot(values.map((value) => encode(words, value)));
    expect(toHex(merkleRootOfItems(itemsOf(words, values)))).toBe(toHex(apart));
  }
});

test("every leaf is proved at its place, and at no other", () => {
  for (const count of counts) {
    const leaves = leavesOf(count);
    const root = merkleRoot(leaves);
    for (const index of new Set([0, 1, 15, 16, 17, count - 2, count - 1].filter((one) => 0 <= one && one < count))) {
      const proof = merkleProof(leaves, index);
      expect(verifyMerkleInclusion(root, leaves[index]!, proof), `${index} of ${count}`).toBe(true);
      expect(decode(merkleProofCodec, encode(merkleProofCodec, proof))).toEqual(proof);
      expect(verifyMerkleInclusion(root, toUtf8("another"), proof)).toBe(false);
      for (const other of [index - 1, index + 1, index + 16, count]) {
        if (other < 0) continue;
        expect(verifyMerkleInclusion(root, leaves[index]!, { ...proof, index: other })).toBe(false);
      }
      for (const changed of [count - 1, count + 1, 2 * count, 16 * count]) {
        expect(verifyMerkleInclusion(root, leaves[index]!, { ...proof, count: changed })).toBe(false);
      }
    }
  }
});

test("the root tells apart lists of different length, order and grouping", () => {
  const joined = new Uint8Array([...toUtf8("leaf 0"), ...toUtf8("leaf 1")]);
  const roots = [
    merkleRoot([]),
    merkleRoot([toUtf8("")]),
    merkleRoot([toUtf8(""), toUtf8("")]),
    merkleRoot([joined]),
    merkleRoot(leavesOf(1)),
    merkleRoot(leavesOf(2)),
    merkleRoot(leavesOf(16)),
    merkleRoot(leavesOf(17)),
    merkleRoot([...leavesOf(16), toUtf8("")]),
    merkleRoot(leavesOf(2).reverse()),
    // The list whose only leaf is the root of another.
    merkleRoot([merkleRoot(leavesOf(2))]),
  ].map(toHex);
  expect(new Set(roots).size).toBe(roots.length);
});

test("any change of any leaf changes the root", () => {
  const leaves = leavesOf(300);
  const root = toHex(merkleRoot(leaves));
  for (let index = 0; index < leaves.length; index++) {
    expect(toHex(merkleRoot(leaves.with(index, toUtf8("changed"))))).not.toBe(root);
    expect(toHex(merkleRoot(leaves.toSpliced(index, 1)))).not.toBe(root);
  }
});

test("a proof with anything too many, too few or changed is refused", () => {
  const leaves = leavesOf(300);
  const root = merkleRoot(leaves);
  const proof = merkleProof(leaves, 37);
  const [lowest, ...above] = proof.levels;
  const hostile: readonly MerkleProof[] = [
    { ...proof, group: proof.group.slice(1) },
    { ...proof, group: [...proof.group, toUtf8("x")] },
    { ...proof, group: proof.group.with(0, toUtf8("x")) },
    { ...proof, levels: above },
    { ...proof, levels: proof.levels.slice(0, -1) },
    { ...proof, levels: [...proof.levels, [root]] },
    { ...proof, levels: [lowest!.slice(0, -1), ...above] },
    { ...proof, levels: [lowest!.with(0, root), ...above] },
    { ...proof, levels: [lowest!.with(2, root), ...above] },
  ];
  for (const one of hostile) expect(verifyMerkleInclusion(root, leaves[37]!, one)).toBe(false);
  expect(verifyMerkleInclusion(root, leaves[37]!, proof)).toBe(true);
});
