/** A process that has no BLS signatures, such as a browser to which nobody gave any: it says so, and takes no certificate on trust. */
import { expect, test } from "vitest";
import { activeBls, hasBls } from "@stoa/base/active-bls";
import type { BlsPublicKey, BlsSignature } from "@stoa/base/bls";
import type { PublicKey } from "@stoa/base/signature";
import { certificatesFault } from "../src/finality/scheme.ts";
import type { Genesis } from "../src/genesis.ts";

const registration = { key: new Uint8Array(48) as BlsPublicKey, possession: new Uint8Array(96) as BlsSignature };
const genesis = {
  validators: [{ name: "alpha", key: new Uint8Array(32) as PublicKey, stake: 1 }],
  certificates: { kind: "bls-multisig", keys: [registration] },
} as unknown as Genesis;

test("a chain with BLS certificates is refused in words by a process that cannot check them (BFT-028)", () => {
  expect(hasBls()).toBe(false);
  expect(certificatesFault(genesis)).toBe(
    "certificates: bls-multisig, and this process has no BLS signatures installed",
  );
  expect(certificatesFault({ ...genesis, certificates: { kind: "ed25519-list" } })).toBeUndefined();
  expect(() => activeBls.verifyAggregate(registration.possession, new Uint8Array(1), [registration.key])).toThrow(
    "has installed BLS signatures",
  );
});
