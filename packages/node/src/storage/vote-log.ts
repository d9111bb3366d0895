/**
 * The vote log: everything a replica must remember so as never to contradict itself, written before it is sent (consensus.md
 * 3.8). The records of one turn are one group: one append, one fdatasync. Records that need no barrier wait for the next
 * group, so every group but the last is known to be on disk; a small record after each sync says so of the last, too.
 *
 * Segments hold on to each other: each begins with the session that wrote it; one that is full ends with a record that says
 * that another follows, whose head holds a digest of this end. So a segment that is missing or was emptied is noticed, the
 * newest as well. The next one is made first and announced then: a segment that none announces was never used.
 *
 * A log that is missing, damaged or older than what the guard at the key remembers does not know all that was signed. It is
 * put aside under other names, and a new one begins whose first record says so: the replica then goes into quarantine
 * (consensus.md 3.9). Putting aside takes several steps; a file says that it has begun, so that no half of a damaged log is
 * ever taken for a whole one.
 */
import { join } from "node:path";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import { decodeDurableRecord, encodeDurableRecord, lossFactSizeMax } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import { NodeError } from "../failure.ts";
import type { AppendFile } from "./append-file.ts";
import { systemFiles, type Files } from "./files.ts";
import { readRecord, recordBytes } from "./record.ts";
import { loadSegments, type FinalRecord, type Loaded, type LoadOptions } from "./vote-log-loading.ts";
import {
  bodySizeMax,
  createSegment,
  headSize,
  kinds,
  reserveSize,
  suffix,
  tailDigest,
  tailSize,
  viewOf,
} from "./vote-log-segment.ts";

const segmentSizeMaxDefault = 16 * 1024 * 1024;
const pendingSizeMax = 1024 * 1024;
/** Stands in the folder while a lost log is being put aside, and says why. */
const markName = "lost";

export interface VoteLogOptions extends LoadOptions {
  /** The session of a log that begins after a loss is at least this: peers must not take it for a process of earlier. */
  readonly sessionMin?: number;
  /** By how much the session grows with this start, at least and unless given 1. */
  readonly sessionStep?: number;
  /** Nothing at or below it is signed at the key after a loss; 0 unless given. */
  readonly keyFloor?: View;
  /** Why a log that can be read must not be relied on, if so. */
  readonly judge?: (found: FoundLog) => string | undefined;
  /** The system's unless given; tests put a full disk here, the simulator one that lies. */
  readonly files?: Files;
  /** Bytes after which a new segment begins. */
  readonly segmentSizeMax?: number;
}

/** A log as it was read back. */
export interface FoundLog {
  readonly records: readonly DurableRecord[];
  readonly session: number;
  /** Number of the record that would come next. */
  readonly next: number;
}

export interface VoteLog {
  /** Everything that the log holds, in the order in which it was written. */
  readonly records: readonly DurableRecord[];
  /** Grows with every start of this validator: a copy of it that was left running has a lower one. */
  readonly session: number;
  /** Why this log was begun at this start instead of the one that was there. */
  readonly loss: string | undefined;
  /** Records up to this number are on disk. */
  readonly synced: () => number;
  /** Appends one group; with `barrier` it is on disk when this returns. */
  readonly append: (records: readonly DurableRecord[], barrier: boolean) => void;
  /** Blocks through `height` are on disk in the block log: segments that speak only of earlier views may go. */
  readonly blocksStored: (height: number) => void;
  readonly close: () => void;
}

