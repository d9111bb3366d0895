/**
 * Falling behind and coming back (consensus.md 3.14). Replicas tell each other where they stand, once a second and when they
 * meet; whoever is behind joins the live view first, by certificate, and then fetches what is final, by ranges of heights.
 * Asker and answerer count with the same limits, and every request is answered: `unavailable` when there is nothing to give.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import { encode } from "@stoa/base/codec";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import { headerDigest } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { enterAboveFinal, isHeld, keepVerified } from "./certificates.ts";
import { weighCertificate } from "./evidence.ts";
import { deliver, settle } from "./finalize.ts";
import { repeatAcknowledgement } from "./lane-acknowledge.ts";
import { repeatOwnLane } from "./lane-own.ts";
import { carriedMatches, keepCarried, wholePayload } from "./lane-payload.ts";
import type { Message, Status } from "./message.ts";
import { askForStatus, askForStatuses, countStatus, ownStatus } from "./quarantine.ts";
import { answered, requestFinalBlocks } from "./requests.ts";
import { ownVotes } from "./safety-record.ts";
import {
  blockOf,
  broadcast,
  emit,
  halt,
  misbehaviour,
  plan,
  send,
  suspicion,
  viewCertificates,
  type Replica,
} from "./state.ts";
import { repeatFinalizeVotes } from "./view.ts";

type MessageOf<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;

// ---- where everyone stands

export function peerChanged(replica: Replica, index: ValidatorIndex, connected: boolean): void {
  const peer = replica.peers[index];
  if (peer === undefined || index === replica.self) return;
  peer.connected = connected;
  if (!connected) return;
  send(replica, index, { kind: "status", status: ownStatus(replica) });
  askForStatus(replica, index);
  repeatFor(replica, index, replica.view);
  repeatAcknowledgement(replica, replica.lanes.all[index]!);
}

/** The status timer: says where this replica stands, and repeats finalize votes that may have been lost. */
export function statusDue(replica: Replica): void {
  emit(replica, { kind: "schedule", timer: "status", view: replica.view, delayMs: replica.parameters.statusMs });
  broadcast(replica, { kind: "status", status: ownStatus(replica) });
  askForStatuses(replica);
  repeatFinalizeVotes(replica);
  repeatOwnLane(replica);
}

export function receiveStatus(replica: Replica, from: ValidatorIndex, status: Status): void {
  const peer = replica.peers[from]!;
  const before = peer.status;
  if (status.epoch !== replica.set.epoch) return;
  peer.status = status;
  countStatus(replica, from, status);
  if (status.entryCertificate !== undefined) {
    plan(replica, { kind: "certificate", certificate: status.entryCertificate, from });
  }
  // A height that was already ahead at the last status is not just on its way.
  const { height } = replica.lastFinal;
  if (height + 1 < status.finalHeight || height < (before?.finalHeight ?? 0)) {
    requestFinalBlocks(replica, status.finalHeight);
  }
  if (status.view < replica.view) helpForward(replica, from, status);
}

/** What brings a replica in an earlier view on: the certificates that end views, and own votes if it never got there. */
function helpForward(replica: Replica, peer: ValidatorIndex, status: Status): void {
  const { highestFinalization, entry } = replica;
  const helpful = [status.finalView < (highestFinalization?.view ?? 0) ? highestFinalization : undefined, entry];
  for (const certificate of helpful) {
    if (certificate !== undefined) send(replica, peer, { kind: "certificate", certificate });
  }
  repeatFor(replica, peer, status.view);
}

function repeatFor(replica: Replica, peer: ValidatorIndex, view: View): void {
  const { notarize, nullify, finalize } = ownVotes(replica.safety, view);
  const proposal = replica.myProposals.get(view);
  if (proposal !== undefined) send(replica, peer, { kind: "proposal", proposal });
  for (const vote of [notarize, nullify, finalize]) {
    if (vote !== undefined) send(replica, peer, { kind: "vote", vote });
  }
}

// ---- answering

export function answerCertificates(
  replica: Replica,
  from: ValidatorIndex,
  wanted: MessageOf<"certificatesWanted">,
): void {
  const { request } = wanted;
  if (tooMany(wanted)) return refuse(replica, from, request, "too-large");
  const certificates: Certificate[] = [];
  for (let view = wanted.from; view <= wanted.to; view++) {
    const { notarization, nullification, finalization } = viewCertificates(replica, view);
    for (const one of [notarization, nullification, finalization]) if (one !== undefined) certificates.push(one);
  }
  if (certificates.length === 0) return refuse(replica, from, request, "not-found");
  send(replica, from, { kind: "certificates", request, certificates });
}

export function answerBlock(replica: Replica, from: ValidatorIndex, wanted: MessageOf<"blockWanted">): void {
  const block = blockOf(replica, wanted.digest);
  const payload = block && (wholePayload(replica, block) ?? block.loose);
  if (block === undefined || payload === undefined) return refuse(replica, from, wanted.request, "not-found");
  send(replica, from, { kind: "block", request: wanted.request, header: block.header, payload });
}

