/** The merkle map against a rebuild from scratch, and its proofs against tampering. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import {
  MerkleMap,
  merkleMapNode,
  merkleMapProof,
  verifyMerkleProof,
  type MerkleMapProof,
} from "@stoa/base/merkle-map";
import { createPrng, type Prng } from "@stoa/base/prng";
import { installNativeCrypto } from "@stoa/node/native-crypto";

beforeAll(installNativeCrypto);

type Content = Map<string, Uint8Array>;

const fromHexKey = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

/** The definition, written as recursion over sorted keys: what the fast form must agree with. */
function naiveRoot(content: Content): Digest {
  // A key's path is its length in bytes as two half bytes, then the key.
  const pathOf = (key: string): string => (key.length / 2).toString(16).padStart(2, "0") + key;
  const nodeOf = (keys: readonly string[], depth: number): Digest => {
    const entries = [];
    for (let slot = 0; slot < 16; slot++) {
      const under = keys.filter((key) => pathOf(key)[depth] === slot.toString(16));
      if (under.length === 0) continue;
      if (under.length === 1) {
        const [key] = under as [string];
        const digest = taggedHash("STOA1/map-record", content.get(key)!);
        entries.push({ slot, entry: { kind: "record" as const, key: fromHexKey(key), digest } });
        continue;
      }
      let below = depth + 1;
      while (under.every((key) => pathOf(key)[below] === pathOf(under[0]!)[below])) below++;
      entries.push({ slot, entry: { kind: "node" as const, digest: nodeOf(under, below) } });
    }
    return taggedHash("STOA1/map-node", encode(merkleMapNode, { depth, entries }));
  };
  return nodeOf([...content.keys()], 0);
}

function randomKey(prng: Prng): Uint8Array {
  // Few distinct bytes and lengths, so that keys share prefixes and are met again.
  return Uint8Array.from({ length: 1 + prng.below(4) }, () => [0, 1, 16, 255][prng.below(4)]!);
}

function apply(map: MerkleMap, content: Content, prng: Prng): void {
  const key = randomKey(prng);
  if (prng.below(3) === 0) {
    expect(map.delete(key)).toBe(content.delete(toHex(key)));
    return;
  }
  const value = prng.nextBytes(prng.below(40));
  map.set(key, value);
  content.set(toHex(key), value);
}

function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const result = [...items];
  for (let index = result.length - 1; 0 < index; index--) {
    const other = prng.below(index + 1);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

describe("the root", () => {
  test("is that of a rebuild from scratch, after any changes in any order", () => {
    for (let seed = 0; seed < 20; seed++) {
      const prng = createPrng(seed);
      const map = new MerkleMap();
      const content: Content = new Map();
      for (let step = 0; step < 200; step++) {
        apply(map, content, prng);
        if (prng.below(10) !== 0) continue;
        expect(toHex(map.root())).toBe(toHex(naiveRoot(content)));
        const rebuilt = new MerkleMap();
        for (const [key, value] of shuffled([...content], prng)) rebuilt.set(fromHexKey(key), value);
        expect(toHex(rebuilt.root())).toBe(toHex(map.root()));
        expect(map.count).toBe(content.size);
      }
    }
  });

  test("returns to that of the empty map when everything is deleted", () => {
    const map = new MerkleMap();
    const empty = toHex(map.root());
    const keys = Array.from({ length: 500 }, (_, index) => toUtf8(`key ${index}`));
    for (const key of keys) map.set(key, key);
    expect(toHex(map.root())).not.toBe(empty);
    for (const key of shuffled(keys, createPrng(1))) expect(map.delete(key)).toBe(true);
    expect(toHex(map.root())).toBe(empty);
    expect(map.delete(keys[0]!)).toBe(false);
  });

  test("tells apart keys of which one begins another, and an empty record from an absent one", () => {
    const roots = new Set<string>();
    for (const keys of [[], [""], ["00"], ["0000"], ["00", "0000"], ["", "00", "0000"]]) {
      const map = new MerkleMap();
      for (const key of keys) map.set(fromHexKey(key), new Uint8Array(0));
      roots.add(toHex(map.root()));
    }
    expect(roots.size).toBe(6);
  });
});

describe("proofs", () => {
  const prng = createPrng("proofs");
  const map = new MerkleMap();
  const content: Content = new Map();

  beforeAll(() => {
    for (let step = 0; step < 400; step++) apply(map, content, prng);
  });

  test("show each key's record and nothing else, and each absent key's absence", () => {
    const root = map.root();
    for (let step = 0; step < 300; step++) {
      const key = randomKey(prng);
      const held = content.get(toHex(key));
      const proof = map.prove(key);
      expect(verifyMerkleProof(root, key, held, proof)).toBe(true);
      expect(verifyMerkleProof(root, key, held === undefined ? toUtf8("x") : undefined, proof)).toBe(false);
      expect(verifyMerkleProof(root, key, toUtf8("another record"), proof)).toBe(false);
      expect(decode(merkleMapProof, encode(merkleMapProof, proof))).toEqual(proof);
    }
  });

  test("fail with any byte changed, any node missing, any node added, or another root", () => {
    const key = fromHexKey([...content.keys()][0]!);
    const held = content.get(toHex(key));
    const root = map.root();
    const proof = map.prove(key);
    const refused = (changed: MerkleMapProof): void => {
      expect(verifyMerkleProof(root, key, held, changed)).toBe(false);
      expect(verifyMerkleProof(root, key, undefined, changed)).toBe(false);
    };
    for (const [index, node] of proof.entries()) {
      for (let offset = 0; offset < node.length; offset += 3) {
        const changed = node.slice();
        changed[offset]! ^= 1;
        refused(proof.with(index, changed));
      }
    }
    refused(proof.slice(1));
    refused(proof.slice(0, -1));
    refused([...proof, proof[0]!]);
    refused([]);
    expect(verifyMerkleProof(taggedHash("other", root), key, held, proof)).toBe(false);
  });
});
