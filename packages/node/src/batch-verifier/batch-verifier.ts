/**
 * Verifies ed25519 signatures many at a time, by the module beside this file (`batch-verifier.c` says how, and why a batch and
 * a single check cannot differ). Draws the coefficients that make a batch as good as its parts; knows what to do where the
 * module cannot run or would not pay: the single rule of `native-crypto.ts`. For one thread; nothing here waits.
 */
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { assert } from "@stoa/base/assert";
import { fromHex, toUtf8 } from "@stoa/base/bytes";
import { probeMessage, signatureProbes } from "@stoa/base/ed25519-probes";
import { publicKeySize, signatureSize, type SignedItem } from "@stoa/base/signature";
import { nativeEd25519 } from "../native-crypto.ts";

export interface BatchVerifier {
  /** One byte an item: 1 exactly when the pinned rule of `base/signature.ts` holds, 0 otherwise. Never throws. */
  readonly verify: (items: readonly SignedItem[]) => Uint8Array;
  /** False where every signature is checked by itself, because this machine cannot run the module. */
  readonly isBatching: boolean;
}

/** What the C module exports; the arrays are given by their addresses. */
interface ModuleExports {
  readonly memory: WebAssembly.Memory;
  readonly verify: (count: number) => void;
  readonly fuses: () => number;
  readonly keys: WebAssembly.Global;
  readonly signatures: WebAssembly.Global;
  readonly coefficients: WebAssembly.Global;
  readonly message_ends: WebAssembly.Global;
  readonly messages: WebAssembly.Global;
  readonly key_seed: WebAssembly.Global;
  readonly verdicts: WebAssembly.Global;
}

/** The sizes of the module's arrays, as in `batch-verifier.c`. */
const itemsCountMax = 256;
const messagesSizeMax = 256 * 1024;
const keySeedSize = 64;
const coefficientSize = 16;

/** Fewer than this many are faster one by one: a batch of one pays for all 252 doublings (bench/signatures.ts). */
const batchCountMin = 2;

/** Where the compiled module lies, beside its source. */
export const moduleLocation = new URL("./batch-verifier.wasm", import.meta.url);

/**
 * A verifier of its own memory, about 7 MiB once many keys are known. `readModule` gives the compiled module's bytes; whatever
 * goes wrong with them leaves a verifier that checks one by one.
 */
export function createBatchVerifier(readModule: () => Uint8Array = () => readFileSync(moduleLocation)): BatchVerifier {
  const exports = startModule(readModule);
  if (exports === undefined) return { verify: verifySingly, isBatching: false };
  const verifyChunk = createChunkVerifier(exports);
  const verify = (items: readonly SignedItem[]): Uint8Array => verifyInChunks(items, verifyChunk);
  return agreesOnProbes(verify) ? { verify, isBatching: true } : { verify: verifySingly, isBatching: false };
}

/** `undefined` where the engine lacks an instruction or the processor a fused multiply-add. */
function startModule(readModule: () => Uint8Array): ModuleExports | undefined {
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readModule()));
    const exports = instance.exports as unknown as ModuleExports;
    return exports.fuses() === 1 ? exports : undefined;
  } catch {
    return undefined;
  }
}

/** The table on which implementations differ, all in one batch, so that halving it is tried too. */
function agreesOnProbes(verify: BatchVerifier["verify"]): boolean {
  const message = toUtf8(probeMessage);
  const items = signatureProbes.map(({ key, signature }) => ({
    signature: fromHex(signature)!,
    message,
    key: fromHex(key)!,
  }));
  const verdicts = verify(items);
  return signatureProbes.every(({ valid }, index) => verdicts[index] === (valid ? 1 : 0));
}

function verifySingly(items: readonly SignedItem[]): Uint8Array {
  return Uint8Array.from(items, ({ signature, message, key }) =>
    nativeEd25519.verify(signature, message, key) ? 1 : 0,
  );
}

/**
 * Cuts a batch where the module's arrays end. What is too little for a batch is checked singly: so is a message that is too
 * long for the arrays, because nothing fits beside it.
 */
function verifyInChunks(
  items: readonly SignedItem[],
  verifyChunk: (chunk: readonly SignedItem[]) => Uint8Array,
): Uint8Array {
  const verdicts = new Uint8Array(items.length);
  let chunk: number[] = [];
  let messagesSize = 0;
  const flush = (): void => {
    const chunkItems = chunk.map((index) => items[index]!);
    const found = chunk.length < batchCountMin ? verifySingly(chunkItems) : verifyChunk(chunkItems);
    chunk.forEach((index, position) => (verdicts[index] = found[position]!));
    chunk = [];
    messagesSize = 0;
  };
  for (const [index, { signature, message, key }] of items.entries()) {
    if (signature.length !== signatureSize || key.length !== publicKeySize) continue;
    if (chunk.length === itemsCountMax || messagesSizeMax < messagesSize + message.length) flush();
    chunk.push(index);
    messagesSize += message.length;
  }
  flush();
  return verdicts;
}

/** Checks up to `itemsCountMax` items of right lengths whose messages fit together. */
function createChunkVerifier(exports: ModuleExports): (items: readonly SignedItem[]) => Uint8Array {
  const viewOf = ({ value }: WebAssembly.Global, size: number): Uint8Array =>
    new Uint8Array(exports.memory.buffer, value, size);
  const keys = viewOf(exports.keys, itemsCountMax * publicKeySize);
  const signatures = viewOf(exports.signatures, itemsCountMax * signatureSize);
  const coefficients = viewOf(exports.coefficients, itemsCountMax * coefficientSize);
  const messageEnds = new Uint32Array(exports.memory.buffer, exports.message_ends.value, itemsCountMax);
  const messages = viewOf(exports.messages, messagesSizeMax);
  const verdicts = viewOf(exports.verdicts, itemsCountMax);
  randomFillSync(viewOf(exports.key_seed, keySeedSize));
  return (items) => {
    assert(items.length <= itemsCountMax, "a chunk fits into the module's arrays");
    let end = 0;
    for (const [index, { signature, message, key }] of items.entries()) {
      signatures.set(signature, index * signatureSize);
      keys.set(key, index * publicKeySize);
      messages.set(message, end);
      end += message.length;
      messageEnds[index] = end;
    }
    // After the items have come, so that nobody could choose a signature by its coefficient.
    randomFillSync(coefficients, 0, items.length * coefficientSize);
    exports.verify(items.length);
    return verdicts.slice(0, items.length);
  };
}
