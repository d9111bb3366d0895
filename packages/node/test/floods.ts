/** What a validator can flood others with, frame by frame: each kind as cheap to make, and as dear to take, as can be. */
import { activeEd25519 } from "@stoa/base/active-signature";
import { sha256, zeroDigest, type Digest } from "@stoa/base/hash";
import type { SecretSeed, Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import { leaderOf, leaderSchedule } from "@stoa/consensus/leader";
import type { Status } from "@stoa/consensus/message";
import type { ValidatorSet } from "@stoa/protocol/finality/certificate";
import { headerDigest } from "@stoa/protocol/finality/header";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";
import { payloadDigest } from "@stoa/protocol/payload";
import type { Bitmap, ValidatorIndex } from "@stoa/protocol/primitives";
import { headerOf } from "../../protocol/test/header-of.ts";
import type { Channel } from "../src/network/channels.ts";
import { encodePeerMessage, type PeerMessage } from "../src/network/peer-message.ts";

/** Those that break no rule stand first: who does is cut off for longer each time. */
export const floods = [
  "genuine votes of far views",
  "genuine votes again and again",
  "certificates of others again and again",
  "statuses of one that is behind",
  "requests for blocks",
  "proposals of far views, a megabyte each",
  "forged votes",
  "two votes where one may be",
  "certificates nobody signed",
  "proposals out of turn",
  "commands nobody signed",
  "batches nobody signed",
  "bytes that are no message",
] as const;
export type Flood = (typeof floods)[number];

/** What the victim was heard to say last. */
export interface Heard {
  /** Of an old view: votes of late ones would show that this validator is alive, and its turns to lead would be waited for. */
  firstView: number;
  view: number;
  certificate: PeerMessage | undefined;
}

/** The chain, and the key of the validator that floods. */
export interface Hostile {
  readonly set: ValidatorSet;
  readonly chainId: Digest;
  readonly seed: SecretSeed;
}

export function hostileOf(genesis: Genesis, seed: SecretSeed): Hostile {
  const { set } = certifiersOf(genesis);
  return { set, chainId: set.chainId, seed };
}

const self = 0 as ValidatorIndex;

export const channelOf: Readonly<Record<Flood, Channel>> = {
  "bytes that are no message": "votes",
  "forged votes": "votes",
  "genuine votes of far views": "votes",
  "genuine votes again and again": "votes",
  "two votes where one may be": "votes",
  "certificates nobody signed": "votes",
  "certificates of others again and again": "votes",
  "statuses of one that is behind": "votes",
  "proposals out of turn": "proposals",
  "proposals of far views, a megabyte each": "proposals",
  "commands nobody signed": "data",
  "requests for blocks": "data",
  "batches nobody signed": "data",
};

export function frameOf(kind: Flood, chain: Hostile, heard: Heard, count: number): Uint8Array {
  if (kind === "bytes that are no message") return noise(200, count);
  return encodePeerMessage(messageOf(kind, chain, heard, count));
}

const far = 1_000_000;
const megabyte = new Uint8Array(1024 * 1024 - 4096);
const consensus = (message: Extract<PeerMessage, { kind: "consensus" }>["message"]): PeerMessage => ({
  kind: "consensus",
  message,
});

function messageOf(
  kind: Exclude<Flood, "bytes that are no message">,
  chain: Hostile,
  heard: Heard,
  count: number,
): PeerMessage {
  const { view } = heard;
  switch (kind) {
    case "requests for blocks":
      return consensus({ kind: "finalBlocksWanted", request: count, from: 1 as never, to: 64 as never });
    case "forged votes":
      return consensus({
        kind: "vote",
        vote: { ...voteOf(chain, "notarize", view, digestOf(count)), signature: junk(count) },
      });
    case "genuine votes of far views":
      return consensus({ kind: "vote", vote: voteOf(chain, "nullify", count % 2 === 0 ? view + far + count : 1) });
    case "genuine votes again and again":
      return consensus({ kind: "vote", vote: voteOf(chain, "nullify", heard.firstView) });
    case "two votes where one may be":
      return consensus({ kind: "vote", vote: voteOf(chain, "notarize", view, digestOf(count)) });
    case "certificates nobody signed":
      return consensus({
        kind: "certificate",
        certificate: {
          kind: "nullification",
          epoch: 0,
          view: (view + count) as View,
          signers: Uint8Array.of(7) as Bitmap,
          proof: noise(192, count),
        },
      });
    case "certificates of others again and again":
      return heard.certificate ?? consensus({ kind: "vote", vote: voteOf(chain, "nullify", 1) });
    case "statuses of one that is behind":
      return consensus({ kind: "status", status: behind });
    case "proposals out of turn":
      return consensus(proposalOf(chain, view + (count % 4), new Uint8Array(count % 64)));
    case "proposals of far views, a megabyte each":
      return consensus(proposalOf(chain, ownView(chain, view + far + count), megabyte));
    case "commands nobody signed":
      return { kind: "commands", commands: Array.from({ length: 100 }, (_, index) => noise(220, 100 * count + index)) };
    case "batches nobody signed":
      return consensus({
        kind: "batch",
        batch: {
          epoch: 0,
          lane: self,
          sequence: 1 + count,
          previous: zeroDigest,
          payload: noise(60_000, count),
          signature: junk(count),
        },
      });
  }
}

function voteOf(chain: Hostile, kind: VoteKind, view: number, digest: Digest = zeroDigest): Vote {
  const named = kind === "nullify" ? undefined : digest;
  const bytes = consensusSignBytes({ kind, chainId: chain.chainId, epoch: 0, view: view as View, digest: named });
  const signature = activeEd25519.sign(bytes, chain.seed);
  const common = { epoch: 0, view: view as View, signer: self, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
}

function proposalOf(
  chain: Hostile,
  view: number,
  payload: Uint8Array,
): Extract<PeerMessage, { kind: "consensus" }>["message"] {
  const named = { form: "inline", size: payload.length, digest: payloadDigest(payload) } as const;
  const header = { ...headerOf(), chainId: chain.chainId, view: view as View, proposer: self, payload: named };
  const bytes = consensusSignBytes({
    kind: "proposal",
    chainId: chain.chainId,
    epoch: 0,
    view: header.view,
    digest: headerDigest(header),
  });
  const signature = activeEd25519.sign(bytes, chain.seed);
  const around = { parentCertificate: undefined, skips: [], parentHeader: undefined };
  return { kind: "proposal", proposal: { header, ...around, payload, signature } };
}

const behind: Status = {
  epoch: 0,
  view: 1 as View,
  entryCertificate: undefined,
  finalHeight: 0 as Height,
  finalView: 0 as View,
  session: 1,
  nonce: zeroDigest,
  quarantined: false,
  signature: new Uint8Array(64) as Signature,
};

const digestOf = (count: number): Digest => sha256(Uint8Array.of(count & 255));

/** The next view in which this validator leads. */
function ownView({ set }: Hostile, view: number): number {
  const schedule = leaderSchedule(set);
  let own = view;
  while (leaderOf(schedule, own as View) !== self) own++;
  return own;
}

const junk = (count: number): Signature => noise(64, count) as Signature;

/** Bytes that differ from count to count, without the cost of real randomness. */
function noise(size: number, count: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(251);
  new DataView(bytes.buffer).setUint32(0, 0xffff_0000 ^ count);
  return bytes;
}
