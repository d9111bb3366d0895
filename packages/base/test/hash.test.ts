/** The reference hashes against OpenSSL's, and the refusal of a native hash that disagrees. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { hashTag, installSha256, referenceSha256, sha256, taggedHash } from "@stoa/base/hash";
import { createPrng } from "@stoa/base/prng";
import { sha512 } from "@stoa/base/sha512";
import { nativeSha256 } from "@stoa/node/native-crypto";

const sizes = [...Array.from({ length: 300 }, (_, size) => size), 1023, 1024, 1025, 4096, 65_537];

test("SHA-256 and SHA-512 are OpenSSL's at every size around a block", () => {
  const prng = createPrng("hash");
  for (const size of sizes) {
    const bytes = prng.nextBytes(size);
    expect(toHex(referenceSha256(bytes))).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(toHex(nativeSha256(bytes))).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(toHex(sha512(bytes))).toBe(createHash("sha512").update(bytes).digest("hex"));
  }
});

test("bytes that lie inside a larger buffer are hashed alone", () => {
  const larger = createPrng("view").nextBytes(300);
  const inner = larger.subarray(17, 217);
  expect(toHex(nativeSha256(inner))).toBe(toHex(referenceSha256(inner.slice())));
  expect(toHex(sha512(inner))).toBe(toHex(sha512(inner.slice())));
});

test("a native hash that errs on one probe is not installed", () => {
  const wrong = (bytes: Uint8Array): Uint8Array => {
    const digest = referenceSha256(bytes).slice();
    if (bytes.length === 56) digest[0]! ^= 1;
    return digest;
  };
  expect(() => installSha256(wrong)).toThrow("agrees on 56 bytes");
  expect(toHex(sha256(toUtf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a tagged hash is the hash of the domain, a zero byte and the bytes", () => {
  const expected = createHash("sha256").update("STOA1/example\0").update("content").digest("hex");
  expect(toHex(taggedHash("STOA1/example", toUtf8("content")))).toBe(expected);
  expect(hashTag("STOA1/example")).toEqual(toUtf8("STOA1/example\0"));
});

test("a tagged hash is the same below and above the size of its buffer", () => {
  const prng = createPrng("tagged");
  for (const size of [0, 4_000, 4_078, 4_079, 4_080, 4_096, 5_000]) {
    const bytes = prng.nextBytes(size);
    const expected = createHash("sha256").update("STOA1/some-tag\0").update(bytes).digest("hex");
    expect(toHex(taggedHash("STOA1/some-tag", bytes))).toBe(expected);
  }
});
