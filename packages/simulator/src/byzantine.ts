/**
 * Misbehaviour has names. A faulty node runs the same replica, and what leaves it is changed: it says different things to
 * different peers, says too much, says what is not true, or says nothing. Together the faulty hold less than a third of the
 * stake, unless a run asks for more.
 */
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { Prng } from "@stoa/base/prng";
import type { Signature } from "@stoa/base/signature";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Effect } from "@stoa/consensus/effect";
import { leaderOf } from "@stoa/consensus/leader";
import type { Message } from "@stoa/consensus/message";
import { statusBytes } from "@stoa/consensus/quarantine";
import { blockOf } from "@stoa/consensus/state";
import type { Batch } from "@stoa/protocol/finality/lane";
import { sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import { headerDigest, type Header, type LaneRange } from "@stoa/protocol/finality/header";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { Bitmap, ValidatorIndex } from "@stoa/protocol/primitives";
import { simulatedSeed } from "./fake-signature.ts";
import { craftVote, otherAcknowledgement, otherBatch, resigned } from "./forging.ts";
import type { SimulatedNode, Tamper } from "./node.ts";
import type { World } from "./world.ts";

type Saying = Extract<Effect, { kind: "broadcast" | "send" }>;
type Change = (world: World, node: SimulatedNode, saying: Saying, prng: Prng) => readonly Effect[];

const actors = {
  equivocator,
  nuller,
  conflicter,
  withholder,
  outdated,
  impersonator,
  statusLiar,
  silent,
  skipper,
  forger,
  fabulist,
  flooder,
  laneSpoiler,
} satisfies Record<string, Change>;

export type Misbehaviour = keyof typeof actors;
export const misbehaviours = Object.keys(actors) as readonly Misbehaviour[];

export function tamperOf(kind: Misbehaviour, prng: Prng): Tamper {
  return (world, node, effect) => {
    if (effect.kind !== "broadcast" && effect.kind !== "send") return [effect];
    return actors[kind](world, node, effect, prng);
  };
}

/** Proposes one block to some and another to the rest, and votes for both. */
function equivocator(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind === "proposal" && saying.kind === "broadcast") {
    const header = otherHeader(message.proposal.header);
    const other: Message = { kind: "proposal", proposal: resigned(world, node, { ...message.proposal, header }) };
    return eachPeer(world, node, () => (prng.below(2) === 0 ? message : other));
  }
  if (message.kind === "vote" && message.vote.kind !== "nullify") {
    const candidate = node.replica.candidates.get(message.vote.view);
    if (candidate === undefined || candidate.proposal.header.proposer !== node.index) return [saying];
    const digest = headerDigest(otherHeader(candidate.proposal.header));
    return [saying, voting(craftVote(world, node, message.vote.kind, message.vote, digest))];
  }
  return [saying];
}

/** Gives up every view in which it votes, and finalizes it too: notarize, nullify and finalize. */
function nuller(world: World, node: SimulatedNode, saying: Saying): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "vote" || message.vote.kind === "nullify") return [saying];
  const { digest } = message.vote;
  return (["notarize", "nullify", "finalize"] as const).map((kind) =>
    voting(craftVote(world, node, kind, message.vote, digest)),
  );
}

/** Votes for one block to some and for one that nobody proposed to others. */
function conflicter(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "vote" || message.vote.kind === "nullify") return [saying];
  const made = craftVote(world, node, message.vote.kind, message.vote, prng.nextBytes(32) as Digest);
  return eachPeer(world, node, () => (prng.below(2) === 0 ? message : { kind: "vote", vote: made }));
}

/** Tells its proposals and votes to some only, and gives nobody what they ask for. */
function withholder(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  const answers: readonly Message["kind"][] = ["block", "finalBlocks", "certificates", "batches"];
  if (answers.includes(message.kind)) return [];
  if (message.kind !== "proposal" && message.kind !== "vote") return [saying];
  if (saying.kind === "send") return prng.below(2) === 0 ? [saying] : [];
  return eachPeer(world, node, () => message).filter(() => prng.below(2) === 0);
}

/** Says again what is long over: votes for views that have ended, certificates and a status of earlier views. */
function outdated(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  const back = 1 + prng.below(20);
  if (message.kind === "vote" && back < message.vote.view) {
    const vote = { ...message.vote, view: (message.vote.view - back) as View };
    const digest = vote.kind === "nullify" ? (prng.nextBytes(32) as Digest) : vote.digest;
    const old = voting(craftVote(world, node, vote.kind, vote, digest));
    return prng.below(2) === 0 ? [old] : [saying, old];
  }
  if (message.kind === "certificate") {
    const held = node.replica.certificates.get((message.certificate.view - back) as View);
    const certificate = held?.notarization ?? held?.nullification ?? message.certificate;
    return [{ ...saying, message: { kind: "certificate", certificate } }];
  }
  if (message.kind === "status" && back < message.status.view) {
    const status = { ...message.status, view: (message.status.view - back) as View, entryCertificate: undefined };
    return [{ ...saying, message: { kind: "status", status } }];
  }
  return [saying];
}

