/**
 * SHA-256 with a memory. The search builds the same replicas from the same few thousand records millions of times, and most
 * of its time would go into hashing what was hashed before. The answers are those of SHA-256.
 */
import { createHash } from "node:crypto";
import { installSha256 } from "@stoa/base/hash";

const rememberedCountMax = 1_000_000;
const remembered = new Map<string, Uint8Array>();

export function rememberHashes(): void {
  installSha256((bytes) => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const digest = new Uint8Array(createHash("sha256").update(bytes).digest());
    if (remembered.size < rememberedCountMax) remembered.set(key, digest);
    return digest;
  });
}
