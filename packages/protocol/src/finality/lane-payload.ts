/**
 * Whether a payload is the one that a header names, and how one with batches is put together. Everything here follows from
 * header and payload alone. Batches are named by the tips, through the chain of digests below each; the loose commands by
 * the digest in the header; the order is the sweep.
 */
import { equalBytes } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import {
  decodeLanesPayload,
  encodeLanesPayload,
  lanesPayloadSize,
  payloadDigest,
  type OrderedBatch,
} from "../payload.ts";
import type { ValidatorIndex } from "../primitives.ts";
import type { Header } from "./header.ts";
import { batchDigest } from "./lane.ts";

/** A place in the sweep: the `index`-th new batch of a lane, from 0. */
export interface SweepPlace {
  readonly lane: ValidatorIndex;
  readonly index: number;
}

/**
 * The order in which a block's batches are executed: the first new batch of every lane, then the second of every lane, and
 * so on; the lane that comes first moves on with the height.
 */
export function sweepOf({ height, tips, ranges }: Pick<Header, "height" | "tips" | "ranges">): SweepPlace[] {
  const first = tips.length === 0 ? 0 : height % tips.length;
  const after = ranges.filter(({ lane }) => first <= lane);
  const rotated = [...after, ...ranges.filter(({ lane }) => lane < first)];
  const rounds = Math.max(0, ...ranges.map(({ count }) => count));
  const places: SweepPlace[] = [];
  for (let index = 0; index < rounds; index++) {
    for (const { lane, count } of rotated) if (index < count) places.push({ lane, index });
  }
  return places;
}

/** The size that the whole payload has, as ranges and loose commands say it. */
export function sizeOfLanes(ranges: Header["ranges"], looseSize: number): number {
  const batchesCount = ranges.reduce((sum, { count }) => sum + count, 0);
  const batchesSize = ranges.reduce((sum, { size }) => sum + size, 0);
  return lanesPayloadSize({ batchesCount, batchesSize, looseSize });
}

/** The whole payload, of the batches of each range, oldest first, and the loose commands. */
export function materialise(
  header: Pick<Header, "height" | "tips" | "ranges">,
  batchesOf: (lane: ValidatorIndex) => readonly OrderedBatch[],
  loose: Uint8Array,
): Uint8Array {
  return encodeLanesPayload({ batches: sweepOf(header).map(({ lane, index }) => batchesOf(lane)[index]!), loose });
}

/** Whether `loose` are the commands that a header of the form `lanes` names beside its batches, in ranges that can be. */
export function looseMatches(header: Header, loose: Uint8Array): boolean {
  const { payload, ranges } = header;
  if (payload.form !== "lanes" || limits.payloadSizeMax < payload.size || !rangesCanBe(header)) return false;
  return payload.size === sizeOfLanes(ranges, loose.length) && equalBytes(payload.digest, payloadDigest(loose));
}

/** Each lane once, in order, and with a tip; so what is held of a range, and its place in the sweep, is never in doubt. */
function rangesCanBe({ tips, ranges }: Header): boolean {
  return ranges.every(({ lane, count }, index) => {
    const isNext = index === 0 || ranges[index - 1]!.lane < lane;
    return isNext && lane < tips.length && 1 <= count && count <= limits.laneBatchesPerBlockCountMax;
  });
}

/** Whether `payload` is the whole payload that the header names, in any form. */
export function payloadMatches(header: Header, payload: Uint8Array): boolean {
  const { form, size, digest } = header.payload;
  if (size !== payload.length) return false;
  if (form === "none") return size === 0 && equalBytes(digest, zeroDigest);
  return form === "inline" ? equalBytes(digest, payloadDigest(payload)) : lanesMatch(header, payload);
}

function lanesMatch(header: Header, payload: Uint8Array): boolean {
  const read = decodeLanesPayload(payload);
  const count = header.ranges.reduce((sum, range) => sum + range.count, 0);
  if (read?.batches.length !== count || !looseMatches(header, read.loose)) return false;
  // Not before: the counts are whatever the sender wrote.
  const places = sweepOf(header);
  const batches = new Map<number, OrderedBatch[]>();
  for (const [index, { lane }] of places.entries()) {
    const of = batches.get(lane) ?? [];
    batches.set(lane, of);
    of.push(read.batches[index]!);
  }
  return header.ranges.every(({ lane, size }) => rangeMatches(header, { lane, size }, batches.get(lane) ?? []));
}

/** From the tip down, each batch is the one that the batch after it names. */
function rangeMatches(
  { epoch, tips }: Header,
  { lane, size }: { readonly lane: ValidatorIndex; readonly size: number },
  batches: readonly OrderedBatch[],
): boolean {
  const tip = tips[lane];
  if (tip === undefined) return false;
  let { sequence, digest } = tip;
  for (let index = batches.length - 1; 0 <= index; index--, sequence--) {
    const one = batches[index]!;
    if (one.epoch !== epoch || one.lane !== lane || one.sequence !== sequence) return false;
    if (!equalBytes(batchDigest(one), digest)) return false;
    digest = one.previous;
  }
  return batches.reduce((sum, { payload }) => sum + payload.length, 0) === size;
}
