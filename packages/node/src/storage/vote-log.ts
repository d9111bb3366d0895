/**
 * The vote log: everything a replica must remember so as never to contradict itself, written before it is sent (consensus.md
 * 3.8). The records of one turn are one group: one append, one fdatasync. Records that need no barrier wait for the next
 * group, so every group but the last is known to be on disk.
 *
 * On opening, a group that was being written when the process died may be torn; it is cut off and reported, because nothing
 * of it had been sent. Any other damage, and a vote log that is missing beside stored blocks, stops the start: a validator
 * that forgot its votes may vote twice, which is how chains fork.
 *
 * Segments hold on to each other: each begins with the session that wrote it; one that is full ends with a record that says
 * that another follows, whose head holds a digest of this end. So a segment that is missing or was emptied is noticed, the
 * newest as well. The next one is made first and announced then: a segment that none announces was never used.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import { decodeDurableRecord, encodeDurableRecord } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import { NodeError } from "../failure.ts";
import type { AppendFile } from "./append-file.ts";
import { checksumOf } from "./checksum.ts";
import { systemFiles, type Files } from "./files.ts";
import { findRecordAfter, readRecord, recordBytes, recordHeadSize, type StoredRecord } from "./record.ts";

/** Kinds of stored records: the first of a group, the others of a group, the session that writes, and the end of a segment. */
const kinds = { groupStart: 0x80, groupMember: 0x00, session: 0x90, continued: 0xa0 } as const;
const bodySizeMax = 2 * limits.payloadSizeMax;
const segmentSizeMaxDefault = 16 * 1024 * 1024;
const pendingSizeMax = 1024 * 1024;
/** How far ahead of the last record zeros are written: see `append-file.ts`. */
const reserveSize = 1024 * 1024;
/** So much of a segment's end is named by the segment after it. */
const tailSize = 4096;
const magic = Buffer.from("STOAVOTE");
const formatVersion = 1;
const headSize = 122;
const sessionRecordSize = recordHeadSize + 8;
const suffix = ".votes";

export interface VoteLogOptions {
  readonly folder: string;
  readonly chainId: Digest;
  readonly key: PublicKey;
  readonly epoch: number;
  /** Whether blocks or snapshots are stored for this validator: then a vote log must be there too. */
  readonly historyExists: boolean;
  /** Told of a torn group that was cut off. */
  readonly report: (fact: string) => void;
  /** The system's unless given; tests put a full disk here, the simulator one that lies. */
  readonly files?: Files;
  /** Bytes after which a new segment begins. */
  readonly segmentSizeMax?: number;
}

export interface VoteLog {
  /** Everything that the log holds, in the order in which it was written. */
  readonly records: readonly DurableRecord[];
  /** Counts the starts of this validator: a copy of it that was left running has a lower one. */
  readonly session: number;
  /** Appends one group; with `barrier` it is on disk when this returns. */
  readonly append: (records: readonly DurableRecord[], barrier: boolean) => void;
  /** Blocks through `height` are on disk in the block log: segments that speak only of earlier views may go. */
  readonly blocksStored: (height: number) => void;
  readonly close: () => void;
}

interface Segment {
  readonly path: string;
  /** The highest view that a record of this segment speaks of. */
  viewMax: number;
}

export function openVoteLog(options: VoteLogOptions): VoteLog {
  const { folder, files = systemFiles, segmentSizeMax = segmentSizeMaxDefault } = options;
  files.makeFolder(folder);
  const loaded = loadSegments(options, files);
  const segments = loaded.segments;
  let next = loaded.next;
  let file: AppendFile;
  if (segments.length === 0) {
    if (options.historyExists) throw missing(folder);
    file = createSegment({ ...options, files, first: next, previousTail: new Uint8Array(32) });
    segments.push({ path: file.path, viewMax: 0 });
  } else file = files.open(segments.at(-1)!.path, { end: loaded.end, reserveSize });

  const session = loaded.session + 1;
  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  const finals: { height: number; view: number }[] = loaded.finals;

  const write = (): void => {
    if (pending.length === 0) return;
    const group = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    pendingSize = 0;
    file.append(group);
    file.sync();
  };
  const push = (kind: number, body: Uint8Array): void => {
    const bytes = recordBytes(next++, pending.length === 0 ? kind | kinds.groupStart : kind, body);
    pending.push(bytes);
    pendingSize += bytes.length;
  };
  const sessionRecord = (): Uint8Array => {
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(BigInt(session));
    return recordBytes(next++, kinds.session, body);
  };
  const rotate = (): void => {
    write();
    const continued = recordBytes(next++, kinds.continued, new Uint8Array(0));
    const tail = Buffer.concat([file.read(Math.max(0, file.size() - tailSize), tailSize), continued]);
    const following = createSegment({ ...options, files, first: next, previousTail: tailDigest(tail) });
    following.append(sessionRecord());
    following.sync();
    file.append(continued);
    file.sync();
    file.truncate(file.size());
    file.close();
    file = following;
    segments.push({ path: file.path, viewMax: 0 });
  };

  file.append(sessionRecord());
  file.sync();

  return {
    records: loaded.records,
    session,
    append(records, barrier) {
      for (const one of records) {
        push(kinds.groupMember, encodeDurableRecord(one));
        const segment = segments.at(-1)!;
        segment.viewMax = Math.max(segment.viewMax, viewOf(one));
        if (one.kind === "finalized") finals.push({ height: one.height, view: one.view });
      }
      if (barrier || pendingSizeMax < pendingSize) write();
      if (segmentSizeMax < file.size()) rotate();
    },
    blocksStored(height) {
      let view = -1;
      while (finals.length > 0 && finals[0]!.height <= height) view = finals.shift()!.view;
      if (view < 0) return;
      const kept = view - limits.voteRetentionViews;
      while (segments.length > 1 && segments[0]!.viewMax < kept) {
        files.remove(segments.shift()!.path);
      }
    },
    close() {
      write();
      file.close();
    },
  };
}

