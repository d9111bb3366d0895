/**
 * The folder in which a snapshot is gathered, chunk by chunk, while it is fetched. Each chunk is a file that appears whole or
 * not at all, and is checked against its hash when it is read again: whatever kills the process, what was fetched and is right
 * is not fetched again. Knows nothing of where chunks come from.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { manifestName, snapshotManifest, type SnapshotManifest } from "@stoa/protocol/snapshot";
import { guarded, syncFolder } from "./append-file.ts";

export interface ChunkFolder {
  /** The chunks that are not here yet. */
  readonly missing: () => readonly number[];
  /** Keeps a chunk; false when it is not the one of that place. */
  readonly put: (index: number, bytes: Uint8Array) => boolean;
  /** All chunks, one after another; only when none is missing. */
  readonly assemble: () => Uint8Array;
}

/** The manifest whose chunks are being gathered here, if any. */
export function manifestIn(folder: string): SnapshotManifest | undefined {
  const path = join(folder, "manifest");
  return existsSync(path)
    ? decode(
        snapshotManifest,
        guarded(path, "read", () => readFileSync(path)),
      )
    : undefined;
}

/** Goes on with what is there of this snapshot; what is there of another is deleted. */
export function openChunkFolder(folder: string, manifest: SnapshotManifest): ChunkFolder {
  const earlier = manifestIn(folder);
  if (earlier === undefined || !equalBytes(manifestName(earlier), manifestName(manifest))) {
    guarded(folder, "rm", () => rmSync(folder, { recursive: true, force: true }));
    guarded(folder, "mkdir", () => mkdirSync(folder, { recursive: true }));
    writeWhole(join(folder, "manifest"), encode(snapshotManifest, manifest));
    syncFolder(folder);
  }
  const pathOf = (index: number): string => join(folder, `${String(index).padStart(6, "0")}.chunk`);
  const read = (index: number): Uint8Array | undefined => {
    const path = pathOf(index);
    if (!existsSync(path)) return undefined;
    const bytes = guarded(path, "read", () => readFileSync(path));
    return isChunk(manifest, index, bytes) ? bytes : undefined;
  };
  const missing = new Set(manifest.chunks.keys());
  for (const index of [...missing]) if (read(index) !== undefined) missing.delete(index);
  return {
    missing: () => [...missing],
    put(index, bytes) {
      if (!isChunk(manifest, index, bytes)) return false;
      writeWhole(pathOf(index), bytes);
      missing.delete(index);
      return true;
    },
    assemble() {
      const whole = new Uint8Array(manifest.size);
      for (const index of manifest.chunks.keys()) whole.set(read(index)!, index * manifest.chunkSize);
      return whole;
    },
  };
}

/** Whether these are the bytes of a place in the snapshot. */
export function isChunk({ size, chunkSize, chunks }: SnapshotManifest, index: number, bytes: Uint8Array): boolean {
  if (bytes.length !== Math.min(chunkSize, size - index * chunkSize)) return false;
  return equalBytes(createHash("sha256").update(bytes).digest(), chunks[index]!);
}

export function writeWhole(path: string, bytes: Uint8Array): void {
  guarded(path, "write", () => {
    const descriptor = openSync(`${path}.part`, "w");
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${path}.part`, path);
  });
}
