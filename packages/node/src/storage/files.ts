/**
 * The file operations that the logs need, behind one interface: the system's, or those of a simulated disk that loses, tears
 * and misplaces what it was given. Knows nothing of what is in the files.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { guarded, openAppendFile, syncFolder, type AppendFile, type AppendFileOptions } from "./append-file.ts";

export interface Files {
  /** Makes a folder and those above it, where they are missing. */
  readonly makeFolder: (path: string) => void;
  /** The names in a folder, in no particular order. */
  readonly list: (folder: string) => readonly string[];
  readonly exists: (path: string) => boolean;
  readonly read: (path: string) => Uint8Array;
  readonly remove: (path: string) => void;
  /** Gives a file another name in the same folder. */
  readonly rename: (path: string, to: string) => void;
  /** Opens a file for appending and creates it when it is missing. */
  readonly open: (path: string, options?: AppendFileOptions) => AppendFile;
  /** Makes names that were created or removed in a folder durable. */
  readonly syncFolder: (folder: string) => void;
}

export const systemFiles: Files = {
  makeFolder: (path) => void guarded(path, "mkdir", () => mkdirSync(path, { recursive: true })),
  list: (folder) => guarded(folder, "list", () => readdirSync(folder)),
  exists: existsSync,
  read: (path) => guarded(path, "read", () => readFileSync(path)),
  remove: (path) => guarded(path, "unlink", () => unlinkSync(path)),
  rename: (path, to) => guarded(path, "rename", () => renameSync(path, to)),
  open: openAppendFile,
  syncFolder,
};
