/**
 * Certificates of constant size: the sum of BLS signatures beside the bitmap of their signers, checked at the price of one
 * signature however many they are. Relies on every key's proof of possession, which `scheme.ts` has checked: without it one
 * signer could choose a key that makes up for others who never signed.
 *
 * A batch of votes is checked as one sum. Two forgers may so arrange their signatures that only the sum of both is right;
 * they have then signed together, the bitmap names both, and because sums add up, every certificate with all votes of the
 * batches that passed is right too.
 */
import { present } from "@stoa/base/assert";
import { blsSignatureSize, type BlsPublicKey, type BlsScheme } from "@stoa/base/bls";
import {
  certificateOf,
  quorumOf,
  signBytesOf,
  type Attestation,
  type Scheme,
  type ValidatorSet,
} from "./certificate.ts";

/** `keys` are those of the set's validators, in their order. */
export function blsMultisigScheme(bls: BlsScheme, keys: readonly BlsPublicKey[]): Scheme {
  /** The batch that was found good last, and its sum. */
  let checked: { readonly votes: ReadonlySet<Attestation>; readonly sum: Uint8Array } | undefined;

  const isGenuine = (set: ValidatorSet, votes: readonly Attestation[]): boolean => {
    const [first] = votes;
    if (first === undefined) return true;
    if (votes.some(({ signer, epoch }) => epoch !== set.epoch || keys[signer] === undefined)) return false;
    const sum = votes.length === 1 ? first.signature : bls.aggregate(votes.map(({ signature }) => signature));
    if (sum === undefined) return false;
    const message = signBytesOf(set, first);
    const signers = votes.map(({ signer }) => keys[signer]!);
    if (!bls.verifyAggregate(sum, message, signers)) return false;
    checked = { votes: new Set(votes), sum };
    return true;
  };

  /**
   * PERF: decoding a signature costs more than adding it, and a certificate is made of the votes of the batch that was checked
   * a moment ago and a few others: its sum is taken as it is.
   */
  const sumOf = (votes: readonly Attestation[]): Uint8Array => {
    const others = votes.filter((vote) => checked?.votes.has(vote) !== true);
    const isPart = checked !== undefined && others.length + checked.votes.size === votes.length;
    const parts = (isPart ? others : votes).map(({ signature }) => signature);
    const sum = bls.aggregate(isPart ? [checked!.sum, ...parts] : parts);
    return present(sum, "signatures that have been verified add up");
  };

  return {
    name: "bls-multisig",
    signVote: bls.sign,
    verifyVote: (set, vote) => isGenuine(set, [vote]),
    findForged: (set, votes) => (isGenuine(set, votes) ? [] : bisect(votes, (part) => isGenuine(set, part))),
    assemble: (set, votes) => certificateOf(set, votes, sumOf),
    verifyCertificate(set, one) {
      const signers = quorumOf(set, one);
      if (signers === undefined || one.proof.length !== blsSignatureSize) return false;
      const message = signBytesOf(set, one);
      return bls.verifyAggregate(
        one.proof,
        message,
        signers.map((signer) => keys[signer]!),
      );
    },
  };
}

/**
 * The bad ones among votes whose sum is known to be bad: of two halves, when the first is good, the second is not. One bad
 * vote of n costs at most 2·log2(n) checks, and k of them k times that.
 */
function bisect<A extends Attestation>(votes: readonly A[], isGood: (part: readonly A[]) => boolean): readonly A[] {
  if (votes.length === 1) return votes;
  const middle = votes.length >> 1;
  const [first, second] = [votes.slice(0, middle), votes.slice(middle)];
  if (isGood(first)) return bisect(second, isGood);
  const bad = bisect(first, isGood);
  return isGood(second) ? bad : [...bad, ...bisect(second, isGood)];
}
