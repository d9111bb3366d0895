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
import { systemFiles } from "../src/storage/files.ts";
import { readRecord, recordHeadSize } from "../src/storage/record.ts";
import { openVoteLog, type VoteLogOptions } from "../src/storage/vote-log.ts";
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
const segments = (): string[] => readdirSync(votesFolder()).map((name) => join(votesFolder(), name));

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
    const bytes = contentOf(path!);
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
    expect(refusal(() => open({ historyExists: true })).code).toBe("vote-log-damaged");
    writeFileSync(next, Buffer.concat([Buffer.alloc(headSize), content.subarray(headSize)]));
    expect(refusal(() => open({ historyExists: true })).code).toBe("vote-log-damaged");
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
      restore();
      lose();
      const error = refusal(() => open({ historyExists: true }));
      expect([error.code, error.message.includes("Restore the vote log")]).toEqual(["vote-log-damaged", true]);
    }
    // The only segment, cut back to its head, beside a history.
    all.slice(1).forEach((path) => existsSync(path) && unlinkSync(path));
    writeFileSync(all[0]!, contents[0]!.subarray(0, headSize));
    expect(refusal(() => open({ historyExists: true })).code).toBe("vote-log-damaged");
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

  test("a flipped bit before the last group refuses the start and names file and offset", () => {
    const log = open();
    const start = contentOf(segments()[0]!).length;
    log.append([nullify(1)], true);
    log.append([nullify(2)], true);
    log.close();
    const [path] = segments();
    const bytes = readFileSync(path!);
    bytes[start + 30]! ^= 1;
    writeFileSync(path!, bytes);
    const error = refusal(() => open({ historyExists: true }));
    expect(error.code).toBe("vote-log-damaged");
    expect(error.file).toBe(path);
    expect(error.offset).toBe(start);
    expect(error.message).toContain("Restore");
    expect(readFileSync(path!)).toEqual(bytes);
  });

  test("a missing vote log beside stored blocks refuses the start and says what to do", () => {
    const error = refusal(() => open({ historyExists: true }));
    expect(error.code).toBe("vote-log-missing");
    expect(error.message).toContain(votesFolder());
    expect(error.message).toContain("Restore");
  });

  test("a segment that is missing in the middle refuses the start", () => {
    const log = open();
    for (let view = 1; view <= 40; view++) log.append([bulky(view)], true);
    log.close();
    expect(segments().length).toBeGreaterThan(2);
    truncateSync(segments()[1]!, 0);
    expect(refusal(() => open({ historyExists: true })).code).toBe("vote-log-damaged");
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

/** A record of 16 KiB: sixteen fill a segment. */
function bulky(view: number): DurableRecord {
  const record = nullify(view);
  return record.kind === "voted" ? { ...record, payload: new Uint8Array(16 * 1024) } : record;
}
