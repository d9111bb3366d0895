/**
 * A simulated volume: the files of one folder as a process sees them (the page cache), and as the platter has them. What was
 * written reaches the platter when it is synced; of the rest a crash keeps some. On demand the volume is faulty: it loses or
 * misplaces writes that it confirmed, confirms syncs that it does not do, flips bits, is full. It has the face of `Files`, so
 * that the shipped logs run on it unchanged.
 *
 * A sync is a point in time: nothing that was written after it can be on the platter without everything before it. Between
 * two syncs any sectors may be there, in any combination. Names of files appear and vanish in order, with the next sync.
 */
import type { Prng } from "@stoa/base/prng";
import { NodeError } from "@stoa/node/failure";
import type { AppendFile, AppendFileOptions } from "@stoa/node/storage/append-file";
import type { Files } from "@stoa/node/storage/files";

export const sectorSize = 512;
/** Less than the shipped logs ask for: the zeros behind their ends must be there, not many. */
const reserveSizeMax = 4_096;

interface Content {
  bytes: Uint8Array;
  size: number;
}

type Operation = { readonly epoch: number; readonly path: string } & (
  | { readonly kind: "create" }
  | { readonly kind: "remove" }
  | { readonly kind: "rename"; readonly to: string }
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number }
);
type Bare<T> = T extends unknown ? Omit<T, "epoch"> : never;

export type Image = ReadonlyMap<string, Readonly<Content>>;

export interface Volume {
  readonly files: Files;
  /** Where the next sync will be; see `settle`. */
  readonly epoch: () => number;
  /** Everything that was synced before `epoch` has reached the platter. */
  readonly settle: (epoch: number) => void;
  /** The power goes: the platter has what was settled and some of the rest; how many bytes were lost. */
  readonly losePower: (prng: Prng) => number;
  /** The process ends, and nothing else: what it wrote is still on its way. */
  readonly platter: () => Image;
  readonly restore: (image: Image) => void;
  /** What a process would read now. */
  readonly cache: () => Image;
  readonly flipBits: (prng: Prng, count: number) => void;
  readonly faults: VolumeFaults;
}

export interface VolumeFaults {
  /** Syncs return and do nothing. */
  lyingSync: boolean;
  /** So many of the next settled writes land somewhere else in their file. */
  misdirected: number;
  /** So many of the next settled writes never reach the platter. */
  lost: number;
  /** Every append fails, after a part of it was written. */
  full: boolean;
}

export function createVolume(prng: Prng): Volume {
  let cache = new Map<string, Content>();
  let platter = new Map<string, Content>();
  let journal: Operation[] = [];
  let epoch = 1;
  const faults: VolumeFaults = { lyingSync: false, misdirected: 0, lost: 0, full: false };
  const note = (operation: Bare<Operation>): void => {
    apply(cache, operation);
    journal.push({ epoch, ...operation } as Operation);
  };
  const sync = (): void => void epoch++;
  const toPlatter = (operation: Operation): void => {
    if (operation.kind === "write" && 0 < faults.lost) return void faults.lost--;
    if (operation.kind !== "write" || faults.misdirected === 0) return apply(platter, operation);
    faults.misdirected--;
    misplace(platter, operation, prng);
  };

  return {
    files: filesOn({ cache: () => cache, note, sync, faults }),
    epoch: () => epoch,
    settle(through) {
      if (faults.lyingSync) return;
      let count = 0;
      while (count < journal.length && journal[count]!.epoch < through) toPlatter(journal[count++]!);
      journal = journal.slice(count);
    },
    losePower(crashPrng) {
      const lostSize = keepSome(platter, journal, crashPrng);
      journal = [];
      cache = copyOf(platter);
      return lostSize;
    },
    platter: () => copyOf(platter),
    cache: () => copyOf(cache),
    restore(image) {
      platter = copyOf(image);
      cache = copyOf(image);
      journal = [];
    },
    flipBits(flipPrng, count) {
      const files = [...platter.values()].filter(({ size }) => 0 < size);
      if (files.length === 0) return;
      for (let flips = 0; flips < count; flips++) {
        const file = files[flipPrng.below(files.length)]!;
        file.bytes[flipPrng.below(file.size)]! ^= 1 << flipPrng.below(8);
      }
    },
    faults,
  };
}

/** The power goes in one of the epochs since the last settled one: those before it are whole, those after it are not there. */
function keepSome(platter: Map<string, Content>, journal: readonly Operation[], prng: Prng): number {
  if (journal.length === 0) return 0;
  const first = journal[0]!.epoch;
  const struck = first + prng.below(journal.at(-1)!.epoch - first + 1);
  const inOrder = prng.below(2) === 0;
  let lostSize = 0;
  let stopped = false;
  for (const operation of journal) {
    if (operation.epoch < struck) apply(platter, operation);
    else if (operation.epoch === struck && !stopped) {
      if (operation.kind === "write") lostSize += keepSectors(platter, operation, prng, inOrder);
      else if (prng.below(2) === 0) apply(platter, operation);
      // What happens to the folder happens in order: a later name is not there without an earlier one.
      else stopped = operation.kind !== "truncate";
    } else if (operation.kind === "write") lostSize += operation.bytes.length;
  }
  return lostSize;
}

