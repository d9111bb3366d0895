/**
 * Lets a thread check the votes of a quorum, and those in a certificate, as one batch. The module is the one of the signature
 * workers; each thread has a memory of its own for it, of which the keys of a few validators fill little.
 */
import { installEd25519Each } from "@stoa/base/active-signature";
import { createBatchVerifier } from "./batch-verifier/batch-verifier.ts";

let installed = false;

/** Once per thread; later calls do nothing. Where the machine cannot run the module, signatures are checked one after another. */
export function installBatchingCrypto(): void {
  if (installed) return;
  installed = true;
  const verifier = createBatchVerifier();
  if (verifier.isBatching) installEd25519Each(verifier.verify);
}
