/**
 * Secret keys on disk: one file per key, 64 hexadecimal digits, readable by its owner alone. Keys name accounts and validators;
 * a file is never overwritten, because a lost key is a lost account.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fromHex, toHex } from "@stoa/base/bytes";
import { secretSeedSize, type SecretSeed } from "@stoa/base/signature";
import { Failure } from "./failure.ts";

export const randomSeed = (): SecretSeed => new Uint8Array(randomBytes(secretSeedSize)) as SecretSeed;

/** A seed from its 64 hexadecimal digits; anything else is refused by name. */
export function parseSeed(text: string): SecretSeed {
  const bytes = fromHex(text.trim());
  if (bytes?.length !== secretSeedSize) throw new Failure("a secret key is 64 hexadecimal digits");
  return bytes as SecretSeed;
}

/** Writes a new key file with mode 0600; refuses to touch one that exists. */
export function saveKey(file: string, seed: SecretSeed): void {
  try {
    writeFileSync(file, `${toHex(seed)}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new Failure(`${file} exists already: a key file is never overwritten`);
    }
    throw error;
  }
}

/** Reads a key file; one that others may read is refused, because its key can no longer be called secret. */
export function loadKey(file: string): SecretSeed {
  const mode = statSync(file).mode;
  if ((mode & 0o077) !== 0) {
    throw new Failure(`${file} can be read by others (mode ${(mode & 0o777).toString(8)}): run chmod 600 ${file}`);
  }
  const bytes = fromHex(readFileSync(file, "utf8").trim());
  if (bytes?.length !== secretSeedSize) throw new Failure(`${file} holds no key: 64 hexadecimal digits are wanted`);
  return bytes as SecretSeed;
}
