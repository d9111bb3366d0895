/**
 * The events that speak of one order, with their proofs: looked for height by height in the event log, as far as final headers
 * carry the results. One answer is bounded in heights, events and bytes, and says where to go on.
 */
import { encode, u53 } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { merkleProofs, type MerkleProof } from "@stoa/base/merkle";
import { height as heightOf } from "@stoa/base/units";
import type { DoorReply, DoorRequest } from "@stoa/protocol/door";
import { decodeEvent, isOfOrder } from "@stoa/protocol/event";
import type { EventsProof } from "@stoa/protocol/events-proof";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import type { Commit } from "./commit.ts";
import { resultsWay } from "./results.ts";

type Request = Extract<DoorRequest, { kind: "orderEvents" }>;
type Failure = Extract<DoorReply, { kind: "failure" }>;

/** Bytes of proven groups in one answer; the block in which they are reached is cut there. */
const answerSizeMax = 256 * 1024;

/**
 * `carried`: the newest height whose results a final header carries. When `isLate` says so the answer ends with the height that it
 * has come to.
 */
export function findOrderEvents(commit: Commit, carried: number, request: Request, isLate: () => boolean): DoorReply {
  const { id, order } = request;
  const failure = (reason: string, retry: boolean): Failure => ({ kind: "failure", id, reason, retry });
  const from = Math.max(1, request.from);
  if (carried < from) return failure(`no final header carries the results of height ${from} yet`, true);
  const through = Math.min(request.through, carried, from + limits.repairItemsCountMax - 1);
  const proofs: EventsProof[] = [];
  let size = 0;
  let height = from;
  for (; height <= through; height++) {
    if (from < height && isLate()) break;
    const events = commit.encodedEventsAt(height);
    if (events === undefined) return failure(`events of height ${height} are pruned here`, false);
    const places = placesOf(events, order, height === request.from ? request.index : 0);
    if (places.length === 0) continue;
    const taken: MerkleProof[] = [];
    for (const proof of merkleProofs(events, places.slice(0, limits.eventsPerProofCountMax))) {
      if (answerSizeMax < size) break;
      size += sizeOf(proof);
      taken.push(proof);
    }
    if (0 < taken.length) {
      const proved = proofOf(commit, height, taken);
      if (proved === undefined) return failure(`results around height ${height} are pruned here`, false);
      proofs.push(proved);
    }
    if (taken.length < places.length) {
      const next = { nextHeight: heightOf(height), nextIndex: places[taken.length]! };
      return { kind: "orderEvents", id, ...next, proofs };
    }
  }
  return { kind: "orderEvents", id, nextHeight: heightOf(height), nextIndex: 0, proofs };
}

/** PERF: only events that hold the order's number as bytes are decoded. */
function placesOf(events: readonly Uint8Array[], order: number, first: number): number[] {
  const wanted = encode(u53, order);
  const places: number[] = [];
  for (let place = first; place < events.length; place++) {
    const { buffer, byteOffset, byteLength } = events[place]!;
    if (!Buffer.from(buffer, byteOffset, byteLength).includes(wanted)) continue;
    if (isOfOrder(decodeEvent(events[place]!), order)) places.push(place);
  }
  return places;
}

const sizeOf = ({ group, levels }: MerkleProof): number =>
  group.reduce((sum, leaf) => sum + leaf.length, 0) + levels.reduce((sum, level) => sum + 32 * level.length, 0);

function proofOf(commit: Commit, height: number, events: readonly MerkleProof[]): EventsProof | undefined {
  const way = resultsWay(commit, height);
  if (way === undefined) return undefined;
  return {
    height: heightOf(height),
    events,
    resultsRootBefore: way.before,
    eventsRootsAfter: way.after,
    executed: finalityProofOf(way.carrier),
  };
}
