import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { finalBlock } from "@stoa/protocol/block";
import { openCommit, type Commit } from "../src/commit.ts";
import { NodeError } from "../src/failure.ts";
import { emptyBlock } from "./empty-block.ts";
import { testChain, testFolder } from "./network.ts";

const { genesis } = testChain();
const blocksCount = 25;

let folder: ReturnType<typeof testFolder>;
let reports: string[];
beforeEach(() => {
  folder = testFolder();
  reports = [];
});
afterEach(() => folder.remove());

const open = (): Commit =>
  openCommit({
    folder: folder.path,
    genesis,
    retentionBlocks: 1_000,
    snapshotBlocks: 10,
    snapshotsKept: 2,
    snapshotChunkSize: 4_096,
    segmentSize: 64 * 1024 * 1024,
    report: (fact) => reports.push(fact),
  });

function applyThrough(commit: Commit, last: number): void {
  for (let height = commit.height() + 1; height <= last; height++) {
    const block = emptyBlock(genesis, height);
    commit.apply(block, encode(finalBlock, block), new Uint8Array(0));
  }
}

/** Roots, and the events of every height, as text. */
function contentOf(commit: Commit): string {
  const roots = commit.rootsKnown().at(-1)!;
  const lines = [...roots.moduleRoots, roots.resultsRoot].map(toHex);
  for (let height = 1; height <= commit.height(); height++)
    lines.push(`${height} ${commit.encodedEventsAt(height)?.map(toHex).join(" ") ?? "missing"}`);
  return lines.join("\n");
}

const filesIn = (name: string): string[] =>
  readdirSync(join(folder.path, name))
    .sort()
    .map((file) => join(folder.path, name, file));

describe("what is stored of final blocks", () => {
  let content: string;
  beforeEach(() => {
    const commit = open();
    applyThrough(commit, blocksCount);
    content = contentOf(commit);
    commit.close();
  });

  test("comes back from the newest snapshot and the blocks after it", () => {
    expect(filesIn("snapshots")).toHaveLength(2);
    const again = open();
    expect(again.height()).toBe(blocksCount);
    expect(contentOf(again)).toBe(content);
    expect(reports).toEqual([]);
    again.close();
  });

  test("events that are gone are computed again, whatever snapshots there are", () => {
    rmSync(join(folder.path, "events"), { recursive: true });
    const again = open();
    expect(contentOf(again)).toBe(content);
    expect(reports.join()).toContain("events of heights 1 to 20 are missing; computed again from height 0");
    again.close();
  });

  test("an event log that ends before the newest snapshot is completed from an older one", () => {
    const [events] = filesIn("events");
    truncateSync(events!, Math.floor(readFileSync(events!).length * 0.6));
    const again = open();
    expect(contentOf(again)).toBe(content);
    expect(reports.join()).toMatch(/events of heights 1\d to 20 are missing; computed again from height 10/);
    again.close();
    reports = [];
    expect(contentOf(open())).toBe(content);
    expect(reports).toEqual([]);
  });

  test("blocks that were lost at the end are taken again, and events beyond them are cut off", () => {
    const [blocks] = filesIn("blocks");
    truncateSync(blocks!, readFileSync(blocks!).length - 5);
    const again = open();
    expect(again.height()).toBe(blocksCount - 1);
    expect(reports.join()).toContain("torn at byte");
    applyThrough(again, blocksCount);
    expect(contentOf(again)).toBe(content);
    again.close();
  });

  test("blocks that were moved away without the snapshots beside them are asked for, not blamed on anything else", () => {
    rmSync(join(folder.path, "blocks"), { recursive: true });
    expect(open).toThrow(
      expect.objectContaining({
        code: "block-log-missing",
        message: expect.stringContaining("blocks, events and snapshots"),
      }),
    );
    // What the message says helps.
    for (const name of ["events", "snapshots"]) rmSync(join(folder.path, name), { recursive: true });
    rmSync(join(folder.path, "blocks"), { recursive: true });
    const again = open();
    expect(again.height()).toBe(0);
    applyThrough(again, blocksCount);
    expect(contentOf(again)).toBe(content);
    again.close();
  });

  test("a snapshot with a flipped bit is named with file and offset", () => {
    const newest = filesIn("snapshots").at(-1)!;
    const bytes = readFileSync(newest);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(newest, bytes);
    let error: unknown;
    try {
      open();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(NodeError);
    expect(error).toMatchObject({ code: "snapshot-damaged", file: newest });
    // What it says to do works.
    rmSync(newest);
    const again = open();
    expect(contentOf(again)).toBe(content);
    again.close();
  });

  test("a snapshot that was being written when the process died does not count", () => {
    const newest = filesIn("snapshots").at(-1)!;
    writeFileSync(`${newest}.part`, readFileSync(newest).subarray(0, 100));
    const again = open();
    expect(contentOf(again)).toBe(content);
    again.close();
    expect(existsSync(newest)).toBe(true);
  });
});
