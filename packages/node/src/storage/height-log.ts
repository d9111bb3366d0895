/**
 * An append-only log of one record per height, gapless: the form of the block log and of the event log. Segments are files
 * named by their first height; every record carries a checksum, checked at opening and at every read. What had not been
 * synced when the machine died may be torn: it is cut off and reported. Any other damage is named with file and offset and
 * stops the start. Knows nothing of what the records mean.
 *
 * PERF: one in 64 offsets is kept in memory; a read scans at most 63 record heads.
 */
import { join } from "node:path";
import { NodeError, type NodeErrorCode } from "../failure.ts";
import type { AppendFile } from "./append-file.ts";
import { systemFiles, type Files } from "./files.ts";
import { findRecordAfter, readRecord, recordBytes, recordHeadSize, type StoredRecord } from "./record.ts";

export interface HeightLogOptions {
  readonly folder: string;
  /** For messages: "block log". */
  readonly name: string;
  readonly damageCode: NodeErrorCode;
  /** What an operator without a copy can do about damage, in words that follow "or". */
  readonly remedy: string;
  readonly suffix: string;
  readonly bodySizeMax: number;
  readonly segmentSizeMax: number;
  /** Told of a torn record that was cut off. */
  readonly report: (fact: string) => void;
  /** The system's unless given. */
  readonly files?: Files;
}

export interface HeightLog {
  /** The lowest and highest stored heights; `last` is `first - 1` when the log is empty. */
  readonly first: () => number;
  readonly last: () => number;
  /** `height` is `last() + 1`, or any height when the log is empty; the body is its parts one after another. */
  readonly append: (height: number, ...body: readonly Uint8Array[]) => void;
  /** The record at `height`; `undefined` when it is not stored. */
  readonly read: (height: number) => Uint8Array | undefined;
  /** Returns when everything appended is on disk. */
  readonly sync: () => void;
  /** The same without holding up this thread; resolves with the height through which everything is then on disk. */
  readonly syncLater: () => Promise<number>;
  /** Deletes whole segments that hold only heights below `height`. */
  readonly prune: (height: number) => void;
  /** Forgets every record above `height`. */
  readonly cutAbove: (height: number) => void;
  readonly close: () => void;
}

interface Segment {
  readonly path: string;
  readonly first: number;
  /** Number of records. */
  count: number;
  /** Offset of every 64th record. */
  readonly offsets: number[];
  /** Opened when it is first read or appended to. */
  file: AppendFile | undefined;
}

/** The kind of a record says how far the log was on disk when it was appended: this many heights below its own; 0: unknown. */
const syncedDistanceMax = 255;
const stride = 64;
const filesOpenMax = 4;

export function openHeightLog(options: HeightLogOptions): HeightLog {
  const { folder, segmentSizeMax, files = systemFiles } = options;
  files.makeFolder(folder);
  const segments = loadSegments(options, files);
  /** Through this height everything is on disk. */
  let syncedHeight = 0;

  const first = (): number => segments[0]?.first ?? 1;
  const last = (): number => {
    const segment = segments.at(-1);
    return segment === undefined ? 0 : segment.first + segment.count - 1;
  };
  const syncedDistance = (height: number): number => {
    const distance = height - syncedHeight;
    return distance <= syncedDistanceMax ? distance : 0;
  };
  const fileOf = (segment: Segment): AppendFile => {
    if (segment.file !== undefined) return segment.file;
    const open = segments.filter((one) => one.file !== undefined && one !== segments.at(-1));
    if (filesOpenMax <= open.length) {
      open[0]!.file!.close();
      open[0]!.file = undefined;
    }
    return (segment.file = files.open(segment.path));
  };
  const sync = (): void => {
    if (syncedHeight === last()) return;
    fileOf(segments.at(-1)!).sync();
    syncedHeight = last();
  };
  const begin = (height: number): Segment => {
    sync();
    const path = join(folder, String(height).padStart(16, "0") + options.suffix);
    const segment: Segment = { path, first: height, count: 0, offsets: [], file: files.open(path) };
    segments.push(segment);
    files.syncFolder(folder);
    return segment;
  };

  // What was read may still have been in memory only when the last process died.
  sync();
  return {
    first,
    last,
    append(height, ...body) {
      let segment = segments.at(-1);
      if (segment !== undefined && height !== last() + 1)
        throw new NodeError("invariant-broken", `the ${options.name} is at ${last()} and was given height ${height}`);
      if (segment === undefined || segmentSizeMax < fileOf(segment).size()) segment = begin(height);
      const file = fileOf(segment);
      if (segment.count % stride === 0) segment.offsets.push(file.size());
      file.append(recordBytes(height, syncedDistance(height), ...body));
      segment.count++;
    },
    read(height) {
      const segment = segments.findLast((one) => one.first <= height);
      if (segment === undefined || segment.first + segment.count <= height) return undefined;
      return readAt(options, fileOf(segment), segment, height);
    },
    sync,
    async syncLater() {
      const through = last();
      if (syncedHeight === through) return through;
      await fileOf(segments.at(-1)!).syncLater();
      syncedHeight = Math.max(syncedHeight, Math.min(through, last()));
      return through;
    },
    prune(height) {
      while (segments.length > 1 && segments[1]!.first <= height) remove(files, segments.shift()!);
    },
    cutAbove(height) {
      while (segments.length > 0 && height < segments.at(-1)!.first) remove(files, segments.pop()!);
      const segment = segments.at(-1);
      if (segment === undefined || last() <= height) return;
      const file = fileOf(segment);
      file.truncate(offsetOf(options, file, segment, height + 1));
      segment.count = height + 1 - segment.first;
      segment.offsets.length = Math.ceil(segment.count / stride);
      syncedHeight = Math.min(syncedHeight, height);
    },
    close() {
      sync();
      for (const segment of segments) segment.file?.close();
    },
  };
}

