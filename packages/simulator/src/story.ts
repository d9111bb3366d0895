/** What happens in a world, in words: for `stoa simulate --explain`. Knows every message and effect, and decides nothing. */
import { toHex } from "@stoa/base/bytes";
import { describeDivergence } from "@stoa/consensus/divergence";
import type { Effect } from "@stoa/consensus/effect";
import type { Message } from "@stoa/consensus/message";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import { offenceWords } from "@stoa/protocol/finality/evidence";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { StoryLine } from "./world.ts";

/** `12.345678 s  node 2   has height 7 final`. */
export function storyText({ atUs, node, words }: StoryLine): string {
  const time = (atUs / 1e6).toFixed(6).padStart(11);
  return `${time} s  ${(node === undefined ? "world" : `node ${node}`).padEnd(8)} ${words}`;
}

/** What a node decides; empty for what says nothing to a reader. */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case "broadcast":
      return describeSaid(effect.message);
    case "progress": {
      const { view, leader, event } = effect;
      if (event === "entered") return `enters view ${view}, which ${leader} leads`;
      return event === "nullified" || event === "notarized" ? `sees view ${view} ${event}` : "";
    }
    case "misbehaviour":
      return `reports node ${effect.peer}: ${effect.fact}`;
    case "evidence": {
      const words = offenceWords(effect.offence, (signer) => `node ${signer}`);
      return effect.event === "found" ? `can prove that ${words}` : `knows it in the chain that ${words}`;
    }
    case "diverged":
      return describeDivergence(effect.divergence, []);
    case "halt":
      return `halts: ${effect.fact}`;
    default:
      return "";
  }
}

function describeSaid(message: Message): string {
  if (message.kind === "vote") return describeVote(message.vote);
  if (message.kind === "batch") return `sends batch ${message.batch.sequence} of its lane`;
  if (message.kind === "availability") return `proves batch ${message.proof.sequence} of its lane`;
  if (message.kind !== "proposal") return "";
  const { header } = message.proposal;
  const parent = header.parentView === 0 ? "genesis" : `the block of view ${header.parentView}`;
  return `proposes block ${short(headerDigest(header))} in view ${header.view}, height ${header.height}, on ${parent}`;
}

const describeVote = (vote: Vote): string =>
  vote.kind === "nullify"
    ? `votes to give view ${vote.view} up`
    : `votes to ${vote.kind} block ${short(vote.digest)} of view ${vote.view}`;

/** What a node hears: proposals, votes and certificates; empty for the small talk of catching up. */
export function describeMessage(sender: string, message: Message): string {
  switch (message.kind) {
    case "proposal": {
      const { header } = message.proposal;
      return `hears from ${sender}: proposal of block ${short(headerDigest(header))} for view ${header.view}`;
    }
    case "vote": {
      const { vote } = message;
      const what = vote.kind === "nullify" ? "nullify" : `${vote.kind} ${short(vote.digest)}`;
      const whose = String(vote.signer) === sender.replaceAll("'", "") ? "" : ` as ${vote.signer}`;
      return `hears from ${sender}${whose}: ${what}, view ${vote.view}`;
    }
    case "certificate":
      return `hears from ${sender}: ${describeCertificate(message.certificate)}`;
    case "batch":
      return `hears from ${sender}: batch ${message.batch.sequence} of lane ${message.batch.lane}`;
    case "acknowledgement":
      return `hears from ${sender}: it holds this lane through batch ${message.acknowledgement.sequence}`;
    case "availability":
      return `hears from ${sender}: batch ${message.proof.sequence} of its lane is available`;
    case "batches":
      return `hears from ${sender}: ${message.batches.length} batches`;
    case "finalBlocks":
      return `hears from ${sender}: ${message.blocks.length} final blocks from height ${message.blocks[0]?.header.height}`;
    default:
      return "";
  }
}

function describeCertificate(certificate: Certificate): string {
  const block = "digest" in certificate ? ` of block ${short(certificate.digest)}` : "";
  return `${certificate.kind}${block}, view ${certificate.view}, by ${signersOfBitmap(certificate.signers).join(" ")}`;
}

const short = (digest: Uint8Array): string => toHex(digest).slice(0, 8);

function signersOfBitmap(bits: Uint8Array): number[] {
  return [...bits].flatMap((byte, place) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => 8 * place + bit),
  );
}
