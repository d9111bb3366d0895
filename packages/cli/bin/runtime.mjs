// How every process of stoa is started: a validator is five threads, a devnet six processes, and the machine has fewer processors
// than either. Why each setting, and what it is worth: docs/decisions/0804-process-settings.md.

/** Before the program, on the command line of Node. */
export const flags = [
  "--conditions=@stoa/source",
  "--disable-warning=ExperimentalWarning",
  // Helpers of the garbage collector cost other threads and processes more than they spare their own.
  "--single-threaded-gc",
  // V8 lets a heap grow to four times what it holds before it collects; here to this many percent more.
  "--heap-growing-percent=30",
  // Pages that a heap has left go back to the system, and not to a pool.
  "--no-memory-pool",
  // A thread collects its garbage when it has nothing else to do (node/src/idle-collector.ts).
  "--expose-gc",
];

/** For the allocator of glibc, which keeps one heap per thread and gives little back; others ignore it. Inherited by children. */
export const environment = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "65536",
  MALLOC_MMAP_THRESHOLD_: "16384",
};