/** Some sectors of a write reach the platter: the first ones, or any. Returns how many bytes did not. */
function keepSectors(
  platter: Map<string, Content>,
  { path, offset, bytes }: Extract<Operation, { kind: "write" }>,
  prng: Prng,
  inOrder: boolean,
): number {
  const end = offset + bytes.length;
  const cutAt = offset + prng.below(bytes.length + 1);
  let lostSize = 0;
  for (let start = offset; start < end; ) {
    const next = Math.min(end, (Math.floor(start / sectorSize) + 1) * sectorSize);
    const kept = inOrder ? next <= cutAt : prng.below(2) === 0;
    if (kept)
      apply(platter, { kind: "write", path, offset: start, bytes: bytes.subarray(start - offset, next - offset) });
    else lostSize += next - start;
    start = next;
  }
  return lostSize;
}

/** A write that lands in other sectors of the same file; where it should be, the old bytes stay. */
function misplace(platter: Map<string, Content>, operation: Extract<Operation, { kind: "write" }>, prng: Prng): void {
  const size = platter.get(operation.path)?.size ?? 0;
  const sectorsCount = Math.max(1, Math.floor(size / sectorSize));
  const wrong = prng.below(sectorsCount) * sectorSize + (operation.offset % sectorSize);
  apply(platter, { ...operation, offset: wrong });
}

function apply(files: Map<string, Content>, operation: Bare<Operation>): void {
  const { path } = operation;
  if (operation.kind === "create") {
    if (!files.has(path)) files.set(path, { bytes: new Uint8Array(1_024), size: 0 });
    return;
  }
  if (operation.kind === "remove") return void files.delete(path);
  const file = files.get(path);
  if (file === undefined) return;
  if (operation.kind === "rename") {
    files.delete(path);
    return void files.set(operation.to, file);
  }
  if (operation.kind === "truncate") {
    file.bytes.fill(0, operation.size);
    file.size = operation.size;
    return;
  }
  const end = operation.offset + operation.bytes.length;
  if (file.bytes.length < end) {
    const grown = new Uint8Array(Math.max(end, 2 * file.bytes.length));
    grown.set(file.bytes.subarray(0, file.size));
    file.bytes = grown;
  }
  file.bytes.set(operation.bytes, operation.offset);
  file.size = Math.max(file.size, end);
}

function copyOf(image: Image): Map<string, Content> {
  return new Map([...image].map(([path, { bytes, size }]) => [path, { bytes: bytes.slice(0, size), size }]));
}

interface Access {
  readonly cache: () => Map<string, Content>;
  readonly note: (operation: Bare<Operation>) => void;
  readonly sync: () => void;
  readonly faults: VolumeFaults;
}

function filesOn({ cache, note, sync, faults }: Access): Files {
  return {
    makeFolder: () => undefined,
    list: (folder) =>
      [...cache().keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)),
    exists: (path) => cache().has(path),
    read: (path) => contentOf(cache(), path),
    remove: (path) => note({ kind: "remove", path }),
    rename: (path, to) => note({ kind: "rename", path, to }),
    open: (path, options = {}) => openOn({ cache, note, sync, faults }, path, options),
    syncFolder: sync,
  };
}

function contentOf(files: Map<string, Content>, path: string): Uint8Array {
  const file = files.get(path);
  if (file === undefined) throw new NodeError("disk-error", `${path} does not exist`, { file: path });
  return file.bytes.slice(0, file.size);
}

function openOn({ cache, note, sync, faults }: Access, path: string, options: AppendFileOptions): AppendFile {
  if (!cache().has(path)) note({ kind: "create", path });
  let end = options.end ?? cache().get(path)!.size;
  const reserveSize = Math.min(reserveSizeMax, options.reserveSize ?? 0);
  const write = (offset: number, bytes: Uint8Array): void => note({ kind: "write", path, offset, bytes });
  return {
    path,
    size: () => end,
    append(bytes) {
      const fileSize = cache().get(path)!.size;
      if (0 < reserveSize && fileSize < end + bytes.length) {
        write(fileSize, new Uint8Array(bytes.length + reserveSize - (fileSize - end)));
      }
      if (faults.full) {
        write(end, bytes.slice(0, bytes.length >> 1));
        throw new NodeError("disk-full", `the disk is full: ${path}`, { file: path });
      }
      write(end, bytes.slice());
      end += bytes.length;
    },
    sync,
    syncLater() {
      sync();
      return Promise.resolve();
    },
    truncate(size) {
      note({ kind: "truncate", path, size });
      sync();
      end = size;
    },
    read(offset, size) {
      const file = cache().get(path)!;
      return file.bytes.slice(offset, Math.min(file.size, offset + size));
    },
    close: () => undefined,
  };
}
