/**
 * The disk of a simulated node: two append-only logs of encoded records, votes and blocks. What was appended survives a crash
 * only as far as it was synced; of the rest a random prefix does, as when pages reach the disk in order.
 */
import type { Prng } from "@stoa/base/prng";

export interface Log {
  entries: Uint8Array[];
  syncedCount: number;
}

export interface Disk {
  readonly votes: Log;
  readonly blocks: Log;
  /** Entries that were written and lost, for the report. */
  lostCount: number;
}

export function createDisk(): Disk {
  return { votes: { entries: [], syncedCount: 0 }, blocks: { entries: [], syncedCount: 0 }, lostCount: 0 };
}

export function append(log: Log, entry: Uint8Array): void {
  log.entries.push(entry);
}

export function syncVotes(disk: Disk, count: number): void {
  disk.votes.syncedCount = Math.max(disk.votes.syncedCount, count);
}

export function syncBlocks(disk: Disk, count: number): void {
  disk.blocks.syncedCount = Math.max(disk.blocks.syncedCount, count);
}

/** The power goes: of what was not synced, a prefix stays. */
export function losePower(disk: Disk, prng: Prng): void {
  for (const log of [disk.votes, disk.blocks]) {
    const unsynced = log.entries.length - log.syncedCount;
    const kept = log.syncedCount + (unsynced === 0 ? 0 : prng.below(unsynced + 1));
    disk.lostCount += log.entries.length - kept;
    log.entries.length = kept;
    log.syncedCount = kept;
  }
}
