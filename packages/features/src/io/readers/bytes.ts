/**
 * Bytes of a file in the order in which they lie there, unpacked if the file is gzip or zstd (by its first bytes, whatever its name
 * says), in chunks: never the whole. The same input can be gone through again and again, which the surveys of readers do.
 */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { excerpt, ReadRefusal } from "./read-refusal.ts";

export interface ByteInput {
  /** For people: the path. */
  readonly name: string;
  /** Bytes on the disk. */
  readonly bytesTotal: number;
  /** Goes through the unpacked bytes from the beginning; tells after each step how many bytes were taken from the disk. */
  chunks(onBytesRead?: (bytesRead: number) => void): AsyncIterable<Uint8Array>;
}

const chunkSize = 256 * 1024;

export type Packing = "none" | "gzip" | "zstd";

/** How bytes are packed, by their beginning. */
export function packingOf(head: Uint8Array): Packing {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return "none";
}

/** A file on the disk. Refuses what is not there, is not a file, or is empty. */
export async function openBytes(path: string): Promise<ByteInput> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new ReadRefusal({
      file: path,
      found: error.code === "ENOENT" ? "there is no such file" : error.message,
      wanted: "a readable file",
    });
  });
  if (!found.isFile()) throw new ReadRefusal({ file: path, found: "not a file", wanted: "a file" });
  if (found.size === 0) throw new ReadRefusal({ file: path, found: "an empty file", wanted: "records" });
  const packing = packingOf(await firstBytes(path));
  return {
    name: path,
    bytesTotal: found.size,
    chunks: (onBytesRead) => unpacked(path, createReadStream(path, { highWaterMark: chunkSize }), packing, onBytesRead),
  };
}

/** Bytes in memory as an input, in the given pieces: for tests and small things that came another way. Unpacks them too. */
export function memoryBytes(name: string, pieces: readonly Uint8Array[]): ByteInput {
  const head = new Uint8Array(4);
  let filled = 0;
  for (const piece of pieces) for (const byte of piece.subarray(0, 4)) if (filled < 4) head[filled++] = byte;
  return {
    name,
    bytesTotal: pieces.reduce((total, { length }) => total + length, 0),
    chunks: (onBytesRead) => unpacked(name, Readable.from(pieces, { objectMode: false }), packingOf(head), onBytesRead),
  };
}

/** The first unpacked bytes of an input: at least `count`, if it has so many. */
export async function headOf(input: ByteInput, count: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input.chunks()) {
    pieces.push(chunk);
    length += chunk.length;
    if (length >= count) break;
  }
  return Buffer.concat(pieces);
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function* unpacked(
  name: string,
  raw: Readable,
  packing: Packing,
  onBytesRead?: (bytesRead: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytesRead = 0;
  raw.on("data", (chunk: Uint8Array) => onBytesRead?.((bytesRead += chunk.length)));
  if (packing === "none") return yield* raw as AsyncIterable<Uint8Array>;
  const unpacker = packing === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  raw.on("error", (error) => unpacker.destroy(error));
  raw.pipe(unpacker);
  try {
    yield* unpacker as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new ReadRefusal({
      file: name,
      place: `byte ${bytesRead}`,
      found: `the ${packing} stream is broken (${excerpt((error as Error).message)})`,
      wanted: "a whole file",
    });
  } finally {
    raw.destroy();
    unpacker.destroy();
  }
}
