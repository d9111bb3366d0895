/**
 * The payload of a block whose header names batches: put together when all of them are held. A block carries on the wire and
 * on disk either its loose commands, when its batches are there on their own, or its whole payload.
 */
import type { Digest } from "@stoa/base/hash";
import { looseMatches, materialise, payloadMatches, sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import { signersOf, type Certificate } from "@stoa/protocol/finality/certificate";
import type { Header, LaneRange } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { wantBatches } from "./lane-wanted.ts";
import { noTip, rangeUpTo, type HeldBatch, type Range } from "./lane-state.ts";
import { persistBatch } from "./lane-store.ts";
import { blockOf, keepBlock, type Block, type Replica } from "./state.ts";

/** Whether these bytes are what a block with this header carries. */
export function carriedMatches(header: Header, carried: Uint8Array): boolean {
  return isLooseOf(header, carried) ? looseMatches(header, carried) : payloadMatches(header, carried);
}

const isLooseOf = ({ payload }: Header, carried: Uint8Array): boolean =>
  payload.form === "lanes" && carried.length !== payload.size;

/** Keeps a block with what it carries, which must match. */
export function keepCarried(replica: Replica, digest: Digest, header: Header, carried: Uint8Array): Block {
  if (!isLooseOf(header, carried)) {
    const before = blockOf(replica, digest);
    // It came whole after all: its batches may not be held, so what is on disk of it does not suffice.
    if (before?.loose !== undefined && before.payload === undefined) {
      before.loose = undefined;
      before.durable = false;
    }
    return keepBlock(replica, digest, header, carried);
  }
  const block = keepBlock(replica, digest, header);
  if (block.payload === undefined) block.loose ??= carried;
  return block;
}

function sizeOfHeld(ranges: ReadonlyMap<ValidatorIndex, readonly HeldBatch[]>, loose: Uint8Array): number {
  const held = [...ranges].map(([lane, batches]): LaneRange => {
    const size = batches.reduce((sum, { batch }) => sum + batch.payload.length, 0);
    return { lane, count: batches.length, size, proof: undefined };
  });
  return sizeOfLanes(held, loose.length);
}

/** A block is kept before it is judged, so its header may name lanes that there are not: of these nothing is ever held. */
function rangeOf(replica: Replica, header: Header, { lane, count }: Pick<LaneRange, "lane" | "count">): Range {
  const known = replica.lanes.all[lane];
  const tip = header.tips[lane];
  return known === undefined || tip === undefined ? { kind: "missing", tip: noTip } : rangeUpTo(known, tip, count);
}

/** What a block carries, if it is known. */
export const carriedOf = ({ loose, payload }: Block): Uint8Array | undefined => loose ?? payload;

/** The whole payload, put together when it can be; `undefined` when something is missing. */
export function wholePayload(replica: Replica, block: Block): Uint8Array | undefined {
  if (block.payload !== undefined || block.loose === undefined) return block.payload;
  const ranges = new Map<ValidatorIndex, readonly HeldBatch[]>();
  for (const { lane, count } of block.header.ranges) {
    const range = rangeOf(replica, block.header, { lane, count });
    if (range.kind !== "held") return undefined;
    ranges.set(lane, range.batches);
  }
  // Numbers that no holder of the lane would have voted for: an honest third has them right.
  if (sizeOfHeld(ranges, block.loose) !== block.header.payload.size) return undefined;
  const batchesOf = (lane: ValidatorIndex) => ranges.get(lane)!.map(({ batch }) => batch);
  block.payload = materialise(block.header, batchesOf, block.loose);
  return block.payload;
}

/** Writes the batches that a block relies on, as far as they are held and not written. */
export function persistBatches(replica: Replica, { header, loose }: Block): void {
  if (loose === undefined) return;
  for (const { lane, count } of header.ranges) {
    const range = rangeOf(replica, header, { lane, count });
    if (range.kind === "held") for (const held of range.batches) persistBatch(replica, held);
  }
}

/**
 * Asks for the batches of a certified block: those who proved a lane hold it, and of those who voted most do. Gives back for
 * how many milliseconds the one that is needed longest has been.
 */
export function requestBatches(replica: Replica, { header }: Block, certificate: Certificate): number {
  let waitedMs = 0;
  const voters = signersOf(replica.set, certificate.signers) ?? [];
  for (const { lane, count, proof } of header.ranges) {
    const range = rangeOf(replica, header, { lane, count });
    if (range.kind !== "missing") continue;
    const above = header.tips[lane]!.sequence - count;
    const holders = (proof && signersOf(replica.set, proof.signers)) ?? [...voters, header.proposer];
    const need = { lane, tip: range.tip, above, peers: [...holders, lane], cause: "certified" } as const;
    waitedMs = Math.max(waitedMs, wantBatches(replica, need));
  }
  return waitedMs;
}