/** Speaks for others: their votes, and proposals where they lead. */
function impersonator(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  const other = prng.below(world.set.validators.length) as ValidatorIndex;
  if (message.kind === "vote") {
    return [saying, voting({ ...message.vote, signer: other })];
  }
  if (message.kind === "proposal") {
    const header: Header = { ...message.proposal.header, proposer: other };
    return [
      saying,
      { ...saying, message: { kind: "proposal", proposal: resigned(world, node, { ...message.proposal, header }) } },
    ];
  }
  return [saying];
}

/** Lies about how far it is, and how it came there, under its signature; to one in quarantine sometimes so that it counts. */
function statusLiar(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "status") return [saying];
  const held = node.replica.certificates.get(prng.below(message.status.view + 1) as View);
  const entryCertificate = held?.nullification ?? held?.notarization;
  const low = ((entryCertificate?.view ?? 0) + 1) as View;
  const status = {
    ...message.status,
    view: prng.below(2) === 0 ? low : (prng.below(2 * message.status.view + 2) as View),
    finalHeight: prng.below(2 * message.status.finalHeight + 1_000) as Height,
    finalView: prng.below(2 * message.status.finalView + 2) as View,
    entryCertificate,
    session: prng.below(1_000),
    quarantined: prng.below(2) === 0,
  };
  const signature = world.signatures.sign(statusBytes(node.replica, status), simulatedSeed(node.index));
  return [{ ...saying, message: { kind: "status", status: { ...status, signature } } }];
}

/** Says nothing half of the time. */
function silent(_world: World, _node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  return prng.below(2) === 0 ? [saying] : [];
}

/** Proposes on an older block as if the views since had been skipped. */
function skipper(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "proposal" || prng.below(2) === 0) return [saying];
  const { header, payload } = message.proposal;
  const skipped = blockOf(node.replica, header.parentDigest)?.header;
  const parent = skipped && blockOf(node.replica, skipped.parentDigest)?.header;
  if (skipped === undefined || parent === undefined) return [saying];
  const held = node.replica.certificates.get(parent.view);
  const { executed, tips, convicted } = parent;
  const bare = header.payload.form === "lanes";
  const proposal = resigned(world, node, {
    ...message.proposal,
    // All else is as it would be if the parent were the last block.
    header: {
      ...header,
      ...{ height: skipped.height, parentView: parent.view, parentDigest: skipped.parentDigest },
      ...{ executed, tips, convicted, ranges: [], evidence: [] },
      payload: bare ? { form: "none", size: 0, digest: zeroDigest } : header.payload,
    },
    payload: bare ? new Uint8Array(0) : payload,
    parentHeader: parent,
    parentCertificate: held?.finalization ?? held?.notarization,
  });
  return [{ ...saying, message: { kind: "proposal", proposal } }];
}