function remove(files: Files, segment: Segment): void {
  segment.file?.close();
  files.remove(segment.path);
}

function offsetOf(options: HeightLogOptions, file: AppendFile, segment: Segment, height: number): number {
  const index = height - segment.first;
  let offset = segment.offsets[Math.floor(index / stride)]!;
  for (let skipped = 0; skipped < index % stride; skipped++) {
    const head = file.read(offset, recordHeadSize);
    if (head.length < recordHeadSize) throw damaged(options, segment.path, offset, "ends before the record does");
    offset += recordHeadSize + new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  }
  return offset;
}

function readAt(options: HeightLogOptions, file: AppendFile, segment: Segment, height: number): Uint8Array {
  const offset = offsetOf(options, file, segment, height);
  const head = file.read(offset, recordHeadSize);
  const size = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const bytes = size <= options.bodySizeMax ? file.read(offset, recordHeadSize + size) : head;
  const record = readRecord(bytes, 0, options.bodySizeMax);
  if (record === undefined || record.number !== height)
    throw damaged(options, segment.path, offset, `holds a broken record where height ${height} was stored`);
  return record.body;
}

function loadSegments(options: HeightLogOptions, files: Files): Segment[] {
  const { folder } = options;
  const names = segmentNames(options, files);
  const segments: Segment[] = [];
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    const first = Number(name.slice(0, -options.suffix.length));
    const previous = segments.at(-1);
    if (previous !== undefined && previous.first + previous.count !== first)
      throw damaged(
        options,
        path,
        0,
        `begins at height ${first}, but ${previous.path} ends at ${previous.first + previous.count - 1}`,
      );
    const segment = loadSegment({ ...options, files }, path, first, index === names.length - 1);
    if (segment.count > 0) segments.push(segment);
    else files.remove(path);
  }
  return segments;
}

function segmentNames(options: Pick<HeightLogOptions, "folder" | "suffix">, files: Files): readonly string[] {
  return files
    .list(options.folder)
    .filter((name) => name.endsWith(options.suffix))
    .sort();
}

/** A record behind a broken one that proves that the broken one was on disk: then it is damage, not a torn tail. */
function syncedAfter(
  options: Pick<HeightLogOptions, "bodySizeMax">,
  bytes: Uint8Array,
  offset: number,
  height: number,
): StoredRecord | undefined {
  const wasSynced = ({ kind, number }: StoredRecord): boolean => 0 < kind && height <= number - kind;
  return findRecordAfter(bytes, offset, height + 1, options.bodySizeMax, wasSynced);
}

function loadSegment(
  options: HeightLogOptions & { readonly files: Files },
  path: string,
  first: number,
  isLast: boolean,
): Segment {
  const bytes = options.files.read(path);
  const segment: Segment = { path, first, count: 0, offsets: [], file: undefined };
  for (let offset = 0; offset < bytes.length; ) {
    const height = first + segment.count;
    const record = readRecord(bytes, offset, options.bodySizeMax);
    if (record === undefined || record.number !== height) {
      if (!isLast || syncedAfter(options, bytes, offset, height) !== undefined)
        throw damaged(options, path, offset, `holds a broken record where height ${height} should be`);
      options.report(
        `${path}: torn at byte ${offset}, where height ${height} was being written; ${bytes.length - offset} bytes cut off`,
      );
      const file = options.files.open(path);
      file.truncate(offset);
      file.close();
      break;
    }
    if (segment.count % stride === 0) segment.offsets.push(offset);
    segment.count++;
    offset = record.end;
  }
  return segment;
}

/**
 * The records of a log in order of height, for a reader that must not change it and may run beside the node that writes it.
 * Begins with the file in which `from` lies, or with the first. Ends where the log ends or is being written; damage before that
 * is named like at opening.
 */
export function* readHeightLog(
  options: Omit<HeightLogOptions, "report" | "segmentSizeMax">,
  from = 0,
): Generator<{ readonly height: number; readonly body: Uint8Array }> {
  let next: number | undefined;
  const { files = systemFiles } = options;
  const all = segmentNames(options, files);
  const firstOf = (name: string): number => Number(name.slice(0, -options.suffix.length));
  const names = all.slice(
    Math.max(
      0,
      all.findLastIndex((name) => firstOf(name) <= from),
    ),
  );
  for (const [index, name] of names.entries()) {
    const path = join(options.folder, name);
    const first = firstOf(name);
    next ??= first;
    if (first !== next) throw damaged(options, path, 0, `begins at height ${first} where height ${next} should be`);
    const bytes = files.read(path);
    for (let offset = 0; offset < bytes.length; ) {
      const record = readRecord(bytes, offset, options.bodySizeMax);
      if (record === undefined || record.number !== next) {
        if (index === names.length - 1 && syncedAfter(options, bytes, offset, next) === undefined) return;
        throw damaged(options, path, offset, `holds a broken record where height ${next} should be`);
      }
      yield { height: next++, body: record.body };
      offset = record.end;
    }
  }
}

function damaged(
  options: Pick<HeightLogOptions, "damageCode" | "name" | "remedy">,
  path: string,
  offset: number,
  fact: string,
): NodeError {
  return new NodeError(
    options.damageCode,
    `the ${options.name} is damaged: ${path} ${fact} (byte ${offset}). Nothing was skipped or changed. Restore the file from a ` +
      `copy, or ${options.remedy}.`,
    { file: path, offset },
  );
}
