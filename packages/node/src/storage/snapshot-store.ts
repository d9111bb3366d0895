/**
 * Snapshots of the exchange: written beside their final name, synced, renamed; read back only if chain, height and every
 * checksum are right. A damaged one is named with file and offset and stops the start: to go on from an older one without
 * being asked would hide that the disk is failing. Knows nothing of what is inside.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { assert } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { NodeError } from "../failure.ts";
import { guarded, syncFolder } from "./append-file.ts";
import { checksumOf } from "./checksum.ts";

const magic = Buffer.from("STOASNAP");
const formatVersion = 1;
/** magic 8, version u16, chain 32, height u64, body size u64, checksum of all these u32. */
const headSize = 62;
/** The body is stored in pieces, each behind its checksum, so that damage has a place. */
export const pieceSize = 1024 * 1024;
const suffix = ".snapshot";

export interface Snapshot {
  readonly height: number;
  readonly bytes: Uint8Array;
}

export interface SnapshotStore {
  /** The heights of which snapshots are kept, ascending. */
  readonly heights: () => readonly number[];
  /** Returns when the snapshot is on disk; older ones beyond the number to keep are deleted, but for those that are `held`. */
  readonly save: (snapshot: Snapshot, held?: ReadonlySet<number>) => void;
  /** The snapshot of one of `heights()`; the newest unless given. `undefined` when there is none. */
  readonly load: (height?: number) => Snapshot | undefined;
  /** Bytes of the snapshot of a height; `undefined` when it is not kept. */
  readonly size: (height: number) => number | undefined;
  /** A part of it, which must lie within one of the stored pieces of 1 MiB. `undefined` when it is not kept (any more). */
  readonly readPart: (height: number, offset: number, size: number) => Uint8Array | undefined;
}

export function openSnapshotStore(folder: string, chainId: Digest, keepCount: number): SnapshotStore {
  guarded(folder, "mkdir", () => mkdirSync(folder, { recursive: true }));
  const pathOf = (height: number): string => join(folder, String(height).padStart(16, "0") + suffix);
  const heights = (): number[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => Number(name.slice(0, -suffix.length)))
      .sort((left, right) => left - right);
  return {
    heights,
    save({ height, bytes }, held) {
      const path = pathOf(height);
      writeWhole(`${path}.part`, snapshotFile(chainId, height, bytes));
      guarded(path, "rename", () => renameSync(`${path}.part`, path));
      syncFolder(folder);
      for (const old of heights().slice(0, -keepCount)) {
        if (held?.has(old) !== true) guarded(pathOf(old), "unlink", () => unlinkSync(pathOf(old)));
      }
    },
    size: (height) => withFile(pathOf(height), (descriptor) => bodySizeOf(pathOf(height), descriptor)),
    readPart: (height, offset, size) =>
      withFile(pathOf(height), (descriptor) => readPart(pathOf(height), descriptor, offset, size)),
    load(height = heights().at(-1)) {
      return height === undefined ? undefined : { height, bytes: readSnapshot(pathOf(height), chainId, height) };
    },
  };
}

function writeWhole(path: string, pieces: readonly Uint8Array[]): void {
  guarded(path, "write", () => {
    const descriptor = openSync(path, "w");
    try {
      for (const piece of pieces)
        for (let written = 0; written < piece.length; ) written += writeSync(descriptor, piece, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

function snapshotFile(chainId: Digest, height: number, bytes: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(headSize);
  magic.copy(head, 0);
  head.writeUInt16LE(formatVersion, 8);
  head.set(chainId, 10);
  head.writeBigUInt64LE(BigInt(height), 42);
  head.writeBigUInt64LE(BigInt(bytes.length), 50);
  head.writeUInt32LE(checksumOf(head.subarray(0, 58)), 58);
  const pieces: Uint8Array[] = [head];
  for (let offset = 0; offset < bytes.length; offset += pieceSize) {
    const piece = bytes.subarray(offset, offset + pieceSize);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(checksumOf(piece));
    pieces.push(checksum, piece);
  }
  return pieces;
}

function readSnapshot(path: string, chainId: Digest, height: number): Uint8Array {
  const file = guarded(path, "read", () => readFileSync(path));
  if (file.length < headSize || !equalBytes(file.subarray(0, 8), magic)) throw damaged(path, 0, "has a broken head");
  if (file.readUInt32LE(58) !== checksumOf(file.subarray(0, 58))) throw damaged(path, 0, "has a broken head");
  if (file.readUInt16LE(8) !== formatVersion) throw damaged(path, 8, "has a format that this version cannot read");
  if (!equalBytes(file.subarray(10, 42), chainId))
    throw new NodeError(
      "folder-of-another-node",
      `${path} belongs to another chain. Give this node its own data folder.`,
      {
        file: path,
      },
    );
  if (Number(file.readBigUInt64LE(42)) !== height) throw damaged(path, 42, "is of another height than its name says");
  const size = Number(file.readBigUInt64LE(50));
  const whole = Buffer.allocUnsafe(size);
  let offset = headSize;
  for (let done = 0; done < size; done += pieceSize) {
    const length = Math.min(pieceSize, size - done);
    if (file.length < offset + 4 + length) throw damaged(path, file.length, "ends too early");
    const piece = file.subarray(offset + 4, offset + 4 + length);
    if (file.readUInt32LE(offset) !== checksumOf(piece)) throw damaged(path, offset, "has a broken checksum");
    whole.set(piece, done);
    offset += 4 + length;
  }
  if (offset !== file.length) throw damaged(path, offset, "goes on after its end");
  return whole;
}

/** `undefined` when there is no such file. */
function withFile<T>(path: string, action: (descriptor: number) => T): T | undefined {
  if (!existsSync(path)) return undefined;
  const descriptor = guarded(path, "open", () => openSync(path, "r"));
  try {
    return action(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readAt(path: string, descriptor: number, offset: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  const count = guarded(path, "read", () => readSync(descriptor, bytes, 0, size, offset));
  if (count < size) throw damaged(path, offset + count, "ends too early");
  return bytes;
}

function bodySizeOf(path: string, descriptor: number): number {
  const head = readAt(path, descriptor, 0, headSize);
  if (head.readUInt32LE(58) !== checksumOf(head.subarray(0, 58))) throw damaged(path, 0, "has a broken head");
  return Number(head.readBigUInt64LE(50));
}

function readPart(path: string, descriptor: number, offset: number, size: number): Uint8Array {
  const index = Math.floor(offset / pieceSize);
  const within = offset - index * pieceSize;
  assert(within + size <= pieceSize, "a part lies within one piece");
  const start = headSize + index * (4 + pieceSize);
  const length = Math.min(pieceSize, bodySizeOf(path, descriptor) - index * pieceSize);
  const stored = readAt(path, descriptor, start, 4 + length);
  const piece = stored.subarray(4);
  if (stored.readUInt32LE(0) !== checksumOf(piece)) throw damaged(path, start, "has a broken checksum");
  return piece.subarray(within, within + size);
}

/** The error of a snapshot that cannot be used; also raised when the exchange refuses what is inside. */
export function damaged(path: string, offset: number, fact: string): NodeError {
  return new NodeError(
    "snapshot-damaged",
    `the snapshot is damaged: ${path} ${fact} (byte ${offset}). Nothing was skipped. Delete that one file: the node then starts ` +
      `from an older snapshot or from genesis, executes its block log again and gets to the same state.`,
    { file: path, offset },
  );
}
