/**
 * The certificates of a chain are those that its genesis chose. The keys of `bls-multisig` count only with proofs that their
 * holders have the secrets; that is checked here, once, when genesis is read.
 */
import { activeBls, hasBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { possessionBytes, type BlsPublicKey, type BlsScheme, type BlsSignature } from "@stoa/base/bls";
import { toHex } from "@stoa/base/bytes";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";
import { chainIdOf, type Genesis } from "../genesis.ts";
import { ed25519ListScheme, validatorSetOf, type Scheme, type ValidatorSet } from "./certificate.ts";
import { blsMultisigScheme } from "./bls-multisig.ts";

export type CertificatesName = Scheme["name"];

/** The first validators of a chain, and how they certify. The caller has asked `genesisFault`. */
export function certifiersOf(genesis: Genesis): { readonly set: ValidatorSet; readonly scheme: Scheme } {
  return { set: validatorSetOf(chainIdOf(genesis), 0, genesis.validators), scheme: schemeOf(genesis.certificates) };
}

function schemeOf(certificates: Genesis["certificates"]): Scheme {
  if (certificates.kind === "ed25519-list") return ed25519ListScheme(activeEd25519);
  const keys = certificates.keys.map(({ key }) => key);
  return blsMultisigScheme(activeBls, keys);
}

/** What a genesis says of its certificates when the validators have these seeds. */
export function certificatesFrom(name: CertificatesName, seeds: readonly SecretSeed[]): Genesis["certificates"] {
  if (name === "ed25519-list") return { kind: name };
  return { kind: name, keys: seeds.map((seed) => registrationOf(activeBls, seed, activeEd25519.publicKey(seed))) };
}

interface Registration {
  readonly key: BlsPublicKey;
  readonly possession: BlsSignature;
}

function registrationOf(bls: BlsScheme, seed: SecretSeed, identity: PublicKey): Registration {
  const key = bls.publicKey(seed);
  return { key, possession: bls.sign(possessionBytes(key, identity), seed) };
}

/** The first fault in what a genesis says of certificates, naming the validator; `undefined` when there is none. */
export function certificatesFault({ validators, certificates }: Genesis): string | undefined {
  if (certificates.kind === "ed25519-list") return undefined;
  const { keys } = certificates;
  if (keys.length !== validators.length) {
    const without = validators[keys.length];
    if (without === undefined) return `certificates.keys: ${keys.length} for ${validators.length} validators`;
    return `certificates.keys: validator ${keys.length} (${without.name}) has no key and no proof of possession`;
  }
  if (!hasBls()) return "certificates: bls-multisig, and this process has no BLS signatures installed";
  const holders = new Map<string, number>();
  for (const [index, { key, possession }] of keys.entries()) {
    const { name, key: identity } = validators[index]!;
    const who = `certificates.keys[${index}]: validator ${index} (${name})`;
    if (!activeBls.verifyAggregate(possession, possessionBytes(key, identity), [key]))
      return `${who} does not prove that it holds the secret of its key`;
    const other = holders.get(toHex(key));
    if (other !== undefined) return `${who} has the key of validator ${other}`;
    holders.set(toHex(key), index);
  }
  return undefined;
}