/** Final blocks are in the node's block log; it is asked, and `blocksRead` brings them. */
export function answerFinalBlocks(replica: Replica, to: ValidatorIndex, wanted: MessageOf<"finalBlocksWanted">): void {
  const { request, from } = wanted;
  if (tooMany(wanted)) return refuse(replica, to, request, "too-large");
  const through = Math.min(wanted.to, replica.lastFinal.height) as typeof wanted.to;
  if (from < 1 || through < from) return refuse(replica, to, request, "not-found");
  emit(replica, { kind: "readBlocks", to, request, from, through });
}

export function sendFinalBlocks(
  replica: Replica,
  input: { readonly to: ValidatorIndex; readonly request: number; readonly blocks: readonly FinalBlock[] },
): void {
  const blocks: FinalBlock[] = [];
  let size = 0;
  for (const block of input.blocks) {
    size += sizeOf(block);
    if (blocks.length === limits.repairItemsCountMax) break;
    if (0 < blocks.length && limits.repairAnswerSizeMax < size) break;
    blocks.push(block);
  }
  if (blocks.length === 0) return refuse(replica, input.to, input.request, "not-found");
  send(replica, input.to, { kind: "finalBlocks", request: input.request, blocks });
}

/** Headers may weigh more than payloads: they hold proofs of availability and evidence. */
const sizeOf = (block: FinalBlock): number =>
  block.payload.length + encode(finalBlock, { ...block, payload: new Uint8Array(0) }).length;

const tooMany = ({ from, to }: { readonly from: number; readonly to: number }): boolean =>
  to < from || limits.repairItemsCountMax < to - from + 1;

function refuse(
  replica: Replica,
  to: ValidatorIndex,
  request: number,
  reason: MessageOf<"unavailable">["reason"],
): void {
  const limit = limits.repairItemsCountMax;
  send(replica, to, { kind: "unavailable", request, reason, retryMs: replica.parameters.repairMs, limit });
}

// ---- receiving answers

export function receiveCertificates(replica: Replica, from: ValidatorIndex, answer: MessageOf<"certificates">): void {
  if (answered(replica, from, answer.request)?.kind !== "certificates") return;
  for (const certificate of answer.certificates) plan(replica, { kind: "certificate", certificate, from });
}

export function receiveBlock(replica: Replica, from: ValidatorIndex, answer: MessageOf<"block">): void {
  const wanted = answered(replica, from, answer.request);
  if (wanted?.kind !== "block") return;
  const { header, payload } = answer;
  if (!equalBytes(headerDigest(header), wanted.digest) || !carriedMatches(header, payload)) {
    // It may be the late answer to a question of an earlier life of this replica.
    return suspicion(replica, from, "a block that is not the one asked for");
  }
  keepCarried(replica, wanted.digest, header, payload);
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** Final blocks prove themselves, so those that come late are welcome too. Asks for more while the peer has more. */
export function receiveFinalBlocks(replica: Replica, from: ValidatorIndex, answer: MessageOf<"finalBlocks">): void {
  answered(replica, from, answer.request);
  const before = replica.lastFinal.height;
  for (const block of answer.blocks) {
    if (block.header.height <= replica.lastFinal.height) continue;
    // An answer to what was asked in an earlier life may begin above what is stored now.
    if (replica.lastFinal.height + 1 < block.header.height) break;
    const fault = faultIn(replica, block);
    if (fault !== undefined) {
      misbehaviour(replica, from, `a final block ${block.header.height} ${fault}`);
      break;
    }
    // The peer that proves it is no more to blame than this replica: a quorum signed both.
    const certificates = block.certificates.filter((one, index) => index === 0 || isGenuine(replica, one));
    if (!equalBytes(block.header.parentDigest, replica.lastFinal.digest)) {
      for (const one of certificates) weighCertificate(replica, one);
      return halt(replica, forkFact(replica, block));
    }
    for (const one of certificates) if (!isHeld(replica, one) && !keepVerified(replica, one)) return;
    deliver(replica, { ...block, certificates });
    if (replica.halted) return;
  }
  if (replica.lastFinal.height === before) return;
  enterAboveFinal(replica);
  settle(replica);
  const ahead = replica.peers[from]!.status?.finalHeight ?? 0;
  if (replica.lastFinal.height < ahead) requestFinalBlocks(replica, ahead as typeof before);
}

function forkFact({ lastFinal }: Replica, { header }: FinalBlock): string {
  return (
    `height ${lastFinal.height} has the final block ${toHex(lastFinal.digest)} here, and ${toHex(header.parentDigest)} below the ` +
    `final block of height ${header.height}: over a third is faulty`
  );
}

function faultIn(replica: Replica, block: FinalBlock): string | undefined {
  const { header } = block;
  if (!verifyFinality(replica.scheme, replica.set, block)) return "that is not proven final";
  return payloadMatches(header, block.payload) ? undefined : "whose payload is not the one it names";
}

const isGenuine = (replica: Replica, certificate: Certificate): boolean =>
  isHeld(replica, certificate) || replica.scheme.verifyCertificate(replica.set, certificate);
