/**
 * One segment of the vote log: its head, the kinds of its records, and how the next one holds on to it. What is in the records
 * is the business of `vote-log.ts`; what a damaged one means that of `vote-log-loading.ts`.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import type { DurableRecord } from "@stoa/consensus/effect";
import { NodeError } from "../failure.ts";
import type { AppendFile } from "./append-file.ts";
import { checksumOf } from "./checksum.ts";
import type { Files } from "./files.ts";
import { recordHeadSize } from "./record.ts";

/**
 * Kinds of stored records: the first of a group, the others of a group, the session that writes, the end of a segment, and
 * the word that everything before it was synced.
 */
export const kinds = { groupStart: 0x80, groupMember: 0x00, session: 0x90, continued: 0xa0, synced: 0xb0 } as const;
export const bodySizeMax = 2 * limits.payloadSizeMax;
/** How far ahead of the last record zeros are written: see `append-file.ts`. */
export const reserveSize = 1024 * 1024;
/** So much of a segment's end is named by the segment after it. */
export const tailSize = 4096;
const magic = Buffer.from("STOAVOTE");
const formatVersion = 2;
export const headSize = 122;
export const sessionRecordSize = recordHeadSize + 8;
export const suffix = ".votes";

export interface SegmentOwner {
  readonly folder: string;
  readonly chainId: Digest;
  readonly key: PublicKey;
  readonly epoch: number;
}

export interface Segment {
  readonly path: string;
  /** The highest view that a record of this segment speaks of. */
  viewMax: number;
}

/** The view that a record speaks of; 0 when it speaks of none. */
export function viewOf(one: DurableRecord): number {
  switch (one.kind) {
    case "proposed":
    case "finalized":
    case "floor":
      return one.view;
    case "voted":
      return one.vote.view;
    case "certificate":
      return one.certificate.view;
    case "block":
      return one.header.view;
    // Lanes have no views: `vote-log.ts` looks at how far they have been ordered. A loss is repeated in every segment.
    case "batch":
    case "acknowledged":
    case "evidence":
    case "logLost":
      return 0;
  }
}

export function createSegment(
  owner: SegmentOwner,
  files: Files,
  begin: { readonly first: number; readonly previousTail: Uint8Array },
): AppendFile {
  const { folder } = owner;
  const head = Buffer.alloc(headSize);
  magic.copy(head, 0);
  head.writeUInt16LE(formatVersion, 8);
  head.writeUInt32LE(owner.epoch, 10);
  head.set(owner.chainId, 14);
  head.set(owner.key, 46);
  head.writeBigUInt64LE(BigInt(begin.first), 78);
  head.set(begin.previousTail, 86);
  head.writeUInt32LE(checksumOf(head.subarray(0, 118)), 118);
  const path = join(folder, String(begin.first).padStart(16, "0") + suffix);
  if (files.exists(path)) files.remove(path);
  const file = files.open(path, { reserveSize });
  file.append(head);
  file.sync();
  files.syncFolder(folder);
  return file;
}

export function headIsWhole(bytes: Uint8Array): boolean {
  if (bytes.length < headSize) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(118, true);
  return checksumOf(bytes.subarray(0, 118)) === stored;
}

/** The number of the first record of a segment that belongs here. */
export function checkHead(path: string, bytes: Uint8Array, owner: SegmentOwner): number {
  if (!headIsWhole(bytes) || !equalBytes(bytes.subarray(0, 8), magic)) throw damaged(path, 0, "has a broken head");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getUint16(8, true) !== formatVersion) throw unreadable(path, 8, "has a format");
  if (!equalBytes(bytes.subarray(14, 46), owner.chainId)) throw foreign(path, "belongs to another chain");
  if (!equalBytes(bytes.subarray(46, 78), owner.key)) throw foreign(path, "holds the votes of another validator key");
  return Number(view.getBigUint64(78, true));
}

/** Of the last bytes of what a segment holds. */
export const tailDigest = (content: Uint8Array): Uint8Array =>
  createHash("sha256").update(content.subarray(-tailSize)).digest();

export function damaged(path: string, offset: number, fact: string): NodeError {
  const message = `the vote log is damaged: ${path} ${fact} (byte ${offset})`;
  return new NodeError("vote-log-damaged", message, { file: path, offset });
}

/** Whole, but written by another version: nothing is lost, so nothing is given up. */
export function unreadable(path: string, offset: number, what: string): NodeError {
  return new NodeError(
    "vote-log-unreadable",
    `the vote log cannot be read: ${path} ${what} that this version does not know (byte ${offset}). Run the version that wrote ` +
      `it. On a devnet, begin anew with --fresh.`,
    { file: path, offset },
  );
}

const foreign = (path: string, fact: string): NodeError =>
  new NodeError("folder-of-another-node", `${path} ${fact}. Give this node its own data folder.`, { file: path });