export function openVoteLog(options: VoteLogOptions): VoteLog {
  const { folder, files = systemFiles, segmentSizeMax = segmentSizeMaxDefault } = options;
  files.makeFolder(folder);
  const { loaded, loss } = loadOrGiveUp(options, files);
  const { segments, finals } = loaded;
  const session =
    loss === undefined ? loaded.session + (options.sessionStep ?? 1) : Math.max(1, options.sessionMin ?? 1);
  let next = loaded.next;
  let file: AppendFile;
  if (segments.length === 0) {
    file = createSegment(options, files, { first: next, previousTail: new Uint8Array(32) });
    segments.push({ path: file.path, viewMax: 0 });
  } else file = files.open(segments.at(-1)!.path, { end: loaded.end, reserveSize });

  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  let syncedNumber = 0;
  const losses = lossKinds.flatMap((kind) => loaded.records.findLast((one) => one.kind === kind) ?? []);

  const push = (kind: number, body: Uint8Array): void => {
    const bytes = recordBytes(next++, pending.length === 0 ? kind | kinds.groupStart : kind, body);
    pending.push(bytes);
    pendingSize += bytes.length;
  };
  /** What is appended is on disk; that it is reaches the disk with the next group, or when the system finds time. */
  const sync = (): void => {
    file.sync();
    syncedNumber = next - 1;
    file.append(recordBytes(next++, kinds.synced, new Uint8Array(0)));
  };
  const write = (): void => {
    if (pending.length === 0) return;
    const group = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    pendingSize = 0;
    file.append(group);
    sync();
  };
  const sessionRecord = (): Uint8Array => {
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(BigInt(session));
    return recordBytes(next++, kinds.session, body);
  };
  /** The last acknowledgement of each lane says all that the ones before it said. */
  const acknowledged = new Map<number, number>();
  for (const one of loaded.records) if (one.kind === "acknowledged") acknowledged.set(one.lane, one.sequence);
  const isNewest = (one: DurableRecord): boolean =>
    one.kind !== "acknowledged" || acknowledged.get(one.lane) === one.sequence;
  const note = (one: DurableRecord): void => {
    if (one.kind === "acknowledged") acknowledged.set(one.lane, one.sequence);
    push(kinds.groupMember, encodeDurableRecord(one));
    const segment = segments.at(-1)!;
    segment.viewMax = Math.max(segment.viewMax, viewOf(one));
    if (one.kind === "finalized") finals.push(one);
    if (lossKinds.some((kind) => kind === one.kind) && !losses.includes(one)) losses.push(one);
  };
  const rotate = (): void => {
    write();
    const continued = recordBytes(next++, kinds.continued, new Uint8Array(0));
    const tail = Buffer.concat([file.read(Math.max(0, file.size() - tailSize), tailSize), continued]);
    const following = createSegment(options, files, { first: next, previousTail: tailDigest(tail) });
    following.append(sessionRecord());
    following.sync();
    file.append(continued);
    file.sync();
    file.truncate(file.size());
    file.close();
    file = following;
    segments.push({ path: file.path, viewMax: 0 });
    // A loss matters for the rest of the epoch, longer than the segment in which it was written.
    for (const one of losses) note(one);
  };

  file.append(sessionRecord());
  const records = [...loaded.records];
  if (loss !== undefined) {
    const first: DurableRecord = { kind: "logLost", fact: shortened(loss), keyFloor: options.keyFloor ?? (0 as View) };
    records.push(first);
    note(first);
    file.append(pending.pop()!);
    pendingSize = 0;
  }
  sync();
  if (loss !== undefined) unmark(folder, files);

  return {
    records,
    session,
    loss,
    synced: () => syncedNumber,
    append(appended, barrier) {
      for (const one of appended) note(one);
      if (barrier || pendingSizeMax < pendingSize) write();
      if (segmentSizeMax < file.size()) rotate();
    },
    blocksStored(height) {
      let last: FinalRecord | undefined;
      while (finals.length > 0 && finals[0]!.height <= height) last = finals.shift();
      if (last === undefined) return;
      const kept = last.view - limits.voteRetentionViews;
      while (segments.length > 1 && segments[0]!.viewMax < kept) {
        const { path } = segments.shift()!;
        for (const one of notOrderedIn(files.read(path), last.tips)) if (isNewest(one)) note(one);
        // What lets it go, and what goes on, is on disk first.
        write();
        files.remove(path);
      }
    },
    close() {
      write();
      file.close();
    },
  };
}

const lossKinds = ["logLost", "floor"] as const;

/** What the folder holds, or nothing and why it was put aside. */
function loadOrGiveUp(options: VoteLogOptions, files: Files): { readonly loaded: Loaded; readonly loss?: string } {
  const { folder } = options;
  const found = isMarked(folder, files) ? markedFact(folder, files) : loadOrSayWhy(options, files);
  if (typeof found !== "string") return { loaded: found };
  putAside(folder, files, found);
  return { loaded: loadSegments({ ...options, historyExists: false }, files), loss: found };
}

function loadOrSayWhy(options: VoteLogOptions, files: Files): Loaded | string {
  try {
    const loaded = loadSegments(options, files);
    if (loaded.segments.length > 0) return options.judge?.(loaded) ?? loaded;
    if (!options.historyExists) return loaded;
    return `the vote log is missing: ${options.folder} is empty, but this validator has run before`;
  } catch (error) {
    if (error instanceof NodeError && error.code === "vote-log-damaged") return error.message;
    throw error;
  }
}

/** Batches and acknowledgements in a segment that no final block has ordered: they are needed however old they are. */
function notOrderedIn(bytes: Uint8Array, tips: FinalRecord["tips"]): DurableRecord[] {
  const found: DurableRecord[] = [];
  for (let one = readRecord(bytes, headSize, bodySizeMax); one !== undefined; ) {
    const isMember = one.kind === kinds.groupStart || one.kind === kinds.groupMember;
    const record = isMember ? decodeDurableRecord(one.body) : undefined;
    const place = record?.kind === "batch" ? record.batch : record?.kind === "acknowledged" ? record : undefined;
    if (record !== undefined && place !== undefined && (tips[place.lane]?.sequence ?? 0) < place.sequence)
      found.push(record);
    one = readRecord(bytes, one.end, bodySizeMax);
  }
  return found;
}

// ---- putting a lost log aside

const isMarked = (folder: string, files: Files): boolean => files.exists(join(folder, markName));

/** The mark may have been torn; that it is there is what counts. */
function markedFact(folder: string, files: Files): string {
  const text = new TextDecoder().decode(files.read(join(folder, markName)));
  return text.length === 0 ? `the vote log in ${folder} was being put aside` : text;
}

/** Gives every segment another name, so that nothing of it is lost for whoever wants to look at it. */
function putAside(folder: string, files: Files, fact: string): void {
  if (!isMarked(folder, files)) {
    const mark = files.open(join(folder, markName));
    mark.append(Buffer.from(fact));
    mark.sync();
    mark.close();
    files.syncFolder(folder);
  }
  const names = files.list(folder);
  let number = 1;
  while (names.some((name) => name.endsWith(`.lost-${number}`))) number++;
  for (const name of names.filter((one) => one.endsWith(suffix))) {
    files.rename(join(folder, name), join(folder, `${name}.lost-${number}`));
  }
  files.syncFolder(folder);
}

function unmark(folder: string, files: Files): void {
  files.remove(join(folder, markName));
  files.syncFolder(folder);
}

/** At most the bytes that a record of the loss has for it. */
function shortened(fact: string): string {
  let short = fact;
  while (lossFactSizeMax < Buffer.byteLength(short)) short = short.slice(0, short.length - 16);
  return short;
}
