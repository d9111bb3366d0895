/**
 * Asking peers for what is missing. At most one request for a thing is under way; one that is not answered in time, or with
 * `unavailable`, no longer counts as under way, and whoever still needs the thing asks the next peer. Its answer is taken though it
 * comes late: where the link is slow, none would ever come in time.
 */
import { toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Digest } from "@stoa/base/hash";
import type { Height, View } from "@stoa/base/units";
import { signersOf, type Certificate } from "@stoa/protocol/finality/certificate";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Message } from "./message.ts";
import { emit, plan, send, type Replica, type Wanted } from "./state.ts";

const requestsCountMax = 64;
const overdueCountMax = 256;
const overdueMsMax = 30_000;

/** Asks for a block that the signers of `certificate` vouch for: its proposer's peers hold it or an ancestor of it. */
export function requestBlock(replica: Replica, digest: Digest, certificate: Certificate): void {
  ask(replica, { kind: "block", digest }, signersOf(replica.set, certificate.signers) ?? []);
}

/** Asks for the certificates of a range of views that ends at `to` and goes no lower than `from`. */
export function requestCertificates(replica: Replica, from: View, to: View): void {
  const lowest = Math.max(from, to - limits.repairItemsCountMax + 1) as View;
  ask(replica, { kind: "certificates", from: lowest, to }, everyone(replica));
}

/** Asks for the final blocks after the last one known here, as far as `to` if it is not too far. */
export function requestFinalBlocks(replica: Replica, to: Height): void {
  const from = (replica.lastFinal.height + 1) as Height;
  const highest = Math.min(to, from + limits.repairItemsCountMax - 1) as Height;
  const ahead = everyone(replica).filter((peer) => from <= (replica.peers[peer]!.status?.finalHeight ?? 0));
  ask(replica, { kind: "finalBlocks", from, to: highest }, ahead);
}

export const everyone = (replica: Replica): ValidatorIndex[] =>
  replica.set.validators.map((_, index) => index as ValidatorIndex);

/** Closes the request that an answer names; `undefined` when `from` was not asked that. */
export function answered(replica: Replica, from: ValidatorIndex, id: number): Wanted | undefined {
  const request = replica.requests.get(id) ?? replica.overdue.get(id);
  if (request?.peer !== from) return undefined;
  replica.requests.delete(id);
  replica.overdue.delete(id);
  return request.wanted;
}

/** The repair timer: closes what was not answered, so that it is asked again elsewhere. */
export function repairDue(replica: Replica): void {
  const { requests, overdue, now, parameters } = replica;
  for (const [id, request] of requests) {
    if (now.monotonicMs < request.sentAtMs + parameters.repairMs) continue;
    requests.delete(id);
    if (request.peer !== replica.self) overdue.set(id, request);
  }
  // Oldest first.
  for (const [id, { sentAtMs }] of overdue) {
    if (overdue.size <= overdueCountMax && now.monotonicMs < sentAtMs + overdueMsMax) break;
    overdue.delete(id);
  }
  if (0 < requests.size) scheduleRepair(replica);
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** Asks one of `preferred`, or of all when none of them is reachable, unless the same is being asked already. */
export function ask(replica: Replica, wanted: Wanted, preferred: readonly ValidatorIndex[]): void {
  const key = keyOf(wanted);
  for (const request of replica.requests.values()) if (keyOf(request.wanted) === key) return;
  if (requestsCountMax <= replica.requests.size) return;
  const reachable = (peers: readonly ValidatorIndex[]) =>
    peers.filter((peer) => peer !== replica.self && replica.peers[peer]!.connected);
  let peers = reachable(preferred);
  if (peers.length === 0) peers = reachable(everyone(replica));
  const id = replica.nextRequest;
  replica.nextRequest = (id + 1) % 0x1_0000_0000;
  // Kept even when nobody can be asked now: the repair timer then brings the need up again.
  const peer = peers[id % Math.max(1, peers.length)] ?? replica.self;
  if (replica.requests.size === 0) scheduleRepair(replica);
  replica.requests.set(id, { id, peer, sentAtMs: replica.now.monotonicMs, wanted });
  if (peer !== replica.self) send(replica, peer, messageOf(id, wanted));
}

function messageOf(request: number, wanted: Wanted): Message {
  if (wanted.kind === "block") return { kind: "blockWanted", request, digest: wanted.digest };
  if (wanted.kind === "certificates") return { kind: "certificatesWanted", request, from: wanted.from, to: wanted.to };
  if (wanted.kind === "batches") {
    const { lane, from, through, digest } = wanted;
    return { kind: "batchesWanted", request, lane, from, through, digest };
  }
  return { kind: "finalBlocksWanted", request, from: wanted.from, to: wanted.to };
}

const keyOf = (wanted: Wanted): string => ("digest" in wanted ? toHex(wanted.digest) : wanted.kind);

function scheduleRepair(replica: Replica): void {
  const { view, parameters } = replica;
  emit(replica, { kind: "schedule", timer: "repair", view, delayMs: parameters.repairMs });
}
