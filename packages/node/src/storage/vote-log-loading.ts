/**
 * Reading a vote log back (consensus.md 3.8). The group that was being written when the process died may be torn; it is cut off
 * and reported, because nothing of it had been sent. Any other damage is a log that does not know all that was signed, and is
 * thrown: `vote-log.ts` makes a quarantine of it.
 *
 * A torn group and one that was synced and has rotted look alike by themselves. What tells them apart is the record that is
 * written after each sync: a broken record with such a record behind it was synced before.
 */
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import { decodeDurableRecord } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { Files } from "./files.ts";
import { findRecordAfter, readRecord, type StoredRecord } from "./record.ts";
import {
  bodySizeMax,
  checkHead,
  damaged,
  headIsWhole,
  headSize,
  kinds,
  sessionRecordSize,
  suffix,
  tailDigest,
  unreadable,
  viewOf,
  type Segment,
  type SegmentOwner,
} from "./vote-log-segment.ts";

export interface LoadOptions extends SegmentOwner {
  /** Whether anything else shows that this validator has run before. */
  readonly historyExists: boolean;
  /** Told of a torn group that was cut off. */
  readonly report: (fact: string) => void;
}

export type FinalRecord = Extract<DurableRecord, { kind: "finalized" }>;

export interface Loaded {
  readonly segments: Segment[];
  readonly records: DurableRecord[];
  readonly finals: FinalRecord[];
  session: number;
  next: number;
  /** Where the records of the last segment end. */
  end: number;
  /** Whether the last segment says that another follows. */
  isContinued: boolean;
}

/** All that the log in a folder holds; nothing when there is none. */
export function loadSegments(options: LoadOptions, files: Files): Loaded {
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
    else if (one.kind !== kinds.synced) applyRecord(path, one, segment, loaded);
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
  if (value === undefined) throw unreadable(path, one.offset, "holds a record");
  segment.viewMax = Math.max(segment.viewMax, viewOf(value));
  if (value.kind === "finalized") loaded.finals.push(value);
  loaded.records.push(value);
}

/**
 * The record at `offset` is broken. In the last segment, with nothing behind it that shows that it was synced, it belongs to the
 * group that was being written when the process died: nothing of that turn had been sent, so what is there of it may go.
 * Otherwise the file is damaged.
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
  const later = findRecordAfter(bytes, offset, next, bodySizeMax, (one) => wasSynced(next, one));
  if (later !== undefined)
    throw damaged(
      path,
      offset,
      `holds a broken record, and what was written after its sync is at byte ${later.offset}`,
    );
  report(`${path}: the last group was torn at byte ${offset}; ${bytes.length - offset} bytes cut off`);
  const file = files.open(path);
  file.truncate(offset);
  file.close();
}

/**
 * Whether a whole record behind a broken one shows that the broken one was synced. The word that it was does. So does the start
 * of a later group, but for the record right before it: that is such a word itself, which is written with the group.
 */
function wasSynced(broken: number, { kind, number }: StoredRecord): boolean {
  if (kind === kinds.synced) return broken < number;
  return (kind & kinds.groupStart) !== 0 && broken + 1 < number;
}
