/** A final block as nodes hand it to each other and keep it in the log: header, certificates, payload. */
import { byteString, list, record, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { certificate } from "./finality/certificate.ts";
import { header } from "./finality/header.ts";

/**
 * A block may be final because a later block is: then `certificates` holds the finalization of that descendant and
 * `descendants` the headers from this block (exclusive) to it (inclusive), each naming the one before as its parent.
 */
export const finalBlock = record({
  header,
  descendants: list(header, limits.descendantsCountMax),
  /** The finalization of the last descendant (or of the header itself), then certificates kept for accountability. */
  certificates: list(certificate, 2 + limits.skipsInlineCountMax),
  payload: byteString(limits.payloadSizeMax),
});
export type FinalBlock = Decoded<typeof finalBlock>;
