/**
 * The signature scheme of this process. It is the slow reference until a native one is installed at start, which is accepted
 * only if it answers a table of signatures as the pinned rule does: honest ones, and those on which implementations differ.
 */
import { assert } from "./assert.ts";
import { equalBytes, fromHex, toUtf8 } from "./bytes.ts";
import { probeMessage, probeSeedByte, signatureProbes } from "./ed25519-probes.ts";
import { referenceEd25519 } from "./ed25519.ts";
import { secretSeedSize, type SecretSeed, type SignatureScheme, type SignedItem } from "./signature.ts";

let active: SignatureScheme = referenceEd25519;
let activeEach: ((items: readonly SignedItem[]) => Uint8Array) | undefined;

/** Ed25519 under the pinned rule, by the fastest form that this process has; may be kept, and follows what is installed. */
export const activeEd25519: Required<SignatureScheme> = {
  publicKey: (seed) => active.publicKey(seed),
  sign: (message, seed) => active.sign(message, seed),
  verify: (signature, message, key) => active.verify(signature, message, key),
  verifyEach: (items) =>
    activeEach?.(items) ??
    Uint8Array.from(items, ({ signature, message, key }) => (active.verify(signature, message, key) ? 1 : 0)),
};

/** Checks several signatures at once from now on, where that gives the same answers; throws when it does not. */
export function installEd25519Each(verifyEach: (items: readonly SignedItem[]) => Uint8Array): void {
  const message = toUtf8(probeMessage);
  const items = signatureProbes.map(({ key, signature }) => ({
    signature: fromHex(signature)!,
    message,
    key: fromHex(key)!,
  }));
  const answers = verifyEach(items);
  signatureProbes.forEach(({ name, valid }, index) => {
    assert(
      answers[index] === (valid ? 1 : 0),
      () => `several signatures at once: the answer on ${name} is another one`,
    );
  });
  activeEach = verifyEach;
}

/** Replaces the reference form by a faster one that gives the same answers; throws when it does not. */
export function installEd25519(native: SignatureScheme): void {
  const message = toUtf8(probeMessage);
  const seed = new Uint8Array(secretSeedSize).fill(probeSeedByte) as SecretSeed;
  const [honest] = signatureProbes;
  assert(equalBytes(native.publicKey(seed), fromHex(honest!.key)!), "the native ed25519 derives the same key");
  assert(
    equalBytes(native.sign(message, seed), fromHex(honest!.signature)!),
    "the native ed25519 signs the same bytes",
  );
  for (const { name, key, signature, valid } of signatureProbes) {
    const answer = native.verify(fromHex(signature)!, message, fromHex(key)!);
    assert(answer === valid, () => `the native ed25519 ${valid ? "accepts" : "refuses"} ${name}`);
  }
  active = native;
}
