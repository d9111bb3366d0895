import { existsSync, readFileSync, readdirSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import { decodeDurableRecord } from "@stoa/consensus/durable-record";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError } from "../src/failure.ts";
import { openAppendFile } from "../src/storage/append-file.ts";
import { systemFiles, type Files } from "../src/storage/files.ts";
import { readRecord, recordHeadSize } from "../src/storage/record.ts";
import { openVoteLog, type FoundLog, type VoteLogOptions } from "../src/storage/vote-log.ts";
import { keyOf, testFolder } from "./network.ts";

const headSize = 122;
const chainId = new Uint8Array(32).fill(9) as Digest;

let folder: ReturnType<typeof testFolder>;
let reports: string[];
beforeEach(() => {
  folder = testFolder();
  reports = [];
});
afterEach(() => folder.remove());

const votesFolder = (): string => join(folder.path, "votes");
const open = (overrides: Partial<VoteLogOptions> = {}) =>
  openVoteLog({
    folder: votesFolder(),
    chainId,
    key: keyOf(1),
    epoch: 0,
    historyExists: false,
    report: (fact) => reports.push(fact),
    segmentSizeMax: 256 * 1024,
    ...overrides,
  });

const nullify = (view: number): DurableRecord => ({
  kind: "voted",
  vote: {
    kind: "nullify",
    epoch: 0,
    view: view as View,
    signer: 0 as ValidatorIndex,
    signature: new Uint8Array(64).fill(view) as Signature,
  },
  header: undefined,
  payload: undefined,
});
const finalized = (height: number, view: number): DurableRecord => ({
  kind: "finalized",
  height: height as Height,
  view: view as View,
  digest: zeroDigest,
  tips: [],
});
const viewsOf = (records: readonly DurableRecord[]): number[] =>
  records.flatMap((one) => (one.kind === "voted" ? [one.vote.view] : []));
const segments = (): string[] =>
  readdirSync(votesFolder())
    .filter((name) => name.endsWith(".votes"))
    .map((name) => join(votesFolder(), name));
const clear = (): void => readdirSync(votesFolder()).forEach((name) => unlinkSync(join(votesFolder(), name)));

/** Opens a log that must be given up: why, what the new one begins with, and under which names the old one stands. */
function lossOf(overrides: Partial<VoteLogOptions>) {
  const log = open(overrides);
  log.close();
  if (log.loss === undefined) throw new Error("nothing was lost");
  const names = readdirSync(votesFolder()).filter((name) => name.includes(".lost-"));
  return { loss: log.loss, records: log.records, keptAs: names.map((name) => join(votesFolder(), name)) };
}

/** A segment without the zeros that are reserved behind its records. */
function contentOf(path: string): Buffer {
  const bytes = readFileSync(path);
  let end = headSize;
  for (let one = readRecord(bytes, end, bytes.length); one !== undefined; one = readRecord(bytes, end, bytes.length))
    end = one.end;
  return bytes.subarray(0, end);
}

/** The votes in a segment of bulky records, by their length. */
function viewsIn(path: string): number[] {
  const bytes = readFileSync(path);
  const views: number[] = [];
  for (
    let one = readRecord(bytes, headSize, bytes.length);
    one !== undefined;
    one = readRecord(bytes, one.end, bytes.length)
  ) {
    const record = decodeDurableRecord(one.body);
    if (record?.kind === "voted") views.push(record.vote.view);
  }
  return views;
}

