import { describe, expect, test } from "vitest";
import { limits } from "@stoa/base/limits";
import type { ChangedRecord, ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import { createChangeJournal, type ChangeJournal } from "../src/change-journal.ts";
import { firstDifference, firstDifferingRecord } from "../src/divergence-report.ts";
import { heightOf } from "./network.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Blocks 1, 2, ... with these records each, all in one module. */
function journalOf(blocks: readonly (readonly ChangedRecord[])[], sizeMax?: number): ChangeJournal {
  const journal = createChangeJournal(sizeMax);
  blocks.forEach((records, index) => {
    for (const { key, content } of records) journal.changed("orders", key, content);
    journal.executed(index + 1);
  });
  return journal;
}

const orders = 2;
const digests = (journal: ChangeJournal, from: number, to: number) =>
  journal.answer({ kind: "digests", from: heightOf(from), to: heightOf(to) });
const records = (journal: ChangeJournal, height: number, skip = 0) =>
  journal.answer({ kind: "records", height: heightOf(height), module: orders, skip });
const asker = (journal: ChangeJournal) => (wanted: ChangesRequest) => Promise.resolve(journal.answer(wanted));

describe("the changes of recent blocks", () => {
  const set = { key: bytes(2), content: bytes(9, 9) };
  const removed = { key: bytes(1), content: undefined };

  test("come in the order of keys, with what was removed, whatever the order in which they were made", () => {
    const [one, other] = [journalOf([[set, removed]]), journalOf([[removed, set]])];
    expect(records(one, 1)).toEqual({ kind: "records", records: [removed, set], count: 2 });
    expect(records(one, 1, 1)).toEqual({ kind: "records", records: [set], count: 2 });
    expect(digests(one, 1, 1)).toEqual(digests(other, 1, 1));
  });

  test("a record that was removed is not one that is empty", () => {
    const [gone, empty] = [journalOf([[removed]]), journalOf([[{ key: bytes(1), content: bytes() }]])];
    expect(digests(gone, 1, 1)).not.toEqual(digests(empty, 1, 1));
  });

  test("are forgotten, the oldest first, when there are too many of them; the newest never", () => {
    const large = (value: number): ChangedRecord => ({ key: bytes(value), content: new Uint8Array(400) });
    const journal = journalOf([[large(1)], [large(2)], [large(3)]], 1_000);
    expect(records(journal, 1)).toMatchObject({
      kind: "unavailable",
      reason: expect.stringContaining("heights 2 to 3"),
    });
    expect(records(journal, 3)).toMatchObject({ kind: "records", count: 1 });
    expect(records(journalOf([[large(1)], [large(2)]], 10), 2)).toMatchObject({ kind: "records", count: 1 });
  });

  test("one answer holds as many heights and bytes as the limits say, on both sides (BFT-061)", () => {
    const journal = journalOf(Array.from({ length: 70 }, () => [set]));
    expect(digests(journal, 1, limits.repairItemsCountMax)).toMatchObject({ kind: "digests" });
    expect(digests(journal, 1, limits.repairItemsCountMax + 1)).toMatchObject({ kind: "unavailable" });
    const many = Array.from({ length: 20 }, (_, index) => ({ key: bytes(index), content: new Uint8Array(60_000) }));
    const first = records(journalOf([many]), 1) as Extract<ChangesAnswer, { kind: "records" }>;
    expect(first.records.length).toBe(4);
    expect(first.count).toBe(20);
  });
});

describe("where two nodes part", () => {
  const record = (key: number, value?: number): ChangedRecord => ({
    key: bytes(key),
    content: value === undefined ? undefined : bytes(value),
  });

  test.for<[string, ChangedRecord[], ChangedRecord[], number | undefined]>([
    ["nowhere", [record(1, 1), record(2)], [record(1, 1), record(2)], undefined],
    ["other content", [record(1, 1), record(2, 1)], [record(1, 1), record(2, 2)], 2],
    ["a record too many here", [record(1, 1), record(2, 1)], [record(2, 1)], 1],
    ["a record too many there", [record(2, 1)], [record(2, 1), record(3, 1)], 3],
    ["removed here", [record(1)], [record(1, 1)], 1],
  ])("%s", ([, left, right, key]) => {
    expect(firstDifferingRecord(left, right)?.key[0]).toBe(key);
  });

  test("is found in the first block that differs, through answers of any number", async () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ key: bytes(index), content: new Uint8Array(60_000) }));
    const changed = many.map((one, index) => (index === 9 ? { ...one, content: new Uint8Array(60_000).fill(1) } : one));
    const [own, other] = [journalOf([[record(1, 1)], many, many]), journalOf([[record(1, 1)], changed, many])];
    const divergence = { own: { height: heightOf(3), moduleRoots: [], resultsRoot: bytes() as never } } as const;
    const found = await firstDifference({ ...divergence, sameThrough: heightOf(0) }, asker(own), asker(other));
    expect(found).toMatchObject({ height: 2, module: "orders", keyHex: "09" });
    expect(
      await firstDifference({ ...divergence, sameThrough: heightOf(2) }, asker(own), asker(other)),
    ).toBeUndefined();
  });
});
