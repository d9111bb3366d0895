/**
 * Misbehaviour has names. A faulty node runs the same replica, and what leaves it is changed: it says different things to
 * different peers, says too much, or says nothing. Together the faulty hold less than a third of the stake.
 */
import type { Digest } from "@stoa/base/hash";
import type { Prng } from "@stoa/base/prng";
import type { TimeMs } from "@stoa/base/units";
import type { Effect } from "@stoa/consensus/effect";
import type { Message, Proposal } from "@stoa/consensus/message";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import { simulatedSeed } from "./fake-signature.ts";
import type { SimulatedNode, Tamper } from "./node.ts";
import type { World } from "./world.ts";

export const misbehaviours = ["equivocator", "doubleVoter", "silent", "skipper", "forger", "fabulist"] as const;
export type Misbehaviour = (typeof misbehaviours)[number];

export function tamperOf(kind: Misbehaviour, prng: Prng): Tamper {
  return (world, node, effect) => {
    if (effect.kind !== "broadcast" && effect.kind !== "send") return [effect];
    return table[kind](world, node, effect, prng);
  };
}

type Saying = Extract<Effect, { kind: "broadcast" | "send" }>;
type Change = (world: World, node: SimulatedNode, saying: Saying, prng: Prng) => readonly Effect[];

const table: Record<Misbehaviour, Change> = { equivocator, doubleVoter, silent, skipper, forger, fabulist };

/** Proposes one block to some and another to the rest, and votes for both. */
function equivocator(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind === "proposal" && saying.kind === "broadcast") {
    const other: Message = { kind: "proposal", proposal: otherProposal(world, node, message.proposal) };
    return eachPeer(world, node, () => (prng.below(2) === 0 ? message : other));
  }
  if (message.kind === "vote" && message.vote.kind !== "nullify") {
    const candidate = node.replica.candidates.get(message.vote.view);
    if (candidate === undefined || candidate.proposal.header.proposer !== node.index) return [saying];
    const digest = headerDigest(otherHeader(candidate.proposal.header));
    const other = craftVote(world, node, message.vote.kind, message.vote, digest);
    return [saying, { kind: "broadcast", message: { kind: "vote", vote: other } }];
  }
  return [saying];
}

/** Votes for everything in every view: notarize, nullify and finalize. */
function doubleVoter(world: World, node: SimulatedNode, saying: Saying): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "vote" || message.vote.kind === "nullify") return [saying];
  const { digest } = message.vote;
  const votes = (["notarize", "nullify", "finalize"] as const).map((kind) =>
    craftVote(world, node, kind, message.vote, digest),
  );
  return votes.map((vote) => ({ kind: "broadcast", message: { kind: "vote", vote } }));
}

/** Says nothing half of the time. */
function silent(_world: World, _node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  return prng.below(2) === 0 ? [saying] : [];
}

/** Proposes on an older block as if the views since had been skipped. */
function skipper(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "proposal" || prng.below(2) === 0) return [saying];
  const { parentHeader } = message.proposal;
  if (parentHeader === undefined) return [saying];
  const held = node.replica.certificates.get(parentHeader.parentView);
  const header: Header = {
    ...message.proposal.header,
    height: parentHeader.height,
    parentView: parentHeader.parentView,
    parentDigest: parentHeader.parentDigest,
    executed: parentHeader.executed,
  };
  const proposal = resigned(world, node, {
    ...message.proposal,
    header,
    parentHeader: undefined,
    parentCertificate: held?.finalization ?? held?.notarization,
  });
  return [{ ...saying, message: { kind: "proposal", proposal } }];
}

/** Signs wrongly, now and then: votes, certificates and proposals. */
function forger(_world: World, _node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (prng.below(3) !== 0) return [saying];
  if (message.kind === "vote") {
    const signature = prng.nextBytes(64) as Vote["signature"];
    return [{ ...saying, message: { kind: "vote", vote: { ...message.vote, signature } } }];
  }
  if (message.kind === "certificate") {
    const proof = prng.nextBytes(message.certificate.proof.length);
    return [{ ...saying, message: { kind: "certificate", certificate: { ...message.certificate, proof } } }];
  }
  return [saying];
}

/** Makes up state roots, heights, times, and answers to requests. */
function fabulist(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind === "proposal" && prng.below(2) === 0) {
    const { header } = message.proposal;
    const lies: readonly Partial<Header>[] = [
      { executed: { ...header.executed, resultsRoot: prng.nextBytes(32) as Digest } },
      { timeMs: (header.timeMs + 3_600_000) as TimeMs },
      { height: (header.height + 1) as Header["height"] },
    ];
    const proposal = resigned(world, node, { ...message.proposal, header: { ...header, ...lies[prng.below(3)] } });
    return [{ ...saying, message: { kind: "proposal", proposal } }];
  }
  if (message.kind === "finalBlocks" && prng.below(2) === 0) {
    const blocks = message.blocks.map((block) => ({ ...block, payload: prng.nextBytes(block.payload.length) }));
    return [{ ...saying, message: { ...message, blocks } }];
  }
  if (message.kind === "status" && prng.below(2) === 0) {
    const finalHeight = (message.status.finalHeight + prng.below(1_000)) as Header["height"];
    return [{ ...saying, message: { kind: "status", status: { ...message.status, finalHeight } } }];
  }
  return [saying];
}

function eachPeer(world: World, node: SimulatedNode, messageFor: () => Message): Effect[] {
  return world.nodes
    .filter((peer) => peer !== node)
    .map((peer) => ({ kind: "send", to: peer.index, message: messageFor() }));
}

const otherHeader = (header: Header): Header => ({ ...header, timeMs: (header.timeMs + 1) as TimeMs });

function otherProposal(world: World, node: SimulatedNode, proposal: Proposal): Proposal {
  return resigned(world, node, { ...proposal, header: otherHeader(proposal.header) });
}

function resigned(world: World, node: SimulatedNode, proposal: Proposal): Proposal {
  const { chainId, epoch } = world.set;
  const digest = headerDigest(proposal.header);
  const bytes = consensusSignBytes({ kind: "proposal", chainId, epoch, view: proposal.header.view, digest });
  return { ...proposal, signature: world.signatures.sign(bytes, simulatedSeed(node.index)) };
}

function craftVote(
  world: World,
  node: SimulatedNode,
  kind: VoteKind,
  { epoch, view }: Pick<Vote, "epoch" | "view">,
  digest: Digest,
): Vote {
  const named = kind === "nullify" ? undefined : digest;
  const bytes = consensusSignBytes({ kind, chainId: world.set.chainId, epoch, view, digest: named });
  const signature = world.signatures.sign(bytes, simulatedSeed(node.index));
  const common = { epoch, view, signer: node.index, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
}
