/**
 * What it costs to believe no node: the size of a proof of one balance among 100,000 accounts, how long a node takes to make it, and how
 * long a client takes to check it, with native signatures as in Node and with the forms that a browser has. Beside the check of the
 * header's certificate alone, which is most of it.
 *
 * `npm run bench -- bench/proofs.ts`
 */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { activeBls, installBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { BlsScheme } from "@stoa/base/bls";
import { encode } from "@stoa/base/codec";
import { referenceEd25519 } from "@stoa/base/ed25519";
import { zeroDigest } from "@stoa/base/hash";
import { MerkleMap } from "@stoa/base/merkle-map";
import type { SecretSeed, SignatureScheme } from "@stoa/base/signature";
import { height, money, timeMs, view } from "@stoa/base/units";
import { blsOfNoble } from "@stoa/client/noble-bls";
import type { TrustedChain } from "@stoa/client/trust";
import { isDisbelief } from "@stoa/client/verify";
import { verifyState } from "@stoa/client/verify-state";
import { loadNativeBls } from "@stoa/node/native-bls";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import {
  ed25519ListScheme,
  validatorSetOf,
  type Finalization,
  type Scheme,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { stateProof, type StateProof } from "@stoa/protocol/state-proof";
import { ledgerRecord, ledgerRecordKey, modules } from "@stoa/protocol/state-record";
import { median, withSpread } from "./statistics.ts";

const accountsCount = 100_000;
const runsCount = 7;
const wanted = { module: "ledger", key: ledgerRecordKey(777) } as const;

interface Form {
  readonly name: string;
  readonly ed25519: SignatureScheme;
  readonly bls: BlsScheme;
}

installNativeCrypto();
const forms: readonly Form[] = [
  { name: "native", ed25519: activeEd25519, bls: loadNativeBls() },
  { name: "as in a browser", ed25519: referenceEd25519, bls: blsOfNoble(bls12_381) },
];
const seedsOf = (count: number): SecretSeed[] =>
  Array.from({ length: count }, (_, index) => new Uint8Array(32).fill(1 + index) as SecretSeed);

const ledger = new MerkleMap();
const recordOf = (account: number): Uint8Array =>
  encode(ledgerRecord, {
    account,
    holder: { owner: activeEd25519.publicKey(seedsOf(1)[0]!), subaccount: 0 },
    balances: [money(BigInt(account)), money(0n), money(0n)],
  });
const records = Array.from({ length: accountsCount }, (_, index) => recordOf(1 + (index % 100)));
records.forEach((record, index) => ledger.set(ledgerRecordKey(1 + index), record));

for (const validatorsCount of [4, 16, 100]) {
  for (const name of ["ed25519-list", "bls-multisig"] as const) {
    const seeds = seedsOf(validatorsCount);
    const validators = seeds.map((seed) => ({ key: activeEd25519.publicKey(seed), stake: 1 }));
    const set = validatorSetOf(zeroDigest, 0, validators);
    installBls(() => forms[0]!.bls);
    const blsKeys = name === "bls-multisig" ? seeds.map(activeBls.publicKey) : [];
    const schemeOf = ({ ed25519, bls }: Form): Scheme =>
      name === "ed25519-list" ? ed25519ListScheme(ed25519) : blsMultisigScheme(bls, blsKeys);
    const proof = proofUnder(set, schemeOf(forms[0]!), seeds);
    console.log(`${validatorsCount} validators, ${name}: ${encode(stateProof, proof).length} bytes`);
    for (const form of forms) {
      const chain = { chainId: set.chainId, set, scheme: schemeOf(form) } as unknown as TrustedChain;
      const [whole, certificate] = alternately(
        () => !isDisbelief(verifyState(chain, proof, wanted)),
        () => chain.scheme.verifyCertificate(set, proof.executed.finalization),
      );
      console.log(
        `  checked ${form.name}: ${withSpread(whole)} ms, of that the certificate ${withSpread(certificate)} ms, ` +
          `ratio ${(median(whole) / median(certificate)).toFixed(2)}`,
      );
    }
  }
}
const [making] = alternately(() => 0 < ledger.prove(wanted.key).length);
console.log(`made by a node, without its certificate: ${withSpread(making.map((ms) => 1_000 * ms))} µs`);

function proofUnder(set: ValidatorSet, scheme: Scheme, seeds: readonly SecretSeed[]): StateProof {
  const moduleRoots = modules.map((module) => (module === wanted.module ? ledger.root() : zeroDigest));
  const header: Header = {
    chainId: set.chainId,
    epoch: 0,
    view: view(9),
    height: height(9),
    parentView: view(8),
    parentDigest: zeroDigest,
    proposer: 0 as ValidatorIndex,
    timeMs: timeMs(1),
    payload: { form: "none", size: 0, digest: zeroDigest },
    tips: [],
    ranges: [],
    executed: { height: height(5), moduleRoots, resultsRoot: zeroDigest },
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
  };
  const digest = headerDigest(header);
  const message = consensusSignBytes({ kind: "finalize", chainId: set.chainId, epoch: 0, view: header.view, digest });
  const votes = seeds.slice(0, Math.floor((2 * seeds.length) / 3) + 1).map((seed, index) => ({
    kind: "finalize" as const,
    epoch: 0,
    view: header.view,
    signer: index as ValidatorIndex,
    signature: scheme.signVote(message, seed),
    digest,
  }));
  const finalization = scheme.assemble(set, votes) as Finalization;
  const executed = { header, descendants: [], finalization, notarization: undefined };
  return { ...wanted, record: records[776]!, path: ledger.prove(wanted.key), executed };
}

/** Milliseconds of each action by run; the actions take turns, because a shared machine changes its speed. */
function alternately<const A extends readonly (() => boolean)[]>(...actions: A): { [K in keyof A]: number[] } {
  const times = actions.map((): number[] => []);
  for (let run = 0; run <= runsCount; run++) {
    for (const [index, action] of actions.entries()) {
      const startMs = performance.now();
      let count = 0;
      while (count === 0 || (performance.now() - startMs < 50 && count < 1_000)) {
        if (!action()) throw new Error("a proof that was made here does not hold");
        count++;
      }
      // The first run warms up.
      if (0 < run) times[index]!.push((performance.now() - startMs) / count);
    }
  }
  return times as { [K in keyof A]: number[] };
}
