/**
 * A file that only grows at its end. Every error of the disk becomes a {@link NodeError} that must stop the node: after a
 * failed fsync the kernel may have dropped the pages, so trying again would lie (consensus.md 3.8).
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { NodeError, systemCode } from "../failure.ts";

export interface AppendFile {
  readonly path: string;
  /** Bytes of content, including what is not yet on disk; zeros that are reserved behind it do not count. */
  readonly size: () => number;
  readonly append: (bytes: Uint8Array) => void;
  /** Returns when everything appended is on disk. */
  readonly sync: () => void;
  /** The same without holding up this thread; what is appended meanwhile does not count. */
  readonly syncLater: () => Promise<void>;
  readonly truncate: (size: number) => void;
  /** Reads `size` bytes at `offset`, or fewer at the end of the file. */
  readonly read: (offset: number, size: number) => Uint8Array;
  readonly close: () => void;
}

export interface AppendFileOptions {
  /** Where the content ends; the end of the file unless given. */
  readonly end?: number;
  /**
   * Zeros are written this far ahead, so that syncing what is appended changes no file size: without that every sync waits
   * for the journal of the file system, which all nodes of a machine share.
   */
  readonly reserveSize?: number;
}

export function openAppendFile(path: string, options: AppendFileOptions = {}): AppendFile {
  const { O_CREAT, O_RDWR } = constants;
  const descriptor = guarded(path, "open", () => openSync(path, O_RDWR | O_CREAT, 0o644));
  let fileSize = guarded(path, "stat", () => fstatSync(descriptor).size);
  let end = options.end ?? fileSize;
  const reserveSize = options.reserveSize ?? 0;

  /** A sync that is under way; the descriptor must outlive it. */
  let syncing: Promise<void> | undefined;

  const writeAt = (bytes: Uint8Array, offset: number): void => {
    for (let written = 0; written < bytes.length; ) {
      const rest = bytes.length - written;
      written += guarded(path, "write", () => writeSync(descriptor, bytes, written, rest, offset + written));
    }
    fileSize = Math.max(fileSize, offset + bytes.length);
  };
  return {
    path,
    size: () => end,
    append(bytes) {
      if (0 < reserveSize && fileSize < end + bytes.length)
        writeAt(new Uint8Array(bytes.length + reserveSize - (fileSize - end)), fileSize);
      writeAt(bytes, end);
      end += bytes.length;
    },
    sync: () => guarded(path, "fdatasync", () => fdatasyncSync(descriptor)),
    syncLater() {
      syncing = new Promise<void>((resolve, reject) => {
        fdatasync(descriptor, (error) => (error === null ? resolve() : reject(diskError(error, path, "fdatasync"))));
      });
      return syncing;
    },
    truncate(length) {
      guarded(path, "truncate", () => ftruncateSync(descriptor, length));
      guarded(path, "fsync", () => fsyncSync(descriptor));
      fileSize = length;
      end = length;
    },
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      const count = guarded(path, "read", () => readSync(descriptor, bytes, 0, length, offset));
      return bytes.subarray(0, count);
    },
    close() {
      const close = (): void => guarded(path, "close", () => closeSync(descriptor));
      if (syncing === undefined) close();
      else void syncing.then(close, close);
    },
  };
}

/** Makes a created, renamed or deleted name in `folder` durable. */
export function syncFolder(folder: string): void {
  guarded(folder, "fsync", () => {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Runs a file operation; its failure is the disk's, and named with the file. */
export function guarded<T>(path: string, operation: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw diskError(error, path, operation);
  }
}

function diskError(error: unknown, path: string, operation: string): NodeError {
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new NodeError(
      "disk-full",
      `the disk is full: ${operation} of ${path} failed (${code}). The node stopped before it voted on anything that is not ` +
        `stored. Free some space in ${dirname(path)} and start it again.`,
      { file: path },
    );
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM")
    return new NodeError("folder-not-writable", `cannot write ${path}: ${operation} failed (${code}).`, { file: path });
  const reason = error instanceof Error ? error.message : String(error);
  return new NodeError("disk-error", `the disk failed: ${operation} of ${path}: ${reason}. The node stopped.`, {
    file: path,
  });
}
