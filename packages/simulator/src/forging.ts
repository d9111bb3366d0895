/** What a faulty node can always do: sign whatever it likes with its own key. Relies on knowing every key of the world. */
import type { Digest } from "@stoa/base/hash";
import type { Proposal } from "@stoa/consensus/message";
import { headerDigest } from "@stoa/protocol/finality/header";
import {
  acknowledgementSignBytes,
  batchDigest,
  batchSignBytes,
  type Acknowledgement,
  type Batch,
} from "@stoa/protocol/finality/lane";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import { simulatedSeed } from "./fake-signature.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

/** The proposal with its header as it stands, signed again. */
export function resigned(world: World, node: SimulatedNode, proposal: Proposal): Proposal {
  const { chainId, epoch } = world.set;
  const digest = headerDigest(proposal.header);
  const bytes = consensusSignBytes({ kind: "proposal", chainId, epoch, view: proposal.header.view, digest });
  return { ...proposal, signature: world.signatures.sign(bytes, simulatedSeed(node.index)) };
}

/** The batch with another payload, signed again. */
export function otherBatch(world: World, node: SimulatedNode, batch: Batch, payload: Uint8Array): Batch {
  const changed = { ...batch, payload };
  const bytes = batchSignBytes(world.set, batch.sequence, batchDigest(changed));
  return { ...changed, signature: world.signatures.sign(bytes, simulatedSeed(node.index)) };
}

/** An acknowledgement of another batch in the same place. */
export function otherAcknowledgement(
  world: World,
  node: SimulatedNode,
  one: Acknowledgement,
  digest: Digest,
): Acknowledgement {
  const subject = { ...one, digest };
  const signature = world.scheme.signVote(acknowledgementSignBytes(world.set, subject), simulatedSeed(node.index));
  return { ...subject, signature };
}

/** A vote of any kind by this node's key. */
export function craftVote(
  world: World,
  node: SimulatedNode,
  kind: VoteKind,
  { epoch, view }: Pick<Vote, "epoch" | "view">,
  digest: Digest,
): Vote {
  const named = kind === "nullify" ? undefined : digest;
  const bytes = consensusSignBytes({ kind, chainId: world.set.chainId, epoch, view, digest: named });
  const signature = world.scheme.signVote(bytes, simulatedSeed(node.index));
  const common = { epoch, view, signer: node.index, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
}
