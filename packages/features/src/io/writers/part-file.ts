/**
 * A file that has its name only when it is whole: written beside it under a name that ends in `.part`, renamed at the end. A run that is
 * killed leaves the part, and whatever had the name before is untouched until then.
 */
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { OutputRefusal } from "./output-refusal.ts";

export interface PartFile {
  readonly path: string;
  /** Appends. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes over what is at `position` already. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>;
  finish(): Promise<void>;
  abort(): Promise<void>;
}

export async function openPartFile(path: string): Promise<PartFile> {
  const part = `${path}.${process.pid}.part`;
  const handle = await opened(path, part);
  let isOpen = true;
  let end = 0;
  const close = async (): Promise<void> => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  return {
    path,
    async write(bytes) {
      await writeAll(handle, bytes, end);
      end += bytes.byteLength;
    },
    writeAt: (bytes, position) => writeAll(handle, bytes, position),
    async finish() {
      await handle.sync();
      await close();
      await rename(part, path);
    },
    async abort() {
      await close();
      await rm(part, { force: true });
    },
  };
}

async function opened(path: string, part: string): Promise<FileHandle> {
  try {
    return await open(part, "w");
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === "ENOENT")
      throw new OutputRefusal(`${path} cannot be written: the folder ${dirname(path)} does not exist`);
    throw new OutputRefusal(`${path} cannot be written: ${code ?? String(error)}`);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** A small file at once, in the same way. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const file = await openPartFile(path);
  try {
    await file.write(new TextEncoder().encode(text));
    await file.finish();
  } catch (error) {
    await file.abort();
    throw error;
  }
}
