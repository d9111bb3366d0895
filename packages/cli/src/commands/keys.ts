/** `stoa keys`: makes key files and shows the public keys that name accounts and validators. Secrets are never printed. */
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { loadKey, parseSeed, randomSeed, saveKey } from "../key-file.ts";

export function createKey(file: string, secret: string | undefined): void {
  installNativeCrypto();
  const seed = secret === undefined ? randomSeed() : parseSeed(secret);
  saveKey(file, seed);
  console.log(toHex(activeEd25519.publicKey(seed)));
}

export function showKey(file: string): void {
  installNativeCrypto();
  console.log(toHex(activeEd25519.publicKey(loadKey(file))));
}
