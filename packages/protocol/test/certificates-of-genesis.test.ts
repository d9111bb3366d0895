/** The certificates that a genesis chooses: proofs of possession are asked for, and each false one is named with its validator. */
import { afterEach, expect, test } from "vitest";
import { activeBls, installBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { possessionBytes, type BlsPublicKey, type BlsSignature } from "@stoa/base/bls";
import type { SecretSeed } from "@stoa/base/signature";
import { loadNativeBls } from "@stoa/node/native-bls";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { certificatesFault, certificatesFrom, certifiersOf } from "../src/finality/scheme.ts";
import { decodeGenesis, encodeGenesis, type Genesis } from "../src/genesis.ts";

installNativeCrypto();
afterEach(() => installBls(loadNativeBls));

const names = ["alpha", "beta", "gamma", "delta"];
const seeds = names.map((_, index) => new Uint8Array(32).fill(index + 1) as SecretSeed);
const genesis: Genesis = {
  formatVersion: 1,
  chainName: "test",
  timeMs: 0 as Genesis["timeMs"],
  validators: names.map((name, index) => ({ name, key: activeEd25519.publicKey(seeds[index]!), stake: 1 })),
  certificates: certificatesFrom("bls-multisig", seeds),
  assets: [],
  indexes: [],
  products: [],
  calendar: { dayMs: 86_400_000, settlementOffsetMs: 0, averagingMs: 0 },
  prices: { ageMsMax: 1, staleMsMax: 1 },
  liquidation: { stepPpm: 1, stepIntervalMs: 1, feePpm: 0 },
  faucet: { enabled: false, amountMax: [] },
  balances: [],
  insurance: [],
};

type Registration = Extract<Genesis["certificates"], { kind: "bls-multisig" }>["keys"][number];
const registrations = (genesis.certificates as { readonly keys: readonly Registration[] }).keys;
const withKeys = (keys: readonly Registration[]): Genesis => ({
  ...genesis,
  certificates: { kind: "bls-multisig", keys },
});
const withThird = (change: Partial<Registration>): Genesis =>
  withKeys(registrations.map((one, index) => (index === 2 ? { ...one, ...change } : one)));

test("a genesis with proofs of possession has no fault, survives its bytes, and certifies as it says", () => {
  const read = decodeGenesis(encodeGenesis(genesis))!;
  expect(read).toEqual(genesis);
  expect(certificatesFault(read)).toBeUndefined();
  expect(certifiersOf(read).scheme.name).toBe("bls-multisig");
  expect(certifiersOf({ ...genesis, certificates: { kind: "ed25519-list" } }).scheme.name).toBe("ed25519-list");
  expect(certificatesFault({ ...genesis, certificates: { kind: "ed25519-list" } })).toBeUndefined();
});

const third = registrations[2]!;
const stranger = new Uint8Array(32).fill(99) as SecretSeed;
const identity = genesis.validators[2]!.key;
/** A key whose secret validator 2 does not have: what a rogue computes from the keys of others is one. */
const rogue = activeBls.publicKey(stranger);
const infinity = Uint8Array.from({ length: 48 }, (_, index) => (index === 0 ? 0xc0 : 0)) as BlsPublicKey;
const unproven = "certificates.keys[2]: validator 2 (gamma) does not prove that it holds the secret of its key";

test.each<readonly [string, Partial<Registration>]>([
  ["no proof", { possession: new Uint8Array(96) as BlsSignature }],
  ["another's proof", { possession: registrations[1]!.possession }],
  ["another's key with another's proof", registrations[1]!],
  ["a key without its secret", { key: rogue }],
  ["a proof for another identity", { possession: activeBls.sign(possessionBytes(third.key, rogue), seeds[2]!) }],
  ["a proof of the bare key", { possession: activeBls.sign(third.key, seeds[2]!) }],
  ["an infinite key", { key: infinity, possession: activeBls.sign(possessionBytes(infinity, identity), seeds[2]!) }],
])("a genesis with %s is refused, and the line names the validator (BFT-028)", (_, change) => {
  expect(certificatesFault(withThird(change))).toBe(unproven);
});

test("two validators cannot have one key, not even with proofs of both", () => {
  const key = registrations[1]!.key;
  const possession = activeBls.sign(possessionBytes(key, identity), seeds[1]!);
  expect(certificatesFault(withThird({ key, possession }))).toBe(
    "certificates.keys[2]: validator 2 (gamma) has the key of validator 1",
  );
});

test("every validator has a key, and nobody else", () => {
  expect(certificatesFault(withKeys(registrations.slice(0, 3)))).toBe(
    "certificates.keys: validator 3 (delta) has no key and no proof of possession",
  );
  expect(certificatesFault(withKeys([...registrations, third]))).toBe("certificates.keys: 5 for 4 validators");
});