function viewOf(one: DurableRecord): number {
  switch (one.kind) {
    case "proposed":
    case "finalized":
      return one.view;
    case "voted":
      return one.vote.view;
    case "certificate":
      return one.certificate.view;
    case "block":
      return one.header.view;
    // What is not ordered yet may be needed for ever; `blocksStored` will know better.
    case "batch":
    case "acknowledged":
      return Number.MAX_SAFE_INTEGER;
  }
}

interface Loaded {
  readonly segments: Segment[];
  readonly records: DurableRecord[];
  readonly finals: { height: number; view: number }[];
  session: number;
  next: number;
  /** Where the records of the last segment end. */
  end: number;
  /** Whether the last segment says that another follows. */
  isContinued: boolean;
}

function loadSegments(options: VoteLogOptions, files: Files): Loaded {
  const { folder, report } = options;
  const names = files
    .list(folder)
    .filter((name) => name.endsWith(suffix))
    .sort();
  const loaded: Loaded = {
    segments: [],
    records: [],
    finals: [],
    session: 0,
    next: 1,
    end: headSize,
    isContinued: false,
  };
  let previous: Uint8Array | undefined;
  // The newest may never have been used; then the one before it is where the log ends.
  const isNewestUnused = 0 < names.length && isUnused(files.read(join(folder, names.at(-1)!)), names.length === 1);
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    const bytes = files.read(path);
    const isLast = index === names.length - 1;
    if (isLast && isNewestUnused && !loaded.isContinued && (index > 0 || !options.historyExists)) {
      report(`${path}: a segment was being created when the process died; nothing had been written to it, removed`);
      files.remove(path);
      break;
    }
    const first = checkHead(path, bytes, options);
    if (previous !== undefined) {
      if (first !== loaded.next) throw damaged(path, 0, `begins at record ${first}, record ${loaded.next} expected`);
      if (!loaded.isContinued) throw damaged(path, 0, "follows a segment that does not say so");
      if (!equalBytes(tailDigest(previous), bytes.subarray(86, 118)))
        throw damaged(path, 86, "does not follow the segment before it");
    }
    loaded.next = first;
    loaded.isContinued = false;
    const mayBeTorn = isLast || (isNewestUnused && index === names.length - 2);
    loadRecords(path, bytes, mayBeTorn, loaded, { report, files });
    const isBegun = readRecord(bytes, headSize, bodySizeMax)?.kind === kinds.session;
    if (!isBegun && (index > 0 || options.historyExists))
      throw damaged(path, headSize, "does not begin with the session that wrote it");
    previous = bytes.subarray(0, loaded.end);
  }
  if (loaded.isContinued)
    throw damaged(loaded.segments.at(-1)!.path, loaded.end, "says that another segment follows, which is missing");
  return loaded;
}

/**
 * Whether a newest segment holds nothing that matters: zeros are reserved before its head is written, and of both, and of the
 * session behind them, any part may be there. The first segment of all is used as soon as its head is whole.
 */
function isUnused(bytes: Uint8Array, isOnly: boolean): boolean {
  return isOnly ? !headIsWhole(bytes) && isZero(bytes, headSize) : isZero(bytes, headSize + sessionRecordSize);
}

interface RepairMeans {
  readonly report: (fact: string) => void;
  readonly files: Files;
}