/** Signs wrongly, now and then: votes, certificates, proposals, acknowledgements and proofs. */
function forger(_world: World, _node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (prng.below(3) !== 0) return [saying];
  if (message.kind === "vote") {
    const signature = prng.nextBytes(message.vote.signature.length);
    return [{ ...saying, message: { kind: "vote", vote: { ...message.vote, signature } } }];
  }
  if (message.kind === "certificate") {
    const proof = prng.nextBytes(message.certificate.proof.length);
    return [{ ...saying, message: { kind: "certificate", certificate: { ...message.certificate, proof } } }];
  }
  if (message.kind === "proposal") {
    const signature = prng.nextBytes(64) as Signature;
    return [{ ...saying, message: { kind: "proposal", proposal: { ...message.proposal, signature } } }];
  }
  if (message.kind === "acknowledgement") {
    const acknowledgement = { ...message.acknowledgement, signature: prng.nextBytes(64) };
    return [{ ...saying, message: { kind: "acknowledgement", acknowledgement } }];
  }
  if (message.kind === "availability") {
    const proof = { ...message.proof, proof: prng.nextBytes(message.proof.proof.length) };
    return [{ ...saying, message: { kind: "availability", proof } }];
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
  return [saying];
}

/** Sends far too much: votes for views that are far away, requests without end. */
function flooder(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  if (message.kind !== "vote") return [saying];
  const { view } = message.vote;
  const far = Array.from({ length: 4 }, () => {
    const kind = (["notarize", "nullify", "finalize"] as const)[prng.below(3)]!;
    const away = { ...message.vote, view: (view + 1 + prng.below(1_000_000)) as View };
    return voting(craftVote(world, node, kind, away, prng.nextBytes(32) as Digest));
  });
  const request = prng.nextU32();
  const from = 1 + prng.below(view);
  const requests: Message[] = [
    { kind: "certificatesWanted", request, from: from as View, to: (from + prng.below(200)) as View },
    { kind: "finalBlocksWanted", request, from: from as Height, to: (from + prng.below(200)) as Height },
    { kind: "blockWanted", request, digest: prng.nextBytes(32) as Digest },
    {
      kind: "batchesWanted",
      request,
      lane: prng.below(world.set.validators.length) as ValidatorIndex,
      from,
      through: from + prng.below(200),
      digest: prng.nextBytes(32) as Digest,
    },
  ];
  return [saying, ...far, ...requests.map((one): Effect => ({ kind: "broadcast", message: one }))];
}

/**
 * Sends its batches to a few only, or to the next leader only, or not the same to all, or leaves some out; acknowledges two
 * batches in one place; gives nobody batches that are missing; says false numbers of the lanes from which its blocks take.
 */
function laneSpoiler(world: World, node: SimulatedNode, saying: Saying, prng: Prng): readonly Effect[] {
  const { message } = saying;
  switch (message.kind) {
    case "batch":
      return spoilBatch(world, node, message.batch, prng);
    case "batches":
    case "availability":
      return prng.below(2) === 0 ? [saying] : [];
    case "acknowledgement": {
      const { acknowledgement } = message;
      const made = otherAcknowledgement(world, node, acknowledgement, prng.nextBytes(32) as Digest);
      return [saying, { ...saying, message: { kind: "acknowledgement", acknowledgement: made } }];
    }
    case "proposal": {
      const header = falseRanges(message.proposal.header, prng);
      return [
        { ...saying, message: { kind: "proposal", proposal: resigned(world, node, { ...message.proposal, header }) } },
      ];
    }
    default:
      return [saying];
  }
}

function spoilBatch(world: World, node: SimulatedNode, batch: Batch, prng: Prng): readonly Effect[] {
  const count = world.set.validators.length;
  const message: Message = { kind: "batch", batch };
  const other: Message = { kind: "batch", batch: otherBatch(world, node, batch, prng.nextBytes(1 + prng.below(40))) };
  const few = new Set(Array.from({ length: 1 + Math.floor(count / 3) }, () => prng.below(count)));
  switch (prng.below(5)) {
    case 0:
      return eachPeer(world, node, () => message).filter((one) => one.kind === "send" && few.has(one.to));
    case 1: {
      const next = leaderOf(node.replica.schedule, (node.replica.view + prng.below(2)) as View);
      return [{ kind: "send", to: next, message }];
    }
    case 2:
      return eachPeer(world, node, () => (prng.below(2) === 0 ? message : other));
    case 3:
      return [];
    default:
      return eachPeer(world, node, () => message);
  }
}

/** Numbers that holders of the lane know to be false, or proofs that prove nothing. */
function falseRanges(header: Header, prng: Prng): Header {
  if (header.ranges.length === 0 || prng.below(2) === 0) return header;
  const lies: readonly ((range: LaneRange) => Partial<LaneRange>)[] = [
    ({ size }) => ({ size: size + 1 }),
    ({ count }) => ({ count: count + 1 }),
    () => ({ proof: undefined }),
    () => ({ proof: { signers: prng.nextBytes(1) as Bitmap, proof: prng.nextBytes(64) } }),
  ];
  const lie = lies[prng.below(lies.length)]!;
  const ranges = header.ranges.map((range) => (prng.below(2) === 0 ? range : { ...range, ...lie(range) }));
  const grown = lanesSize(ranges) - lanesSize(header.ranges);
  return { ...header, ranges, payload: { ...header.payload, size: header.payload.size + grown } };
}

const lanesSize = (ranges: Header["ranges"]): number => sizeOfLanes(ranges, 0);

const voting = (vote: Vote): Effect => ({ kind: "broadcast", message: { kind: "vote", vote } });

function eachPeer(world: World, node: SimulatedNode, messageFor: () => Message): Effect[] {
  return world.set.validators.flatMap((_, index): Effect[] =>
    index === node.index ? [] : [{ kind: "send", to: index as ValidatorIndex, message: messageFor() }],
  );
}

const otherHeader = (header: Header): Header => ({ ...header, timeMs: (header.timeMs + 1) as TimeMs });
