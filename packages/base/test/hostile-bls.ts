/** BLS signatures that are false in each way that a decoder or a group can be: what every form of the curve must refuse. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concatBytes } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import { fieldPrime, groupOrder, nobleBls, numberOf, secretOf } from "./noble-bls.ts";

export interface BlsCase {
  readonly name: string;
  readonly signature: Uint8Array;
  readonly keys: readonly Uint8Array[];
  readonly valid: boolean;
}

const { G1, G2, fields } = bls12_381;

export const probeSeedBytes = [7, 8, 9];
export const blsSeeds = probeSeedBytes.map((byte) => new Uint8Array(32).fill(byte) as SecretSeed);

const withFlags = (bytes: Uint8Array, flags: number): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed[0] = (changed[0]! & 0x1f) | flags;
  return changed;
};
const big = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 48 }, (_, index) => Number((value >> BigInt(8 * (47 - index))) & 255n));
const coordinate = (bytes: Uint8Array): bigint => numberOf(withFlags(bytes, 0));

/** The compressed encoding of the first point with x at or above `from` that is on the curve and not in the group. */
function strayKey(from: bigint): Uint8Array {
  const { Fp } = fields;
  for (let x = from; ; x++) {
    const square = Fp.add(Fp.mul(Fp.mul(x, x), x), 4n);
    if (isSquare(() => Fp.sqrt(square))) return withFlags(big(x), 0x80);
  }
}

function straySignature(from: bigint): Uint8Array {
  const { Fp2 } = fields;
  for (let c0 = from; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 0n]);
    const square = Fp2.add(Fp2.mul(Fp2.mul(x, x), x), Fp2.fromBigTuple([4n, 4n]));
    if (isSquare(() => Fp2.sqrt(square))) return withFlags(concatBytes(big(0n), big(c0)), 0x80);
  }
}

function isSquare(root: () => unknown): boolean {
  try {
    root();
    return true;
  } catch {
    return false;
  }
}

/** Seeds whose key or signature has a coordinate with a second, non-canonical name: x + p still fits into 381 bits. */
const fitsTwice = (value: bigint): boolean => value + fieldPrime < 1n << 381n;

/** Cases over `message`; the first is honest. */
export function blsCases(message: Uint8Array): readonly BlsCase[] {
  const keys = blsSeeds.map(nobleBls.publicKey);
  const signatures = blsSeeds.map((seed) => nobleBls.sign(message, seed));
  const sum = nobleBls.aggregate(signatures)!;
  const [key, signature] = [keys[0]!, signatures[0]!];
  const one = (name: string, changed: Uint8Array, under: Uint8Array = key): BlsCase => {
    return { name, signature: changed, keys: [under], valid: false };
  };
  const opposite = G1.Point.BASE.multiply(groupOrder - secretOf(blsSeeds[0]!)).toBytes();
  const infinity = { key: withFlags(new Uint8Array(48), 0xc0), signature: withFlags(new Uint8Array(96), 0xc0) };
  const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
  return [
    { name: "an honest aggregate of three", signature: sum, keys, valid: true },
    { name: "an honest signature of one", signature, keys: [key], valid: true },
    { name: "the same key twice with its signature doubled", ...doubled(message), valid: true },
    { name: "an aggregate under one key too few", signature: sum, keys: keys.slice(1), valid: false },
    { name: "an aggregate under one key too many", signature, keys, valid: false },
    { name: "an aggregate under no key", signature: sum, keys: [], valid: false },
    {
      name: "an infinite signature under keys that cancel",
      signature: infinity.signature,
      keys: [key, opposite],
      valid: false,
    },
    { name: "a signature under keys that cancel", signature, keys: [key, opposite], valid: false },
    one("an infinite signature", infinity.signature),
    one("an infinite signature under an infinite key", infinity.signature, infinity.key),
    one("an infinite key", signature, infinity.key),
    { name: "an infinite key beside a good one", signature, keys: [key, infinity.key], valid: false },
    one("infinity with the sign bit", withFlags(new Uint8Array(96), 0xe0)),
    one("infinity with bits after it", flipped(infinity.signature, 95)),
    one("the negated signature", withSign(signature)),
    one("a key negated", signature, withSign(key)),
    one("a signature with a bit changed", flipped(signature, 90)),
    one("a key with a bit changed", signature, flipped(key, 40)),
    one("a signature without the compression bit", withFlags(signature, signature[0]! & 0x20)),
    one("a key without the compression bit", signature, withFlags(key, key[0]! & 0x20)),
    one("a signature on the curve and outside the group", straySignature(1n)),
    one("an honest signature with a part outside the group", strayedSignature(signature)),
    one("an honest key with a part outside the group", signature, strayedKey(key)),
    one("a key on the curve and outside the group", signature, strayKey(1n)),
    { name: "a key outside the group beside a good one", signature, keys: [key, strayKey(1n)], valid: false },
    one("a signature that is cut off", signature.subarray(0, 95)),
    one("a signature with a byte after it", concatBytes(signature, Uint8Array.of(0))),
    one("no signature", new Uint8Array(0)),
    one("a signature in 192 bytes", G2.Point.fromBytes(signature).toBytes(false)),
    one("a key that is cut off", signature, key.subarray(0, 47)),
    one("a key in 96 bytes", signature, G1.Point.fromBytes(key).toBytes(false)),
    one("no key bytes", signature, new Uint8Array(0)),
    one("a signature in place of the key", signature, signature),
    ...notCanonical(message),
    { name: "a signature of another message", signature: otherSignature(message), keys: [key], valid: false },
  ];
}