function loadRecords(path: string, bytes: Uint8Array, isLast: boolean, loaded: Loaded, means: RepairMeans): void {
  const segment: Segment = { path, viewMax: 0 };
  loaded.segments.push(segment);
  loaded.end = headSize;
  while (loaded.end < bytes.length && !loaded.isContinued) {
    const one = readRecord(bytes, loaded.end, bodySizeMax);
    if (one === undefined || one.number !== loaded.next) {
      // Zeros that were reserved and not yet used are the regular end of the last segment.
      if (isLast && isZero(bytes, loaded.end)) return;
      return cutTornGroup(path, bytes, loaded.end, isLast, loaded.next, means);
    }
    if (one.kind === kinds.continued) loaded.isContinued = true;
    else if (one.kind === kinds.session) loaded.session = Number(Buffer.from(one.body).readBigUInt64LE());
    else applyRecord(path, one, segment, loaded);
    loaded.next++;
    loaded.end = one.end;
  }
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let offset = from; offset < bytes.length; offset++) if (bytes[offset] !== 0) return false;
  return true;
}

function applyRecord(path: string, one: StoredRecord, segment: Segment, loaded: Loaded): void {
  const value = decodeDurableRecord(one.body);
  if (value === undefined) throw damaged(path, one.offset, "holds a record that this version cannot read");
  segment.viewMax = Math.max(segment.viewMax, viewOf(value));
  if (value.kind === "finalized") loaded.finals.push({ height: value.height, view: value.view });
  loaded.records.push(value);
}

/**
 * The record at `offset` is broken. In the last segment, with no later group behind it, it belongs to the group that was
 * being written when the process died: nothing of that turn had been sent, so what is there of it may go. Otherwise the file
 * is damaged.
 */
function cutTornGroup(
  path: string,
  bytes: Uint8Array,
  offset: number,
  isLast: boolean,
  next: number,
  { report, files }: RepairMeans,
): void {
  if (!isLast) throw damaged(path, offset, "holds a broken record, and later segments follow");
  const later = findRecordAfter(bytes, offset, next, bodySizeMax, (one) => (one.kind & kinds.groupStart) !== 0);
  if (later !== undefined && next < later.number)
    throw damaged(path, offset, `holds a broken record, and whole records follow at byte ${later.offset}`);
  report(`${path}: the last group was torn at byte ${offset}; ${bytes.length - offset} bytes cut off`);
  const file = files.open(path);
  file.truncate(offset);
  file.close();
}

function createSegment(options: {
  readonly folder: string;
  readonly chainId: Digest;
  readonly key: PublicKey;
  readonly epoch: number;
  readonly first: number;
  readonly previousTail: Uint8Array;
  readonly files: Files;
}): AppendFile {
  const { files, folder } = options;
  const head = Buffer.alloc(headSize);
  magic.copy(head, 0);
  head.writeUInt16LE(formatVersion, 8);
  head.writeUInt32LE(options.epoch, 10);
  head.set(options.chainId, 14);
  head.set(options.key, 46);
  head.writeBigUInt64LE(BigInt(options.first), 78);
  head.set(options.previousTail, 86);
  head.writeUInt32LE(checksumOf(head.subarray(0, 118)), 118);
  const path = join(folder, String(options.first).padStart(16, "0") + suffix);
  if (files.exists(path)) files.remove(path);
  const file = files.open(path, { reserveSize });
  file.append(head);
  file.sync();
  files.syncFolder(folder);
  return file;
}

function headIsWhole(bytes: Uint8Array): boolean {
  if (bytes.length < headSize) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(118, true);
  return checksumOf(bytes.subarray(0, 118)) === stored;
}

function checkHead(path: string, bytes: Uint8Array, options: VoteLogOptions): number {
  if (!headIsWhole(bytes) || !equalBytes(bytes.subarray(0, 8), magic)) throw damaged(path, 0, "has a broken head");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getUint16(8, true) !== formatVersion) throw damaged(path, 8, "has a format that this version cannot read");
  if (!equalBytes(bytes.subarray(14, 46), options.chainId))
    throw new NodeError(
      "folder-of-another-node",
      `${path} belongs to another chain. Give this node its own data folder.`,
      {
        file: path,
      },
    );
  if (!equalBytes(bytes.subarray(46, 78), options.key))
    throw new NodeError(
      "folder-of-another-node",
      `${path} holds the votes of another validator key. Give this node its own data folder.`,
      { file: path },
    );
  return Number(view.getBigUint64(78, true));
}

/** Of the last bytes of what a segment holds. */
const tailDigest = (content: Uint8Array): Uint8Array =>
  createHash("sha256").update(content.subarray(-tailSize)).digest();

const whatToDo =
  "Without its votes a validator may vote twice and fork the chain, so it does not start. Restore the vote log from the disk " +
  "that it was on; if it is lost, do not use this validator key again on this chain. On a devnet, begin anew with --fresh.";

function damaged(path: string, offset: number, fact: string): NodeError {
  return new NodeError("vote-log-damaged", `the vote log is damaged: ${path} ${fact} (byte ${offset}). ${whatToDo}`, {
    file: path,
    offset,
  });
}

function missing(folder: string): NodeError {
  return new NodeError(
    "vote-log-missing",
    `the vote log is missing: ${folder} is empty, but blocks of this validator are stored beside it. ${whatToDo}`,
    { file: folder },
  );
}
