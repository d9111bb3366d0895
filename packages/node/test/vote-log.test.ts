import { existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError } from "../src/failure.ts";
import { openAppendFile } from "../src/storage/append-file.ts";
import { systemFiles } from "../src/storage/files.ts";
import { readRecord } from "../src/storage/record.ts";
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
    for (let view = 1; view <= 20; view++) log.append([bulky(view)], true);
    log.close();
    const last = segments().at(-1)!;
    const content = contentOf(last);
    const next = join(votesFolder(), "0000000000000099.votes");
    const torn = [Buffer.alloc(0), Buffer.alloc(4096), Buffer.concat([content.subarray(0, 40)], 4096)];
    for (const bytes of torn) {
      // Before a segment follows, the one before it loses the zeros behind its records.
      writeFileSync(last, contentOf(last));
      writeFileSync(next, bytes);
      const again = open({ historyExists: true });
      expect(viewsOf(again.records)).toHaveLength(20);
      expect(reports.join()).toContain(next);
      expect(existsSync(next)).toBe(false);
      again.close();
    }
    // The same where a record follows is no torn creation: something had been written, and is damaged.
    writeFileSync(last, contentOf(last));
    writeFileSync(next, Buffer.concat([Buffer.alloc(headSize), content.subarray(headSize)]));
    expect(refusal(() => open({ historyExists: true })).code).toBe("vote-log-damaged");
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

/** A record of about a megabyte. */
function bulky(view: number): DurableRecord {
  const record = nullify(view);
  return record.kind === "voted" ? { ...record, payload: new Uint8Array(1024 * 1024) } : record;
}
