/** `stoa keys`: makes key files and shows the public keys that name accounts and validators. Secrets are never printed. */
import { readFileSync } from "node:fs";
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { loadKey, parseSeed, randomSeed, saveKey } from "../key-file.ts";

export function createKey(file: string, secret: string | undefined): void {
  installNativeCrypto();
  // Arguments are seen by everybody on the machine and end in the history of the shell; stdin is not.
  const seed = secret === undefined ? randomSeed() : parseSeed(secret === "-" ? readFileSync(0, "utf8") : secret);
  saveKey(file, seed);
  console.log(toHex(activeEd25519.publicKey(seed)));
}

export function showKey(file: string): void {
  installNativeCrypto();
  console.log(toHex(activeEd25519.publicKey(loadKey(file))));
}
