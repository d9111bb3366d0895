/**
 * One process per data folder: a file that names the process that has it. A process that died without letting go is
 * recognised by its id and start time, so a `kill -9` needs no cleaning up.
 */
import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { NodeError, systemCode } from "../failure.ts";

export interface FolderLock {
  readonly release: () => void;
}

/** Creates the folder if need be. Refuses when it cannot be written or another live process has it. */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, "lock");
  try {
    mkdirSync(folder, { recursive: true });
    for (let attempt = 0; ; attempt++) {
      const descriptor = create(path);
      if (descriptor !== undefined) {
        writeSync(descriptor, `${process.pid} ${startOf(process.pid)}\n`);
        closeSync(descriptor);
        return { release: () => removeQuietly(path) };
      }
      const holder = holderOf(path);
      if (holder !== undefined || attempt === 3)
        throw new NodeError(
          "folder-in-use",
          `${folder} is used by another running node (process ${holder ?? "unknown"}). Stop it, or give this node another folder.`,
          { file: path },
        );
      removeQuietly(path);
    }
  } catch (error) {
    if (error instanceof NodeError) throw error;
    const code = systemCode(error);
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new NodeError(
        "disk-full",
        `the disk is full: nothing can be written to ${folder} (${code}). Free some space there and start the node again.`,
        { file: folder },
      );
    throw new NodeError("folder-not-writable", `cannot write the data folder ${folder} (${code}).`, { file: folder });
  }
}

function create(path: string): number | undefined {
  try {
    return openSync(path, "wx");
  } catch (error) {
    if (systemCode(error) === "EEXIST") return undefined;
    throw error;
  }
}

/** The process that has the lock, or `undefined` when it is gone. */
function holderOf(path: string): number | undefined {
  try {
    const [id = "", start = ""] = readFileSync(path, "utf8").trim().split(" ");
    const holder = Number(id);
    if (!Number.isInteger(holder) || holder <= 0) return undefined;
    process.kill(holder, 0);
    return startOf(holder) === start ? holder : undefined;
  } catch (error) {
    return systemCode(error) === "EPERM" ? -1 : undefined;
  }
}

/** When a process started, in clock ticks since boot; a constant where the system does not tell. */
function startOf(id: number): string {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return "0";
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Someone else removed it.
  }
}
