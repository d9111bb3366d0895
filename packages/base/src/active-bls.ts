/**
 * The BLS signatures of this process. Only chains whose genesis asks for them need any, and nothing in the pure packages can
 * compute them, so there are none until a process names where to get them; they are loaded when first used, and accepted
 * only if they answer a table of probes as the rule of `bls.ts` does.
 */
import { assert, present } from "./assert.ts";
import { blsProbes, probeBlsMessage } from "./bls-probes.ts";
import type { BlsScheme } from "./bls.ts";
import { equalBytes, fromHex, toUtf8 } from "./bytes.ts";
import { secretSeedSize, type SecretSeed } from "./signature.ts";

let load: (() => BlsScheme) | undefined;
let loaded: BlsScheme | undefined;

/** Says where BLS signatures come from; what is installed last is used. */
export function installBls(provider: () => BlsScheme): void {
  load = provider;
  loaded = undefined;
}

/** Whether this process can check BLS signatures at all. */
export const hasBls = (): boolean => load !== undefined;

/** BLS signatures by what this process has installed; may be kept. Every verb throws when nothing is. */
export const activeBls: BlsScheme = {
  publicKey: (seed) => active().publicKey(seed),
  sign: (message, seed) => active().sign(message, seed),
  aggregate: (signatures) => active().aggregate(signatures),
  verifyAggregate: (signature, message, keys) => active().verifyAggregate(signature, message, keys),
};

function active(): BlsScheme {
  if (loaded !== undefined) return loaded;
  const provider = present(load, "a process that reads BLS certificates has installed BLS signatures");
  const candidate = provider();
  probe(candidate);
  return (loaded = candidate);
}

function probe(candidate: BlsScheme): void {
  const message = toUtf8(probeBlsMessage);
  const { seedBytes, keys, signatures, aggregate, cases } = blsProbes;
  seedBytes.forEach((byte, index) => {
    const seed = new Uint8Array(secretSeedSize).fill(byte) as SecretSeed;
    assert(equalBytes(candidate.publicKey(seed), bytesOf(keys[index]!)), "the BLS form derives the same key");
    assert(equalBytes(candidate.sign(message, seed), bytesOf(signatures[index]!)), "the BLS form signs the same bytes");
  });
  const sum = candidate.aggregate(signatures.map(bytesOf));
  assert(sum !== undefined && equalBytes(sum, bytesOf(aggregate)), "the BLS form adds signatures up");
  for (const { name, signature, keys: under, valid } of cases) {
    const answer = candidate.verifyAggregate(bytesOf(signature), message, under.map(bytesOf));
    assert(answer === valid, () => `the BLS form ${valid ? "accepts" : "refuses"} ${name}`);
  }
}

const bytesOf = (text: string): Uint8Array => present(fromHex(text), "a probe is hexadecimal");
