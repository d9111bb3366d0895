/**
 * Gives a thread's garbage back to the system while the thread has nothing to do. V8 collects by how much is allocated, not by
 * time: a node that has come to rest after a busy hour would keep that hour's garbage resident for as long as it rests. Where
 * the process runs without `--expose-gc` nothing is collected, and nothing else changes.
 */
import { performance } from "node:perf_hooks";
import { memoryUsage } from "node:process";
import { getHeapStatistics } from "node:v8";

const periodMs = 1_000;
/** A thread is idle that was busy for no more than this part of the last period: a validator without commands stays below. */
const busyPartMax = 0.05;
/** What must have come since the last collection to make one worth its milliseconds. */
const garbageMin = 4 * 1024 * 1024;

export interface IdleCollectorParts {
  /** A full collection of this thread's heap; `undefined` where there is none to be had. */
  readonly collect: (() => void) | undefined;
  /** The part of the time since it was last asked that this thread's event loop was busy, from 0 to 1. */
  readonly busyPart: () => number;
  /** Bytes that this thread's heap and its buffers take, garbage and empty pages included. */
  readonly heldSize: () => number;
}

/** Decides once a period; the returned function is to be called then. For tests; threads call {@link collectWhenIdle}. */
export function createIdleCollector({ collect, busyPart, heldSize }: IdleCollectorParts): () => void {
  let sizeAfter = 0;
  return () => {
    const busy = busyPart();
    if (collect === undefined || busyPartMax < busy || heldSize() < sizeAfter + garbageMin) return;
    collect();
    sizeAfter = heldSize();
  };
}

/** Watches this thread for as long as it lives; keeps no process alive. */
export function collectWhenIdle(): void {
  // "last-resort" also gives back pages that are empty now, which a regular collection keeps.
  const collector = globalThis.gc as ((how: { type: string; execution: string; flavor: string }) => void) | undefined;
  let last = performance.eventLoopUtilization();
  const decide = createIdleCollector({
    collect:
      collector === undefined
        ? undefined
        : () => collector({ type: "major", execution: "sync", flavor: "last-resort" }),
    busyPart() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    heldSize: () => getHeapStatistics().total_heap_size + memoryUsage().arrayBuffers,
  });
  setInterval(decide, periodMs).unref();
}
