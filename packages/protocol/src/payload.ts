/**
 * The bytes of a payload, in two forms. The plain one is a list of encoded commands in the order that the leader chose. The
 * other begins with a mark that no list begins with, and holds batches of lanes, as their owners made them but without
 * signatures, in the order in which they are executed, and then a plain list. Consensus sees only the bytes of commands.
 */
import { byteString, decode, encode, list, record, u32, u53, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { digest, validatorIndex } from "./primitives.ts";

export const payload = list(byteString(limits.commandSizeMax), limits.payloadCommandsCountMax);

export const encodePayload = (commands: readonly Uint8Array[]): Uint8Array => encode(payload, commands);

/** A batch as blocks hold it. The lane is its owner's index; `previous` is zero for the first. */
export const orderedBatch = record({
  epoch: u32,
  lane: validatorIndex,
  sequence: u53,
  previous: digest,
  payload: byteString(limits.batchPayloadSizeMax),
});
export type OrderedBatch = Decoded<typeof orderedBatch>;

/** What a payload with batches begins with: more than the commands of any plain list. */
const lanesMark = 0xffff_ffff;
export const lanesPayload = record({
  mark: u32,
  batches: list(orderedBatch, limits.validatorsCountMax * limits.laneBatchesPerBlockCountMax),
  /** Commands that came beside the batches; no bytes, or a plain list. */
  loose: byteString(limits.looseSizeMax),
});

export interface LanesPayload {
  readonly batches: readonly OrderedBatch[];
  readonly loose: Uint8Array;
}

export const encodeLanesPayload = ({ batches, loose }: LanesPayload): Uint8Array =>
  encode(lanesPayload, { mark: lanesMark, batches, loose });

/** Mark, count of batches, length of the loose list. */
const lanesFrameSize = 12;
/** Epoch, lane, sequence, previous digest, length of the payload. */
const batchFrameSize = 50;

/** The size of a payload with so many batches, whose payloads have `batchesSize` bytes together. */
export const lanesPayloadSize = (of: { batchesCount: number; batchesSize: number; looseSize: number }): number =>
  lanesFrameSize + batchFrameSize * of.batchesCount + of.batchesSize + of.looseSize;

const hasLanesMark = (bytes: Uint8Array): boolean =>
  4 <= bytes.length && bytes[0] === 0xff && bytes[1] === 0xff && bytes[2] === 0xff && bytes[3] === 0xff;

/** `undefined` when the bytes are no canonical payload with batches. */
export function decodeLanesPayload(bytes: Uint8Array): LanesPayload | undefined {
  return hasLanesMark(bytes) && bytes.length <= limits.payloadSizeMax ? decode(lanesPayload, bytes) : undefined;
}

/**
 * The commands in the order of execution, of either form; `undefined` when the bytes are no canonical payload. What is no
 * list of commands inside a batch, or beside batches, holds none, and what is beyond the limit is no command. The commands
 * themselves are not decoded here.
 */
export function decodePayload(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (limits.payloadSizeMax < bytes.length) return undefined;
  if (!hasLanesMark(bytes)) return decode(payload, bytes);
  const lanes = decode(lanesPayload, bytes);
  if (lanes === undefined) return undefined;
  const parts = [...lanes.batches.map((one) => one.payload), lanes.loose];
  return parts.flatMap((part) => decode(payload, part) ?? []).slice(0, limits.payloadCommandsCountMax);
}

export const payloadDigest = (bytes: Uint8Array): Digest => taggedHash("STOA1/payload", bytes);
