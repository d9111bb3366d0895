/** Hand-made votes, certificates and proposals, for tests that play a validator themselves. */
import type { Digest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Proposal } from "@stoa/consensus/message";
import { leaderOf, leaderSchedule } from "@stoa/consensus/leader";
import { ed25519ListScheme, type Certificate, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import { payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { zeroDigest } from "@stoa/base/hash";
import { fakeSignature, seedOf } from "./fake-scheme.ts";
import { genesisRoots, genesisTimeMs } from "./network.ts";

export const leaderIn = (set: ValidatorSet, view: number): ValidatorIndex =>
  leaderOf(leaderSchedule(set), view as View);

export function craftVote(set: ValidatorSet, kind: VoteKind, view: number, signer: number, digest?: Digest): Vote {
  const named = kind === "nullify" ? undefined : digest;
  const bytes = consensusSignBytes({ kind, chainId: set.chainId, epoch: set.epoch, view: view as View, digest: named });
  const signature = fakeSignature.sign(bytes, seedOf(signer));
  const common = { epoch: set.epoch, view: view as View, signer: signer as ValidatorIndex, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest: digest! };
}

export function craftCertificate(
  set: ValidatorSet,
  kind: VoteKind,
  view: number,
  signers: readonly number[],
  digest?: Digest,
): Certificate {
  return ed25519ListScheme(fakeSignature).assemble(
    set,
    signers.map((signer) => craftVote(set, kind, view, signer, digest)),
  );
}

export const payloadOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** A first block by the leader of `view`; `changes` spoils it where a test wants that. */
export function craftHeader(
  set: ValidatorSet,
  view: number,
  payload: Uint8Array,
  changes: Partial<Header> = {},
): Header {
  return {
    chainId: set.chainId,
    epoch: set.epoch,
    view: view as View,
    height: 1 as Height,
    parentView: 0 as View,
    parentDigest: zeroDigest,
    proposer: leaderIn(set, view),
    timeMs: (genesisTimeMs + 1_000) as TimeMs,
    payload: { form: "inline", size: payload.length, digest: payloadDigest(payload) },
    tips: [],
    ranges: [],
    executed: genesisRoots,
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
    ...changes,
  };
}

export function craftProposal(
  set: ValidatorSet,
  header: Header,
  payload: Uint8Array,
  around: Partial<Proposal> = {},
): Proposal {
  const digest = headerDigest(header);
  const bytes = consensusSignBytes({
    kind: "proposal",
    chainId: set.chainId,
    epoch: set.epoch,
    view: header.view,
    digest,
  });
  return {
    header,
    parentCertificate: undefined,
    skips: [],
    parentHeader: undefined,
    payload,
    signature: fakeSignature.sign(bytes, seedOf(header.proposer)),
    ...around,
  };
}
