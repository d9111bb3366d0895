/**
 * What the last blocks changed in the state, record by record: so that a node whose roots are not the agreed ones can ask where
 * they part (`divergence-report.ts`), and answer the same question. Kept in memory as bytes, within a limit, since it is asked
 * for within seconds or never; sorted and hashed only when it is.
 *
 * PERF: one copy of the key and the bytes of each changed record, which were encoded for its hash anyway.
 */
import { compareBytes } from "@stoa/base/bytes";
import { encode, Writer } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { changedRecord, type ChangedRecord, type ChangesAnswer, type ChangesRequest } from "@stoa/protocol/changes";
import { modules, type Module } from "@stoa/protocol/state-record";

export interface ChangeJournal {
  /** A record of the block that is being executed. */
  readonly changed: (module: Module, key: Uint8Array, content: Uint8Array | undefined) => void;
  /** The block is executed. Those with height 0 are of no block and are not kept. */
  readonly executed: (height: number) => void;
  readonly answer: (wanted: ChangesRequest) => ChangesAnswer;
}

const sizeMaxUsual = 8 * 1024 * 1024;
/** In the place of a size: the record was removed. */
const removed = 0xffff_ffff;

export function createChangeJournal(sizeMax = sizeMaxUsual): ChangeJournal {
  const writers = modules.map(() => new Writer());
  /** By height, ascending and without gaps. */
  const blocks = new Map<number, readonly Uint8Array[]>();
  /** What was sorted and hashed for an answer, so that asking again costs nothing. */
  const digests = new Map<number, readonly Digest[]>();
  let sorted: { readonly bytes: Uint8Array; readonly records: readonly ChangedRecord[] } | undefined;
  let size = 0;

  const forget = (): void => {
    for (const [height, kept] of blocks) {
      if (size <= sizeMax && blocks.size <= limits.executionLagMax) return;
      // The newest stays, however large it is.
      if (blocks.size === 1) return;
      blocks.delete(height);
      digests.delete(height);
      size -= sizeOf(kept);
    }
  };

  return {
    changed(module, key, content) {
      const writer = writers[modules.indexOf(module)]!;
      const head = writer.reserve(5);
      writer.bytes[head] = key.length;
      writer.view.setUint32(head + 1, content?.length ?? removed, true);
      writer.append(key);
      if (content !== undefined) writer.append(content);
    },
    executed(height) {
      const kept = writers.map((writer) => writer.finish());
      for (const writer of writers) writer.size = 0;
      if (height === 0) return;
      blocks.set(height, kept);
      size += sizeOf(kept);
      forget();
    },
    answer(wanted) {
      if (wanted.kind === "digests") return digestsOf({ blocks, digests }, wanted.from, wanted.to);
      const bytes = blocks.get(wanted.height)?.[wanted.module];
      if (bytes === undefined) return notKept(blocks, wanted.height);
      if (sorted?.bytes !== bytes) sorted = { bytes, records: sortedRecords(bytes) };
      return page(sorted.records, wanted.skip);
    },
  };
}

const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

function notKept(blocks: ReadonlyMap<number, unknown>, height: number): ChangesAnswer {
  const [first] = blocks.keys();
  const known = first === undefined ? "nothing" : `heights ${first} to ${first + blocks.size - 1}`;
  return { kind: "unavailable", reason: `the changes of height ${height} are not kept here; of ${known} they are` };
}

function digestsOf(
  kept: {
    readonly blocks: ReadonlyMap<number, readonly Uint8Array[]>;
    readonly digests: Map<number, readonly Digest[]>;
  },
  from: number,
  to: number,
): ChangesAnswer {
  if (to < from || from + limits.repairItemsCountMax <= to)
    return { kind: "unavailable", reason: `at most ${limits.repairItemsCountMax} heights at a time` };
  const found: (readonly Digest[])[] = [];
  for (let height = from; height <= to; height++) {
    const changes = kept.blocks.get(height);
    if (changes === undefined) return notKept(kept.blocks, height);
    const known = kept.digests.get(height) ?? changes.map((bytes) => changesDigest(sortedRecords(bytes)));
    kept.digests.set(height, known);
    found.push(known);
  }
  return { kind: "digests", from: from as never, blocks: found };
}

function changesDigest(records: readonly ChangedRecord[]): Digest {
  const writer = new Writer();
  for (const one of records) writer.append(encode(changedRecord, one));
  return taggedHash("STOA1/changes", writer.finish());
}

function page(records: readonly ChangedRecord[], skip: number): ChangesAnswer {
  const found: ChangedRecord[] = [];
  let size = 0;
  for (const one of records.slice(skip, skip + limits.changedRecordsCountMax)) {
    size += 16 + one.key.length + (one.content?.length ?? 0);
    if (0 < found.length && limits.changedRecordsSizeMax < size) break;
    found.push(one);
  }
  return { kind: "records", records: found, count: records.length };
}

function sortedRecords(bytes: Uint8Array): readonly ChangedRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: ChangedRecord[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const keyEnd = offset + 5 + bytes[offset]!;
    const contentSize = view.getUint32(offset + 1, true);
    const end = contentSize === removed ? keyEnd : keyEnd + contentSize;
    const content = contentSize === removed ? undefined : bytes.subarray(keyEnd, end);
    records.push({ key: bytes.subarray(offset + 5, keyEnd), content });
    offset = end;
  }
  return records.sort((left, right) => compareBytes(left.key, right.key));
}
