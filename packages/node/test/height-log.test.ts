import { appendFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NodeError } from "../src/failure.ts";
import { openHeightLog } from "../src/storage/height-log.ts";
import { testFolder } from "./network.ts";

let folder: ReturnType<typeof testFolder>;
let reports: string[];
beforeEach(() => {
  folder = testFolder();
  reports = [];
});
afterEach(() => folder.remove());

const open = (segmentSizeMax = 4_000) =>
  openHeightLog({
    folder: folder.path,
    name: "block log",
    damageCode: "block-log-damaged",
    remedy: "do what the test says",
    suffix: ".blocks",
    bodySizeMax: 10_000,
    segmentSizeMax,
    report: (fact) => reports.push(fact),
  });
const bodyOf = (height: number): Uint8Array => new Uint8Array(50 + (height % 7)).fill(height);
const files = (): string[] =>
  readdirSync(folder.path)
    .sort()
    .map((name) => join(folder.path, name));

function fill(through: number, sync = true): void {
  const log = open();
  for (let height = 1; height <= through; height++) {
    log.append(height, bodyOf(height));
    if (sync) log.sync();
  }
  log.close();
}

function damageOf(action: () => unknown): NodeError {
  try {
    action();
  } catch (error) {
    if (error instanceof NodeError) return error;
    throw error;
  }
  throw new Error("no damage was found");
}

describe("a log by height", () => {
  test("reads every height of every segment, before and after it is opened again", () => {
    fill(300);
    expect(files().length).toBeGreaterThan(3);
    const log = open();
    expect([log.first(), log.last()]).toEqual([1, 300]);
    for (let height = 1; height <= 300; height++) expect([...log.read(height)!]).toEqual([...bodyOf(height)]);
    expect(log.read(0)).toBeUndefined();
    expect(log.read(301)).toBeUndefined();
    log.append(301, bodyOf(301));
    expect([...log.read(301)!]).toEqual([...bodyOf(301)]);
    log.close();
  });

  test("a torn last record is cut off and said so, and its height is written anew", () => {
    fill(20);
    const path = files().at(-1)!;
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 5));
    const log = open();
    expect(log.last()).toBe(19);
    expect(reports.join()).toContain(path);
    log.append(20, bodyOf(20));
    log.close();
    expect(open().last()).toBe(20);
  });

  test("what was never synced may be torn anywhere", () => {
    fill(5, false);
    const path = files().at(-1)!;
    const bytes = readFileSync(path);
    bytes[100]! ^= 1;
    writeFileSync(path, bytes);
    expect(open().last()).toBe(1);
    expect(reports).toHaveLength(1);
  });

  test("what a sync in the background covered is damage when it breaks, what came later is torn", async () => {
    const log = open();
    for (let height = 1; height <= 4; height++) log.append(height, bodyOf(height));
    const syncing = log.syncLater();
    log.append(5, bodyOf(5));
    expect(await syncing).toBe(4);
    for (let height = 6; height <= 8; height++) log.append(height, bodyOf(height));
    log.close();
    const [path] = files();
    const bytes = readFileSync(path!);
    const starts = [0];
    for (let height = 1; height < 8; height++) starts.push(starts.at(-1)! + 17 + bodyOf(height).length);
    const broken = (height: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy[starts[height - 1]! + 20]! ^= 1;
      return copy;
    };
    writeFileSync(path!, broken(3));
    expect(damageOf(() => open()).offset).toBe(starts[2]);
    writeFileSync(path!, broken(6));
    expect(open().last()).toBe(5);
  });

  test("a flipped bit in a stored record is named with file and offset; nothing is skipped or changed", () => {
    fill(300);
    const path = files()[1]!;
    const bytes = readFileSync(path);
    bytes[25]! ^= 4;
    writeFileSync(path, bytes);
    const error = damageOf(() => open());
    expect(error.code).toBe("block-log-damaged");
    expect([error.file, error.offset]).toEqual([path, 0]);
    expect(error.message).toContain("byte 0");
    expect(error.message).toContain("Restore the file from a copy, or do what the test says.");
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("damage that happens while the log is open is found by the read", () => {
    fill(10);
    const log = open();
    const path = files()[0]!;
    const bytes = readFileSync(path);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(path, bytes);
    expect(damageOf(() => log.read(10)).code).toBe("block-log-damaged");
    log.close();
  });

  test("a missing segment in the middle is refused", () => {
    fill(300);
    writeFileSync(files()[1]!, "");
    expect(damageOf(() => open()).code).toBe("block-log-damaged");
  });

  test("garbage after the last record is cut off", () => {
    fill(3);
    appendFileSync(files()[0]!, Buffer.alloc(100, 1));
    const log = open();
    expect(log.last()).toBe(3);
    log.close();
  });

  test("pruning deletes whole segments below a height and never the last", () => {
    fill(300);
    const log = open();
    log.prune(200);
    expect(log.first()).toBeGreaterThan(1);
    expect(log.first()).toBeLessThanOrEqual(200);
    expect(log.read(200)).toBeDefined();
    log.prune(10_000);
    expect(log.last()).toBe(300);
    log.close();
    expect(open().last()).toBe(300);
  });

  test("cutting above a height forgets what is above it", () => {
    fill(300);
    const log = open();
    log.cutAbove(120);
    expect(log.last()).toBe(120);
    log.append(121, bodyOf(7));
    expect([...log.read(121)!]).toEqual([...bodyOf(7)]);
    log.close();
    expect(open().last()).toBe(121);
  });
});