function refusal(action: () => unknown): NodeError {
  try {
    action();
  } catch (error) {
    if (error instanceof NodeError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("the vote log", () => {
  test("gives back what was appended, in order, and counts sessions", () => {
    const first = open();
    expect(first.session).toBe(1);
    first.append([nullify(1), nullify(2)], true);
    first.append([nullify(3)], true);
    first.close();
    const second = open({ historyExists: true });
    expect(viewsOf(second.records)).toEqual([1, 2, 3]);
    expect(second.session).toBe(2);
    second.close();
  });

  test("records without a barrier wait for the next group and are not lost by closing", () => {
    const log = open();
    log.append([nullify(1)], false);
    const before = contentOf(segments()[0]!).length;
    log.append([nullify(2)], true);
    expect(contentOf(segments()[0]!).length).toBeGreaterThan(before);
    log.append([nullify(3)], false);
    log.close();
    const again = open();
    expect(viewsOf(again.records)).toEqual([1, 2, 3]);
    again.close();
  });

  test("a torn last group is cut off and said so, at every length", () => {
    const log = open();
    log.append([nullify(1)], true);
    const [path] = segments();
    const whole = contentOf(path!).length;
    log.append([nullify(2), nullify(3)], true);
    log.close();
    // Without the word that the group was synced, which is written after it.
    const bytes = contentOf(path!).subarray(0, -recordHeadSize);
    // The last bytes of the record are zeros: without them it is still whole in a file of zeros.
    for (let size = whole + 1; size < bytes.length - 2; size += 7) {
      // What was torn off is missing, or still the zeros that were there before.
      writeFileSync(
        path!,
        size % 2 === 0 ? bytes.subarray(0, size) : Buffer.concat([bytes.subarray(0, size)], bytes.length),
      );
      reports = [];
      // Whole records of a torn group may stay: to remember a vote that was never sent is safe.
      const isBoundary = (size - whole) % ((bytes.length - whole) / 2) === 0;
      const again = open({ historyExists: true });
      expect(viewsOf(again.records)[0]).toBe(1);
      expect(viewsOf(again.records)).not.toContain(3);
      if (!isBoundary) expect(reports.join()).toContain(path!);
      again.close();
    }
  });

  test("a last group that was synced and has rotted is no torn one (BFT-059)", () => {
    const log = open();
    log.append([nullify(1)], true);
    const start = contentOf(segments()[0]!).length;
    log.append([nullify(2), nullify(3)], true);
    log.close();
    const [path] = segments();
    const bytes = contentOf(path!);
    const damages: readonly ((copy: Buffer) => void)[] = [
      (copy) => void (copy[start + 30]! ^= 1),
      (copy) => void (copy[bytes.length - recordHeadSize - 40]! ^= 1),
      (copy) => void copy.fill(0, start, bytes.length - recordHeadSize),
      (copy) => void copy.copy(copy, start, headSize, headSize + 200),
    ];
    for (const damage of damages) {
      clear();
      const copy = Buffer.concat([bytes, Buffer.alloc(4_096)]);
      damage(copy);
      writeFileSync(path!, copy);
      expect(lossOf({ historyExists: true }).loss).toContain("what was written after its sync");
    }
  });

  test("the word that a group was synced may be torn, and the group after it with it", () => {
    const log = open();
    log.append([nullify(1)], true);
    const start = contentOf(segments()[0]!).length - recordHeadSize;
    log.append([nullify(2), nullify(3)], true);
    log.close();
    const [path] = segments();
    // The power went while the second group was written: its bytes are there, those before it are not, and no sync was told.
    const bytes = contentOf(path!).subarray(0, -recordHeadSize);
    // The first four bytes are zeros as it is: its body is empty.
    for (let size = 5; size <= recordHeadSize; size++) {
      clear();
      const copy = Buffer.from(bytes);
      copy.fill(0, start, start + size);
      writeFileSync(path!, copy);
      const again = open({ historyExists: true });
      expect([again.loss, viewsOf(again.records)]).toEqual([undefined, [1]]);
      again.close();
    }
  });

  test("a log that is being put aside is never half of one, wherever the process dies", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.close();
    truncateSync(segments()[1]!, 300);
    let steps = 0;
    /** Dies before the step of that number. */
    const dying = (last: number): Files => {
      steps = 0;
      const guard =
        <T extends unknown[], R>(act: (...all: T) => R) =>
        (...all: T): R => {
          if (last < ++steps) throw new Error("dies");
          return act(...all);
        };
      const { open: openFile, rename, remove, syncFolder, ...rest } = systemFiles;
      const opened: Files["open"] = (path, options) => {
        const file = openFile(path, options);
        return { ...file, append: guard(file.append), sync: guard(file.sync), truncate: guard(file.truncate) };
      };
      return {
        ...rest,
        open: guard(opened),
        rename: guard(rename),
        remove: guard(remove),
        syncFolder: guard(syncFolder),
      };
    };
    const before = readdirSync(votesFolder()).map((name) => [name, readFileSync(join(votesFolder(), name))] as const);
    let survived = false;
    for (let last = 0; !survived; last++) {
      clear();
      for (const [name, bytes] of before) writeFileSync(join(votesFolder(), name), bytes);
      try {
        open({ historyExists: true, files: dying(last) });
        survived = true;
      } catch (error) {
        expect(String(error)).toContain("dies");
      }
      const again = open({ historyExists: true });
      expect(again.records[0]).toMatchObject({ kind: "logLost" });
      expect(viewsOf(again.records)).toEqual([]);
      again.close();
      const kept = readdirSync(votesFolder()).filter((name) => name.includes(".lost-"));
      for (const [name, bytes] of before)
        expect(kept.some((one) => one.startsWith(name) && readFileSync(join(votesFolder(), one)).equals(bytes))).toBe(
          true,
        );
    }
    expect(steps).toBeGreaterThan(10);
  });

  test("a loss stays known when the segment in which it was written is gone", () => {
    const first = open({ historyExists: true, keyFloor: 7 as View });
    first.append([{ kind: "floor", view: 9 as View }], true);
    for (let view = 10; view <= 50; view++) first.append([bulky(view)], true);
    first.append([finalized(40, 1_000)], true);
    first.blocksStored(40);
    first.close();
    const again = open({ historyExists: true });
    expect(again.loss).toBeUndefined();
    expect(viewsOf(again.records)[0]).toBeGreaterThan(10);
    const told = again.records.filter(({ kind }) => kind === "logLost" || kind === "floor");
    expect(told).toMatchObject([
      { kind: "logLost", keyFloor: 7 },
      { kind: "floor", view: 9 },
    ]);
    again.close();
  });

  test("a log that the guard at the key knows to be old is put aside like a damaged one", () => {
    const log = open();
    log.append([nullify(3)], true);
    log.close();
    const judged: unknown[] = [];
    const judge = ({ records, session, next }: FoundLog) => {
      // Its session, its vote, and after each the word that it is on disk.
      judged.push([viewsOf(records), session, next]);
      return "it has no vote of view 4";
    };
    const { loss, records } = lossOf({ historyExists: true, judge, keyFloor: 20 as View });
    expect(judged).toEqual([[[3], 1, 5]]);
    expect(loss).toBe("it has no vote of view 4");
    expect(records).toEqual([{ kind: "logLost", fact: loss, keyFloor: 20 }]);
  });

  test("the session after a loss is the one that is asked for", () => {
    const log = open({ historyExists: true, sessionMin: 5_000 });
    expect(log.session).toBe(5_000);
    log.close();
    const again = open({ historyExists: true, sessionMin: 1 });
    expect(again.session).toBe(5_001);
    again.close();
  });

  test("a segment whose creation was cut short holds nothing and is removed", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.close();
    const [last, next] = segments().slice(-2) as [string, string];
    const votesBefore = viewsIn(last);
    const content = contentOf(next);
    // The segment before it does not announce it yet: the record that does is the last of its file.
    const unannounced = contentOf(last).subarray(0, -recordHeadSize);
    const sessionEnd = headSize + recordHeadSize + 8;
    const torn = [0, 40, headSize, headSize + 9, sessionEnd].flatMap((size) => [
      content.subarray(0, size),
      Buffer.concat([content.subarray(0, size)], 4096),
    ]);
    for (const bytes of torn) {
      writeFileSync(last, Buffer.concat([unannounced, Buffer.alloc(99)]));
      writeFileSync(next, bytes);
      const again = open({ historyExists: true });
      expect(viewsOf(again.records).at(-1)).toBe(votesBefore.at(-1));
      expect(reports.join()).toContain(next);
      expect(existsSync(next)).toBe(false);
      again.close();
    }
    // The same where a record follows is no torn creation: something had been written, and is damaged.
    writeFileSync(last, unannounced);
    writeFileSync(next, content);
    expect(lossOf({ historyExists: true }).loss).toContain("begins at record");
    clear();
    writeFileSync(last, unannounced);
    writeFileSync(next, Buffer.concat([Buffer.alloc(headSize), content.subarray(headSize)]));
    expect(lossOf({ historyExists: true }).loss).toContain("has a broken head");
  });

  test("a power cut while a segment was being announced loses nothing, at every length", () => {
    const log = open();
    for (let view = 1; view <= 18; view++) log.append([bulky(view)], true);
    log.close();
    const [last, next] = segments() as [string, string];
    const [before, after] = [contentOf(last), contentOf(next)];
    for (let missing = 0; missing <= recordHeadSize; missing++) {
      for (const path of segments()) unlinkSync(path);
      writeFileSync(last, Buffer.concat([before.subarray(0, before.length - missing), Buffer.alloc(missing)]));
      writeFileSync(next, after.subarray(0, headSize + recordHeadSize + 8));
      const again = open({ historyExists: true });
      expect(viewsOf(again.records).at(-1)).toBe(viewsIn(last).at(-1));
      again.append([nullify(99)], true);
      again.close();
      const third = open({ historyExists: true });
      expect(viewsOf(third.records).at(-1)).toBe(99);
      third.close();
    }
  });

  test("a newest segment that is missing or emptied is noticed", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.close();
    const all = segments();
    expect(all.length).toBeGreaterThan(2);
    const contents = all.map((path) => readFileSync(path));
    const restore = () => all.forEach((path, index) => writeFileSync(path, contents[index]!));
    const losses: (() => void)[] = [
      () => unlinkSync(all.at(-1)!),
      () => all.slice(1).forEach((path) => unlinkSync(path)),
      () => truncateSync(all.at(-1)!, 0),
      () => truncateSync(all.at(-1)!, headSize),
      () => writeFileSync(all.at(-1)!, Buffer.alloc(4096)),
      () => writeFileSync(all.at(-1)!, Buffer.concat([contents.at(-1)!.subarray(0, headSize)], 4096)),
    ];
    for (const lose of losses) {
      clear();
      restore();
      lose();
      expect(lossOf({ historyExists: true }).loss).toContain("the vote log is damaged");
    }
    // The only segment, cut back to its head, beside a history.
    clear();
    writeFileSync(all[0]!, contents[0]!.subarray(0, headSize));
    expect(lossOf({ historyExists: true }).loss).toContain("does not begin with the session");
  });

  test("the session goes on counting when the segments of earlier ones are gone", () => {
    open().close();
    const log = open();
    expect(log.session).toBe(2);
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.append([finalized(40, 1_000)], true);
    log.blocksStored(40);
    log.close();
    expect(segments()).toHaveLength(1);
    const again = open({ historyExists: true });
    expect(again.session).toBe(3);
    again.close();
  });

  test("after a torn group was cut off the log goes on", () => {
    const log = open();
    log.append([nullify(1)], true);
    log.close();
    const content = contentOf(segments()[0]!);
    writeFileSync(segments()[0]!, Buffer.concat([content, Buffer.alloc(40, 7), Buffer.alloc(500)]));
    const again = open();
    again.append([nullify(2)], true);
    again.close();
    const last = open();
    expect(viewsOf(last.records)).toEqual([1, 2]);
    last.close();
  });

  test("a flipped bit before the last group is a loss that names file and offset, and nothing is deleted", () => {
    const log = open();
    const start = contentOf(segments()[0]!).length;
    log.append([nullify(1)], true);
    log.append([nullify(2)], true);
    log.close();
    const [path] = segments();
    const bytes = readFileSync(path!);
    bytes[start + 30]! ^= 1;
    writeFileSync(path!, bytes);
    const { loss, keptAs } = lossOf({ historyExists: true });
    expect(loss).toContain(`${path} holds a broken record`);
    expect(loss).toContain(`(byte ${start})`);
    // Nothing of the damaged log is gone.
    expect(readFileSync(keptAs[0]!)).toEqual(bytes);
  });

  test("a missing vote log of a validator that has run before begins with the loss", () => {
    const { loss, records } = lossOf({ historyExists: true });
    expect(loss).toContain(`the vote log is missing: ${votesFolder()}`);
    expect(records).toEqual([{ kind: "logLost", fact: loss, keyFloor: 0 }]);
  });

  test("a segment that is missing in the middle is noticed", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.close();
    expect(segments().length).toBeGreaterThan(2);
    truncateSync(segments()[1]!, 0);
    expect(lossOf({ historyExists: true }).loss).toContain("has a broken head");
  });

  test("another chain and another key are refused", () => {
    open().close();
    expect(refusal(() => open({ chainId: zeroDigest })).code).toBe("folder-of-another-node");
    expect(refusal(() => open({ key: keyOf(2) })).code).toBe("folder-of-another-node");
  });

  test("old segments go only when the blocks that they led to are on disk", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    const before = segments().length;
    log.append([finalized(40, 1_000)], true);
    expect(segments().length).toBe(before);
    log.blocksStored(39);
    expect(segments().length).toBe(before);
    log.blocksStored(40);
    expect(segments().length).toBeLessThan(before);
    log.close();
    const again = open({ historyExists: true });
    expect(viewsOf(again.records).at(-1)).toBe(40);
    again.close();
  });

  test("what lanes need outlives the segment that it was written to, until it is ordered", () => {
    const log = open();
    log.append([batchOf(2, 1), batchOf(2, 2), batchOf(2, 3), acknowledged(2, 1), acknowledged(2, 3)], true);
    log.append([batchOf(0, 1), acknowledged(0, 1)], true);
    for (let view = 1; view <= 20; view++) log.append([bulky(view)], true);
    log.append([acknowledged(2, 4)], true);
    for (let view = 21; view <= 60; view++) log.append([bulky(view)], true);
    const tips = [1, 0, 2].map((sequence) => ({ sequence, digest: zeroDigest }));
    log.append([{ ...finalized(50, 1_000), tips } as DurableRecord], true);
    const before = segments();
    log.blocksStored(50);
    expect(segments().some((path) => path === before[0])).toBe(false);
    log.close();
    const again = open({ historyExists: true });
    expect(again.loss).toBeUndefined();
    const kept = again.records.flatMap((one) =>
      one.kind === "batch"
        ? [`batch ${one.batch.lane} ${one.batch.sequence}`]
        : one.kind === "acknowledged"
          ? [`acknowledged ${one.lane} ${one.sequence}`]
          : [],
    );
    // Of acknowledgements the last of a lane says all, and must come after those before it.
    expect(kept.sort()).toEqual(["acknowledged 2 4", "batch 2 3"]);
    again.close();
  });

  test("a full disk stops the append before anything can be sent", () => {
    if (!existsSync("/dev/full")) return;
    let full = false;
    const log = open({
      files: {
        ...systemFiles,
        open(path, options) {
          const file = openAppendFile(path, options);
          const device = openAppendFile("/dev/full");
          return { ...file, append: (bytes) => (full ? device : file).append(bytes) };
        },
      },
    });
    log.append([nullify(1)], true);
    full = true;
    const error = refusal(() => log.append([nullify(2)], true));
    expect(error.code).toBe("disk-full");
    expect(error.message).toContain("Free some space");
  });
});

const batchOf = (lane: number, sequence: number): DurableRecord => ({
  kind: "batch",
  batch: {
    epoch: 0,
    lane: lane as ValidatorIndex,
    sequence,
    previous: zeroDigest,
    payload: new Uint8Array(100),
    signature: new Uint8Array(64) as Signature,
  },
});
const acknowledged = (lane: number, sequence: number): DurableRecord => ({
  kind: "acknowledged",
  lane: lane as ValidatorIndex,
  sequence,
  digest: zeroDigest,
});

/** A record of 16 KiB: sixteen fill a segment. */
function bulky(view: number): DurableRecord {
  const record = nullify(view);
  return record.kind === "voted" ? { ...record, payload: new Uint8Array(16 * 1024) } : record;
}
