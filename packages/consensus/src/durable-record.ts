/**
 * The bytes of what a replica must not forget. The vote log of a node frames and checksums them; nothing else reads them.
 * Relies on the codecs of `protocol/finality`; knows nothing of files.
 */
import { byteString, decode, encode, list, optional, text, u53, union } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { certificate } from "@stoa/protocol/finality/certificate";
import { batch, laneTip } from "@stoa/protocol/finality/lane";
import { evidenceBytes } from "@stoa/protocol/finality/evidence";
import { header } from "@stoa/protocol/finality/header";
import { vote } from "@stoa/protocol/finality/vote";
import { blockHeight, digest, validatorIndex, viewNumber } from "@stoa/protocol/primitives";
import type { DurableRecord } from "./effect.ts";

const payload = byteString(limits.payloadSizeMax);
/** How a log was lost, in bytes of text. */
export const lossFactSizeMax = 1_024;

export const durableRecord = union({
  proposed: { tag: 1, fields: { view: viewNumber, header, payload } },
  voted: { tag: 2, fields: { vote, header: optional(header), payload: optional(payload) } },
  certificate: { tag: 3, fields: { certificate } },
  finalized: {
    tag: 4,
    fields: { height: blockHeight, view: viewNumber, digest, tips: list(laneTip, limits.validatorsCountMax) },
  },
  block: { tag: 5, fields: { header, payload } },
  batch: { tag: 6, fields: { batch } },
  acknowledged: { tag: 7, fields: { lane: validatorIndex, sequence: u53, digest } },
  evidence: { tag: 10, fields: { evidence: evidenceBytes } },
  logLost: { tag: 11, fields: { fact: text(lossFactSizeMax), keyFloor: viewNumber } },
  floor: { tag: 12, fields: { view: viewNumber } },
});

export const encodeDurableRecord = (value: DurableRecord): Uint8Array => encode(durableRecord, value);
/** `undefined` when the bytes are no canonical record: the log is damaged. */
export const decodeDurableRecord = (bytes: Uint8Array): DurableRecord | undefined => decode(durableRecord, bytes);
