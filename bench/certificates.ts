/**
 * What certificates cost a validator in one view, under both schemes and by the number of validators: its two votes, the two
 * quorums that it checks at once as they arrive, the certificates that it makes of them, and, for who comes late, a
 * certificate that is checked as it came. Processor time counts all threads: blst uses several where it can.
 *
 * `npm run bench -- bench/certificates.ts`
 */
import { activeBls } from "@stoa/base/active-bls";
import { activeEd25519 } from "@stoa/base/active-signature";
import { taggedHash, type Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { blsMultisigScheme } from "@stoa/protocol/finality/bls-multisig";
import {
  ed25519ListScheme,
  validatorSetOf,
  type Certificate,
  type Scheme,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import { consensusSignBytes, type Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { median, withSpread } from "./statistics.ts";

const counts = [4, 16, 32, 40, 50, 100];
const runsCount = 7;
const chainId = taggedHash("bench", new Uint8Array(0));
const seedAt = (index: number): SecretSeed => new Uint8Array(taggedHash("bench/seed", Uint8Array.of(index))) as never;

interface Cost {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** What one scheme does for `count` validators of equal stake. */
interface Measured {
  readonly sign: Cost;
  readonly checkQuorum: Cost;
  readonly checkWithForgery: Cost;
  readonly checkAndAssemble: Cost;
  readonly checkCertificate: Cost;
  /** Of a view that ends well: two votes, two quorums checked and certified. */
  readonly view: Cost;
  readonly certificateSize: number;
}

function schemesFor(seeds: readonly SecretSeed[]): readonly Scheme[] {
  const keys = seeds.map((seed) => activeBls.publicKey(seed));
  return [ed25519ListScheme(activeEd25519), blsMultisigScheme(activeBls, keys)];
}

let nextView = 1;

/** A vote of each, in a view that was never used: nothing can have been remembered. */
function votesOf(scheme: Scheme, seeds: readonly SecretSeed[]): Vote[] {
  const view = nextView++ as View;
  const digest = taggedHash("bench/block", Uint8Array.of(view & 255, view >> 8)) as Digest;
  const message = consensusSignBytes({ kind: "finalize", chainId, epoch: 0, view, digest });
  return seeds.map((seed, index) => ({
    kind: "finalize",
    epoch: 0,
    view,
    digest,
    signer: index as ValidatorIndex,
    signature: scheme.signVote(message, seed),
  }));
}

function cost(times: number, work: (round: number) => void): Cost {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  for (let round = 0; round < times; round++) work(round);
  const wallUs = (1_000 * (performance.now() - startMs)) / times;
  const used = process.cpuUsage(cpu);
  return { wallUs, cpuUs: (used.user + used.system) / times };
}

function measure(scheme: Scheme, set: ValidatorSet, seeds: readonly SecretSeed[], times: number): Measured {
  const quorum = Math.floor((2 * seeds.length) / 3) + 1;
  const rounds = Array.from({ length: times }, () => votesOf(scheme, seeds.slice(0, quorum)));
  // The own vote needs no check.
  const arrived = rounds.map((votes) => votes.slice(1));
  const forged = arrived.map((votes) =>
    votes.map((vote, index) => (index === votes.length >> 1 ? { ...vote, signature: votes[0]!.signature } : vote)),
  );
  const expectForged = (votes: readonly Vote[], count: number): void => {
    if (scheme.findForged(set, votes).length !== count) throw new Error(`${scheme.name} does not find ${count} forged`);
  };
  const certificates: Certificate[] = [];
  const message = new Uint8Array(82);
  const sign = cost(times, (round) => {
    message[0] = round;
    scheme.signVote(message, seeds[0]!);
  });
  const checkQuorum = cost(times, (round) => expectForged(arrived[round]!, 0));
  // As in a replica: each certificate is made right after the check of its votes.
  const checkAndAssemble = cost(times, (round) => {
    expectForged(arrived[round]!, 0);
    certificates.push(scheme.assemble(set, rounds[round]!));
  });
  const checkCertificate = cost(times, (round) => {
    if (!scheme.verifyCertificate(set, certificates[round]!)) throw new Error("a certificate that does not hold");
  });
  const checkWithForgery = cost(times, (round) => expectForged(forged[round]!, 1));
  const total = (part: keyof Cost): number => 2 * (sign[part] + checkAndAssemble[part]);
  const view = { wallUs: total("wallUs"), cpuUs: total("cpuUs") };
  const certificateSize = certificates[0]!.proof.length + certificates[0]!.signers.length;
  return { sign, checkQuorum, checkWithForgery, checkAndAssemble, checkCertificate, view, certificateSize };
}

function main(): void {
  installNativeCrypto();
  for (const count of counts) {
    const seeds = Array.from({ length: count }, (_, index) => seedAt(index));
    const set = validatorSetOf(
      chainId,
      0,
      seeds.map((seed) => ({ key: activeEd25519.publicKey(seed), stake: 1 })),
    );
    const schemes = schemesFor(seeds);
    for (const scheme of schemes) measure(scheme, set, seeds, 3);
    const runs = Array.from({ length: runsCount }, () => schemes.map((scheme) => measure(scheme, set, seeds, 12)));
    console.log(`\n${count} validators, a quorum of ${Math.floor((2 * count) / 3) + 1}`);
    for (const [index, { name }] of schemes.entries())
      print(
        name,
        runs.map((run) => run[index]!),
      );
    const ratios = (part: keyof Cost) => runs.map(([list, sum]) => sum!.view[part] / list!.view[part]);
    const check = runs.map(([list, sum]) => sum!.checkCertificate.cpuUs / list!.checkCertificate.cpuUs);
    console.log(`  checking a certificate of bls-multisig takes ${withSpread(check, 2)} times the processor`);
    console.log(
      `  a view of bls-multisig takes ${withSpread(ratios("cpuUs"), 2)} times the processor and ` +
        `${withSpread(ratios("wallUs"), 2)} times the wait of ed25519-list`,
    );
  }
}

function print(name: string, runs: readonly Measured[]): void {
  const milliseconds = (pick: (one: Measured) => Cost): string => {
    const [wall, cpu] = (["wallUs", "cpuUs"] as const).map(
      (part) => median(runs.map((one) => pick(one)[part])) / 1_000,
    );
    return `${wall!.toFixed(2)} ms (processor ${cpu!.toFixed(2)})`;
  };
  console.log(`  ${name}: a certificate has ${runs[0]!.certificateSize} bytes`);
  console.log(`    sign a vote            ${milliseconds((one) => one.sign)}`);
  console.log(`    check a quorum at once ${milliseconds((one) => one.checkQuorum)}`);
  console.log(`    ... one of it forged   ${milliseconds((one) => one.checkWithForgery)}`);
  console.log(`    ... and certify it     ${milliseconds((one) => one.checkAndAssemble)}`);
  console.log(`    check a certificate    ${milliseconds((one) => one.checkCertificate)}`);
  console.log(`    a view of all          ${milliseconds((one) => one.view)}`);
}

main();
