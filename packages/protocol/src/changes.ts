/**
 * Asking a node which records of the state a recent block changed. It is how a node whose roots are not the agreed ones finds
 * out where they part: first the digests of what each block changed in each module, then the records of the one that differs.
 * Nodes remember the changes of the last blocks only; every answer has a bounded size. Mesh and door carry the same bytes.
 */
import { byteString, list, optional, record, text, u32, u8, union, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { blockHeight, digest } from "./primitives.ts";

/** A record that a block set, or, without content, removed. */
export const changedRecord = record({
  key: byteString(limits.merkleKeySizeMax),
  content: optional(byteString(limits.stateRecordSizeMax)),
});
export type ChangedRecord = Decoded<typeof changedRecord>;

export const changesRequest = union({
  /** Of the heights in [from, to], at most `repairItemsCountMax` of them. */
  digests: { tag: 1, fields: { from: blockHeight, to: blockHeight } },
  /** Of one block in one module, in ascending order of key, without the first `skip`. */
  records: { tag: 2, fields: { height: blockHeight, module: u8, skip: u32 } },
});
export type ChangesRequest = Decoded<typeof changesRequest>;

export const changesAnswer = union({
  /** Per height one digest per module, over its changed records. */
  digests: {
    tag: 1,
    fields: {
      from: blockHeight,
      blocks: list(list(digest, limits.moduleRootsCountMax), limits.repairItemsCountMax),
    },
  },
  /** `count` is how many records the block changed in that module; the answer holds at least one more of them, if there is one. */
  records: { tag: 2, fields: { records: list(changedRecord, limits.changedRecordsCountMax), count: u32 } },
  unavailable: { tag: 3, fields: { reason: text(256) } },
});
export type ChangesAnswer = Decoded<typeof changesAnswer>;
