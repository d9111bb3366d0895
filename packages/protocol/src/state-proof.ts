/**
 * A part of the exchange's state with its proof: a record, or that there is none, under a module root that a final header
 * carries. What the record says is told by `state-record.ts`.
 */
import { byteString, oneOf, optional, record, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { merkleMapProof } from "@stoa/base/merkle-map";
import { finalityProof } from "./finality/proof.ts";
import { modules } from "./state-record.ts";

export const stateProof = record({
  module: oneOf(modules),
  key: byteString(limits.merkleKeySizeMax),
  /** Absent: the module holds nothing under the key. */
  record: optional(byteString(limits.stateRecordSizeMax)),
  path: merkleMapProof,
  /** A final header; the state is that of `header.executed.height`. */
  executed: finalityProof,
});
export type StateProof = Decoded<typeof stateProof>;