const withSign = (bytes: Uint8Array): Uint8Array => withFlags(bytes, (bytes[0]! & 0xe0) ^ 0x20);
const otherSignature = (message: Uint8Array): Uint8Array =>
  nobleBls.sign(concatBytes(message, Uint8Array.of(0)), blsSeeds[0]!);

function doubled(message: Uint8Array) {
  const [key, signature] = [nobleBls.publicKey(blsSeeds[0]!), nobleBls.sign(message, blsSeeds[0]!)];
  return { signature: nobleBls.aggregate([signature, signature])!, keys: [key, key] };
}

/** The sum of a signature and a point whose order divides the cofactor, compressed by hand: noble writes no such point. */
function strayedSignature(signature: Uint8Array): Uint8Array {
  const { Fp2 } = fields;
  const x = Fp2.fromBigTuple([coordinate(straySignature(1n).subarray(48)), 0n]);
  const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.mul(x, x), x), Fp2.fromBigTuple([4n, 4n])));
  const small = timesGroupOrder(G2.Point.fromAffine({ x, y }), G2.Point.ZERO);
  const sum = G2.Point.fromBytes(signature).add(small).toAffine();
  return withFlags(concatBytes(big(sum.x.c1), big(sum.x.c0)), 0x80 | (isLarger(sum.y) ? 0x20 : 0));
}

/** The same of a key. The pairing does not see the part outside the group: whoever forgets to check it accepts this key. */
function strayedKey(key: Uint8Array): Uint8Array {
  const { Fp } = fields;
  const x = coordinate(strayKey(1n));
  const y = Fp.sqrt(Fp.add(Fp.mul(Fp.mul(x, x), x), 4n));
  const small = timesGroupOrder(G1.Point.fromAffine({ x, y }), G1.Point.ZERO);
  const sum = G1.Point.fromBytes(key).add(small).toAffine();
  return withFlags(big(sum.x), 0x80 | (fieldPrime < 2n * sum.y ? 0x20 : 0));
}

interface Addable<P> {
  add(other: P): P;
  double(): P;
}

/** noble multiplies by smaller numbers only. */
function timesGroupOrder<P extends Addable<P>>(point: P, zero: P): P {
  let [sum, power] = [zero, point];
  for (let order = groupOrder; 0n < order; order >>= 1n) {
    if ((order & 1n) === 1n) sum = sum.add(power);
    power = power.double();
  }
  return sum;
}

function isLarger({ c0, c1 }: { readonly c0: bigint; readonly c1: bigint }): boolean {
  return c1 === 0n ? fieldPrime < 2n * c0 : fieldPrime < 2n * c1;
}

/** A key and a signature that would be good if a coordinate were taken modulo p. */
function notCanonical(message: Uint8Array): readonly BlsCase[] {
  const cases: BlsCase[] = [];
  for (let byte = 10; cases.length < 2; byte++) {
    const seed = new Uint8Array(32).fill(byte) as SecretSeed;
    const [key, signature] = [nobleBls.publicKey(seed), nobleBls.sign(message, seed)];
    const x = coordinate(key);
    if (cases.length === 0 && fitsTwice(x)) {
      const raised = withFlags(big(x + fieldPrime), 0);
      raised[0]! |= key[0]! & 0xe0;
      cases.push({ name: "a key whose x is not reduced", signature, keys: [raised], valid: false });
    }
    const c0 = numberOf(signature.subarray(48));
    if (cases.length === 1 && fitsTwice(c0)) {
      const raised = concatBytes(signature.subarray(0, 48), big(c0 + fieldPrime));
      cases.push({ name: "a signature whose x is not reduced", signature: raised, keys: [key], valid: false });
    }
  }
  return cases;
}
